"""Every method takes headers and query parameters of the caller, and the server takes them, too."""

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest

from support.clients import Client
from support.runs import new_thread
from support.version import IS_OLDEST

YEARLY = "0 0 1 1 *"


class Scene:
    """What there is for every method to act on; made when a method needs it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def assistant_id(self) -> str:
        return self._client.assistants.create("steps")["assistant_id"]

    @cached_property
    def thread_id(self) -> str:
        return new_thread(self._client, graph_id="steps")

    @cached_property
    def run_id(self) -> str:
        run_id = self._client.runs.create(self.thread_id, "steps", input={}, stream_resumable=True)["run_id"]
        self._client.runs.join(self.thread_id, run_id)
        return run_id

    @cached_property
    def streamed_thread_id(self) -> str:
        assert self.run_id
        return self.thread_id

    @cached_property
    def cron_id(self) -> str:
        return self._client.crons.create("steps", schedule=YEARLY)["cron_id"]

    @cached_property
    def namespace(self) -> list[str]:
        namespace = ["every method", str(uuid.uuid4())]
        self._client.store.put_item(namespace, "k", {})
        return namespace


@pytest.fixture
def scene(client: Client) -> Scene:
    return Scene(client)


def first_of(stream: Any) -> None:
    """Reads what comes first, and leaves a stream that has no end of its own."""
    next(stream)
    stream.close()


Call = Callable[[Client, Scene, dict[str, Any]], Any]

CALLS: dict[str, Call] = {
    "assistants.get": lambda client, scene, more: client.assistants.get(scene.assistant_id, **more),
    "assistants.get_graph": lambda client, scene, more: client.assistants.get_graph(scene.assistant_id, **more),
    "assistants.get_schemas": lambda client, scene, more: client.assistants.get_schemas(scene.assistant_id, **more),
    "assistants.get_subgraphs": lambda client, scene, more: client.assistants.get_subgraphs("family", **more),
    "assistants.create": lambda client, scene, more: client.assistants.create("steps", **more),
    "assistants.update": lambda client, scene, more: client.assistants.update(scene.assistant_id, name="new", **more),
    "assistants.delete": lambda client, scene, more: client.assistants.delete(scene.assistant_id, **more),
    "assistants.search": lambda client, scene, more: client.assistants.search(**more),
    "assistants.count": lambda client, scene, more: client.assistants.count(**more),
    "assistants.get_versions": lambda client, scene, more: client.assistants.get_versions(scene.assistant_id, **more),
    "assistants.set_latest": lambda client, scene, more: client.assistants.set_latest(scene.assistant_id, 1, **more),
    "threads.get": lambda client, scene, more: client.threads.get(scene.thread_id, **more),
    "threads.create": lambda client, scene, more: client.threads.create(**more),
    "threads.update": lambda client, scene, more: client.threads.update(scene.thread_id, metadata={"a": 1}, **more),
    "threads.delete": lambda client, scene, more: client.threads.delete(scene.thread_id, **more),
    "threads.search": lambda client, scene, more: client.threads.search(**more),
    "threads.count": lambda client, scene, more: client.threads.count(**more),
    "threads.copy": lambda client, scene, more: client.threads.copy(scene.thread_id, **more),
    "threads.get_state": lambda client, scene, more: client.threads.get_state(scene.thread_id, **more),
    "threads.update_state": lambda client, scene, more: client.threads.update_state(scene.thread_id, {}, **more),
    "threads.get_history": lambda client, scene, more: client.threads.get_history(scene.thread_id, **more),
    "threads.join_stream": lambda client, scene, more: first_of(
        client.threads.join_stream(scene.streamed_thread_id, last_event_id="-", **more)
    ),
    "runs.stream": lambda client, scene, more: list(client.runs.stream(scene.thread_id, "steps", input={}, **more)),
    "runs.create": lambda client, scene, more: client.runs.create(scene.thread_id, "steps", input={}, **more),
    "runs.create_batch": lambda client, scene, more: client.runs.create_batch([{"assistant_id": "steps"}], **more),
    "runs.wait": lambda client, scene, more: client.runs.wait(scene.thread_id, "steps", input={}, **more),
    "runs.list": lambda client, scene, more: client.runs.list(scene.thread_id, **more),
    "runs.get": lambda client, scene, more: client.runs.get(scene.thread_id, scene.run_id, **more),
    "runs.cancel": lambda client, scene, more: client.runs.cancel(scene.thread_id, scene.run_id, **more),
    "runs.join": lambda client, scene, more: client.runs.join(scene.thread_id, scene.run_id, **more),
    "runs.join_stream": lambda client, scene, more: list(
        client.runs.join_stream(scene.thread_id, scene.run_id, **more)
    ),
    "runs.delete": lambda client, scene, more: client.runs.delete(scene.thread_id, scene.run_id, **more),
    "store.put_item": lambda client, scene, more: client.store.put_item(scene.namespace, "k", {"a": 1}, **more),
    "store.get_item": lambda client, scene, more: client.store.get_item(scene.namespace, "k", **more),
    "store.delete_item": lambda client, scene, more: client.store.delete_item(scene.namespace, "k", **more),
    "store.search_items": lambda client, scene, more: client.store.search_items(scene.namespace, **more),
    "store.list_namespaces": lambda client, scene, more: client.store.list_namespaces(**more),
    "crons.create_for_thread": lambda client, scene, more: client.crons.create_for_thread(
        scene.thread_id, "steps", schedule=YEARLY, **more
    ),
    "crons.create": lambda client, scene, more: client.crons.create("steps", schedule=YEARLY, **more),
    "crons.delete": lambda client, scene, more: client.crons.delete(scene.cron_id, **more),
    "crons.search": lambda client, scene, more: client.crons.search(**more),
    "crons.count": lambda client, scene, more: client.crons.count(**more),
}

NEWER_CALLS: dict[str, Call] = {
    "threads.prune": lambda client, scene, more: client.threads.prune([scene.thread_id], **more),
    "runs.cancel_many": lambda client, scene, more: client.runs.cancel_many(
        thread_id=scene.thread_id,
        run_ids=[client.runs.create(scene.thread_id, "steps", input={}, after_seconds=3600)["run_id"]],
        **more,
    ),
    "crons.update": lambda client, scene, more: client.crons.update(scene.cron_id, enabled=False, **more),
}


@pytest.mark.parametrize("method", [*CALLS, *({} if IS_OLDEST else NEWER_CALLS)])
def test_headers_and_parameters_reach_the_server(client: Client, scene: Scene, method: str) -> None:
    request_id = str(uuid.uuid4())
    more = {"headers": {"x-request-id": request_id}, "params": {"note": "mine"}}
    (CALLS | NEWER_CALLS)[method](client, scene, more)
    # Newer versions ask for the run at the end of a stream, with the same headers.
    response, *_ = (response for response in client.responses if response.headers["x-request-id"] == request_id)
    assert response.is_success
    assert response.request.url.params["note"] == "mine"
