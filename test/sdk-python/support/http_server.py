"""A small HTTP server in a thread, for what our server calls."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECS = 20

#: Path, headers and body of each, oldest first.
Requests = list[tuple[str, Mapping[str, str], Any]]


class HttpServer:
    """Answers with JSON what :meth:`answer` says, and keeps what was sent."""

    def __init__(self) -> None:
        self.requests: Requests = []
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: Any) -> Any:
        return {}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def until(self, look: Callable[[Requests], Any]) -> Any:
        """What the function says of the requests so far, as soon as it is something."""
        with self._came:
            found = self._came.wait_for(lambda: look(self.requests), WAIT_SECS)
        assert found, f"It did not come; what came is {self.requests}"
        return found

    def take(self, path: str, headers: Mapping[str, str], body: Any) -> Any:
        with self._came:
            self.requests.append((path, headers, body))
            self._came.notify_all()
        return self.answer(path, body)


def _handler_of(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            content = json.dumps(server.take(self.path, headers, json.loads(text or b"null"))).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
