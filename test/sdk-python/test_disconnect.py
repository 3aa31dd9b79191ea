"""Clients that leave, and what becomes of their runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from support.clients import Client, Connect
from support.proxy import Proxy
from support.runs import Gate, ask_until, ended, in_background, new_thread, read_until

NewGate = Callable[[], Gate]


@dataclass
class Left:
    thread_id: str
    run_id: str
    gate: Gate


def leave_stream(client: Client, gate: Gate, **options: Any) -> Left:
    thread_id = new_thread(client)
    entry = {"gate": gate.path, "label": "a"}
    parts = client.runs.stream(thread_id, "waiting", input=entry, stream_mode="custom", **options)
    read_until(parts, "custom")
    return Left(thread_id, client.runs.list(thread_id)[0]["run_id"], gate)


def leave_joined_stream(client: Client, gate: Gate, **options: Any) -> Left:
    thread_id = new_thread(client)
    entry = {"gate": gate.path, "label": "a"}
    run_id = client.runs.create(thread_id, "waiting", input=entry, stream_mode="custom")["run_id"]
    read_until(client.runs.join_stream(thread_id, run_id, last_event_id="-1", **options), "custom")
    return Left(thread_id, run_id, gate)


def start_wait(client: Client, through: Client, gate: Gate, **options: Any) -> tuple[Left, Any]:
    """A client that waits for a run through a connection that can be cut."""
    thread_id = new_thread(client)
    entry = {"gate": gate.path, "label": "a"}
    waiting = in_background(lambda: through.runs.wait(thread_id, "waiting", input=entry, **options))
    [run] = ask_until(
        lambda: client.runs.list(thread_id), lambda runs: [run for run in runs if run["status"] == "running"]
    )
    return Left(thread_id, run["run_id"], gate), waiting


@pytest.mark.filterwarnings("ignore:Request failed, attempting reconnect")
def test_a_run_ends_with_its_reader_only_when_it_is_to(
    client: Client, connect: Connect, proxy: Proxy, new_gate: NewGate
) -> None:
    through = connect(proxy.url)
    waits = [start_wait(client, through, new_gate(), **options) for options in ({"on_disconnect": "continue"}, {})]
    goes, waiting = start_wait(client, through, new_gate(), on_disconnect="cancel")
    proxy.cut(for_good=True)
    # Clients of continuing runs disconnect first: those runs would be cancelled by the time the others are.
    stay = [
        *(left for left, _ in waits),
        leave_stream(client, new_gate()),
        leave_stream(client, new_gate(), on_disconnect="continue"),
        leave_joined_stream(client, new_gate()),
    ]
    go = [
        goes,
        leave_stream(client, new_gate(), on_disconnect="cancel"),
        leave_joined_stream(client, new_gate(), cancel_on_disconnect=True),
    ]
    for broken in (waiting, *(waiting for _, waiting in waits)):
        with pytest.raises(Exception, match="404|Content-Length"):
            broken.result()
    assert [ended(client, left.thread_id, left.run_id) for left in go] == ["interrupted"] * 3
    assert {client.runs.get(left.thread_id, left.run_id)["status"] for left in stay} == {"running"}
    for left in stay:
        left.gate.open()
    assert {ended(client, left.thread_id, left.run_id) for left in stay} == {"success"}
