"""The parts of LangSmith that the server talks to."""

from collections.abc import Iterator, Mapping
from typing import Any

from support.http_server import HttpServer, Requests

USUAL_PROJECT = "usual"


class LangSmith(HttpServer):
    def answer(self, path: str, body: Any) -> Any:
        match path:
            case "/info":
                return {"version": "0.12.0", "batch_ingest_config": {"use_multipart_endpoint": False}}
            case "/feedback/tokens":
                return {"id": body["feedback_key"], "url": link_for(body["run_id"], body["feedback_key"])}
        return {}

    def trace_of(self, run_id: str, project: str) -> Mapping[str, Any]:
        """All that is sent of a run to a project, as soon as its end has been sent."""

        def whole(requests: Requests) -> Mapping[str, Any] | None:
            trace = {name: value for part in _parts(requests, run_id, project) for name, value in part.items()}
            return trace if trace.get("end_time") else None

        return self.until(whole)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a server that uses it."""
        return {
            "LANGSMITH_ENDPOINT": self.url,
            "LANGSMITH_API_KEY": "secret-key",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_PROJECT": USUAL_PROJECT,
        }


def link_for(run_id: str, key: str) -> str:
    return f"https://langsmith.example/feedback/{run_id}/{key}"


def _parts(requests: Requests, run_id: str, project: str) -> Iterator[Mapping[str, Any]]:
    for path, _, body in requests:
        if path == "/runs/batch":
            sent = [*body.get("post", []), *body.get("patch", [])]
            yield from (part for part in sent if part.get("session_name") == project and _is_of(part, run_id))


def _is_of(part: Mapping[str, Any], run_id: str) -> bool:
    """Whether it is of the run itself, and of none of its nodes."""
    return not part.get("parent_run_id") and part.get("extra", {}).get("metadata", {}).get("run_id") == run_id
