"""One server for all tests; every test with a `client` runs for the asynchronous and for the synchronous one."""

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import calls
from support.clients import Client, Connect, Flavour
from support.http_server import HttpServer
from support.langsmith import LangSmith
from support.proxy import Proxy
from support.results import Results
from support.runs import Gate, new_thread
from support.server import API_KEY, MAX_QUEUED_RUNS, Server
from support.version import IS_OLDEST

#: LangGraph for Python needs a newer SDK.
collect_ignore = ["test_remote_graph.py"] if IS_OLDEST else []

#: It looks at what the others have called.
LAST = "test_completeness.py"


def pytest_configure(config: pytest.Config) -> None:
    # The process that ends this one lets it stop the server first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    calls.record()
    if folder := os.environ.get("NESTGRAPH_RESULTS"):
        config.pluginmanager.register(Results(folder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = "newer" if IS_OLDEST else "oldest"
    some_only = bool(config.option.keyword or config.option.file_or_dir)
    wanted = [
        item
        for item in items
        if not item.get_closest_marker(left_out) and not (some_only and item.path.name == LAST)
    ]
    items[:] = sorted(wanted, key=lambda item: item.path.name == LAST)


def pytest_runtest_logstart(nodeid: str) -> None:
    calls.begin(nodeid)


@pytest.fixture(scope="session")
def langsmith() -> Iterator[LangSmith]:
    langsmith = LangSmith()
    yield langsmith
    langsmith.close()


@pytest.fixture(scope="session")
def server(langsmith: LangSmith) -> Iterator[Server]:
    settings = {"NESTGRAPH_WEBHOOK_ALLOW_PRIVATE": "true", "NESTGRAPH_MAX_QUEUED_RUNS": str(MAX_QUEUED_RUNS)}
    server = Server(**settings, **langsmith.settings)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def guarded() -> Iterator[Server]:
    """A server that wants to know who is calling."""
    server = Server(NESTGRAPH_API_KEYS=f"alice:{API_KEY}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def clients(server: Server) -> Iterator[dict[Flavour, Client]]:
    clients: dict[Flavour, Client] = {flavour: Client(flavour, server.url) for flavour in ("async", "sync")}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(params=["async", "sync"])
def client(request: pytest.FixtureRequest, clients: dict[Flavour, Client]) -> Client:
    client = clients[request.param]
    client.responses.clear()
    return client


@pytest.fixture
def connect(client: Client, server: Server) -> Iterator[Connect]:
    """Makes another client of the same kind."""
    others: list[Client] = []

    def connect(url: str = server.url, **options: Any) -> Client:
        others.append(Client(client.flavour, url, **options))
        return others[-1]

    yield connect
    for other in others:
        other.close()


@pytest.fixture
def thread_id(client: Client) -> str:
    return new_thread(client)


@pytest.fixture
def mark() -> dict[str, str]:
    """Metadata by which a test finds its own things."""
    return {"mark": str(uuid.uuid4())}


@pytest.fixture
def gate(new_gate: Callable[[], Gate]) -> Gate:
    return new_gate()


@pytest.fixture
def new_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    gates: list[Gate] = []

    def new_gate() -> Gate:
        gates.append(Gate(tmp_path / f"open-{len(gates)}"))
        return gates[-1]

    yield new_gate
    for gate in gates:
        gate.open()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.url)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def receiver() -> Iterator[HttpServer]:
    """Gets webhooks."""
    receiver = HttpServer()
    yield receiver
    receiver.close()
