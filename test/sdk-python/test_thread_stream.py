"""The stream of a thread, which goes from one run to the next."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import ask_until, data_of, in_background, names

RUN = ["metadata", "updates", "updates", "updates", "run_done"]

Follow = Callable[..., "Follower"]


class Follower:
    """Reads the stream of a thread in the background, until the thread is deleted."""

    def __init__(self, client: Client, thread_id: str, **options: Any) -> None:
        self.parts: list[Any] = []
        answered = len(client.responses)
        self._ended: Future[None] = in_background(lambda: self._read(client.threads.join_stream(thread_id, **options)))
        # What happens from now on is followed.
        ask_until(lambda: self._ended.done() or len(client.responses) > answered, bool)

    def until(self, is_right: Callable[[list[Any]], Any]) -> list[Any]:
        return ask_until(lambda: self.parts, is_right)

    def until_runs(self, count: int) -> list[Any]:
        return self.until(lambda parts: names(parts).count("run_done") == count)

    def end(self) -> None:
        self._ended.result()

    def _read(self, stream: Iterator[Any]) -> None:
        for part in stream:
            self.parts.append(part)


@pytest.fixture
def follow(client: Client, thread_id: str) -> Iterator[Follow]:
    followers: list[Follower] = []

    def follow(**options: Any) -> Follower:
        followers.append(Follower(client, thread_id, **options))
        return followers[-1]

    yield follow
    client.threads.delete(thread_id)
    for follower in followers:
        follower.end()


@pytest.fixture
def run(client: Client, thread_id: str) -> Callable[[], str]:
    """Makes a run on the thread, and gives its id when it has ended."""

    def run() -> str:
        run_id = client.runs.create(thread_id, "steps", input={}, stream_mode="updates")["run_id"]
        client.runs.join(thread_id, run_id)
        return run_id

    return run


def test_it_has_all_runs_from_their_beginning_to_their_end(follow: Follow, run: Callable[[], str]) -> None:
    follower = follow()
    runs = [run(), run()]
    parts = follower.until_runs(2)
    assert names(parts) == RUN * 2
    assert [data["run_id"] for data in data_of(parts, "metadata")] == runs
    assert data_of(parts, "run_done") == [{"run_id": run_id, "status": "success"} for run_id in runs]


def test_it_tells_only_of_what_it_is_asked_for(
    client: Client, thread_id: str, follow: Follow, run: Callable[[], str]
) -> None:
    lifecycle = follow(stream_mode="lifecycle")
    both = follow(stream_mode=["lifecycle", "state_update"])
    run()
    client.threads.update_state(thread_id, {"path": ["by hand"]}, as_node="one")
    both.until(lambda parts: names(parts).count("state_update") == 2)
    assert names(both.parts) == ["metadata", "run_done", "state_update", "state_update"]
    assert both.parts[-1].data == client.threads.get_state(thread_id)
    assert names(lifecycle.until_runs(1)) == ["metadata", "run_done"]


def test_it_is_repeated_from_its_beginning_and_from_behind_an_id(follow: Follow, run: Callable[[], str]) -> None:
    follower = follow()
    run(), run()
    parts = follower.until_runs(2)
    # 0.2.9 does not show ids; they are counted from 0.
    for last_event_id, expected in (("-", parts), (getattr(parts[3], "id", "3"), parts[4:])):
        again = follow(last_event_id=last_event_id)
        assert again.until(lambda known: len(known) >= len(expected)) == expected


def test_it_is_refused_for_a_thread_that_is_not_there(client: Client) -> None:
    with refused(404, "thread_not_found"):
        next(client.threads.join_stream("00000000-0000-4000-8000-000000000000"))
