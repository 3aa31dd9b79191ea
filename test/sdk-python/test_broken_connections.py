"""Connections that a proxy breaks in the middle of a response; the SDK resumes by itself."""

import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from support.clients import Client, Connect
from support.proxy import Proxy
from support.runs import Gate, ask_until, data_of, in_background, names, start_waiting
from support.version import newer, oldest

#: As many events come before the connection is cut, and before the run may end.
CUT_AFTER = 5
ENOUGH = 30


@pytest.fixture
def through(connect: Connect, proxy: Proxy) -> Client:
    """A client whose connections go through the proxy."""
    return connect(proxy.url)


@pytest.fixture(autouse=True)
def no_complaints() -> Iterator[None]:
    """The SDK warns when it takes up a connection again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def read(parts: Iterator[Any], proxy: Proxy, gate: Gate) -> list[Any]:
    """All events of a run of `ticking`, whose connection is cut after some of them."""
    seen = []
    for part in parts:
        seen.append(part)
        if len(seen) == CUT_AFTER:
            proxy.cut()
        elif len(seen) == ENOUGH:
            gate.open()
    return seen


def ticks_of(parts: list[Any]) -> list[int]:
    return [data["tick"] for data in data_of(parts, "custom")]


def test_the_stream_of_a_resumable_run_goes_on_without_loss_or_repetition(
    through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    options = {"stream_mode": "custom", "stream_resumable": True}
    parts = read(through.runs.stream(thread_id, "ticking", input={"gate": gate.path}, **options), proxy, gate)
    assert names(parts)[:2] == ["metadata", "custom"]
    assert ticks_of(parts) == list(range(len(parts) - 1))
    assert re.search(rb"\r\nlast-event-id: \d+\r\n", proxy.sent, re.IGNORECASE)


def test_a_joined_stream_goes_on_without_loss_or_repetition(
    client: Client, through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    options = {"stream_mode": "custom", "stream_resumable": True}
    run_id = client.runs.create(thread_id, "ticking", input={"gate": gate.path}, **options)["run_id"]
    parts = read(through.runs.join_stream(thread_id, run_id, last_event_id="-1"), proxy, gate)
    assert ticks_of(parts) == list(range(len(parts) - 1))


@newer
def test_a_stream_that_ends_before_its_run_goes_on_as_well(
    through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    # The SDK asks for the run, and believes an end only when the run has ended.
    options = {"stream_mode": "custom", "stream_resumable": True}
    stream = through.runs.stream(thread_id, "ticking", input={"gate": gate.path}, **options)
    parts = [next(stream) for _ in range(CUT_AFTER)]
    proxy.end()
    parts += [next(stream) for _ in range(ENOUGH)]
    gate.open()
    parts += stream
    assert ticks_of(parts) == list(range(len(parts) - 1))


def test_the_stream_of_another_run_loses_what_came_meanwhile_and_repeats_nothing(
    through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    parts = read(
        through.runs.stream(thread_id, "ticking", input={"gate": gate.path}, stream_mode="custom"), proxy, gate
    )
    ticks = ticks_of(parts)
    assert ticks == sorted(set(ticks))
    assert len(parts) >= ENOUGH


def test_the_stream_of_a_thread_goes_on_with_what_has_happened_meanwhile(
    client: Client, through: Client, thread_id: str, proxy: Proxy
) -> None:
    def run() -> None:
        client.runs.join(thread_id, client.runs.create(thread_id, "steps", input={})["run_id"])

    parts: list[Any] = []
    stream = through.threads.join_stream(thread_id, stream_mode="lifecycle")
    reading = in_background(lambda: parts.extend(next(stream) for _ in range(6)))
    ask_until(lambda: through.responses, bool)
    run()
    ask_until(lambda: proxy.answered.count(b"run_done"), bool)
    proxy.cut()
    run(), run()
    reading.result()
    stream.close()
    assert names(parts) == ["metadata", "run_done"] * 3
    assert len({data["run_id"] for data in data_of(parts, "metadata")}) == 3


def test_a_join_goes_on(client: Client, through: Client, thread_id: str, proxy: Proxy, gate: Gate) -> None:
    run_id = start_waiting(client, thread_id, gate)
    joined = in_background(lambda: through.runs.join(thread_id, run_id))
    cut_when_answered(through, proxy)
    gate.open()
    assert joined.result()["order"] == ["a:start", "a:end"]


@newer
def test_a_wait_goes_on_as_a_join_of_the_same_run(
    client: Client, through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    waiting = in_background(lambda: through.runs.wait(thread_id, "waiting", input={"gate": gate.path, "label": "a"}))
    cut_when_answered(through, proxy)
    gate.open()
    assert waiting.result()["order"] == ["a:start", "a:end"]
    assert len(client.runs.list(thread_id)) == 1


@oldest
def test_a_wait_of_0_2_9_fails_but_its_run_goes_on(
    client: Client, through: Client, thread_id: str, proxy: Proxy, gate: Gate
) -> None:
    # It repeats the length of its request in one that has no body, which its own HTTP library refuses.
    waiting = in_background(lambda: through.runs.wait(thread_id, "waiting", input={"gate": gate.path, "label": "a"}))
    cut_when_answered(through, proxy)
    with pytest.raises(Exception, match="Too little data for declared Content-Length"):
        waiting.result()
    gate.open()
    [run] = client.runs.list(thread_id)
    assert client.runs.join(thread_id, run["run_id"])["order"] == ["a:start", "a:end"]


def cut_when_answered(through: Client, proxy: Proxy) -> None:
    ask_until(lambda: through.responses, bool)
    proxy.cut()
