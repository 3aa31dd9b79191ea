"""Runs that are there: listed, awaited, cancelled and deleted."""

from typing import Any

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import STEPS, Gate, ask_until, ended, in_background, new_thread, start_waiting
from support.version import IS_OLDEST, newer

MISSING = "00000000-0000-4000-8000-000000000000"


class TestListed:
    @pytest.fixture
    def runs(self, client: Client, thread_id: str) -> list[str]:
        """Three runs, the newest first; the middle one has failed."""
        for graph in ("steps", "failing", "steps"):
            client.runs.wait(thread_id, graph, input={}, raise_error=False)
        return [run["run_id"] for run in client.runs.list(thread_id)]

    def ids(self, client: Client, thread_id: str, **query: Any) -> list[str]:
        return [run["run_id"] for run in client.runs.list(thread_id, **query)]

    def test_come_newest_first_and_in_pages(self, client: Client, thread_id: str, runs: list[str]) -> None:
        assert len(runs) == 3
        assert self.ids(client, thread_id, limit=2) == runs[:2]
        assert self.ids(client, thread_id, limit=2, offset=2) == runs[2:]

    def test_come_by_their_status(self, client: Client, thread_id: str, runs: list[str]) -> None:
        assert self.ids(client, thread_id, status="error") == [runs[1]]
        assert self.ids(client, thread_id, status="running") == []
        assert self.ids(client, thread_id, params={"status": "success"}) == [runs[0], runs[2]]

    def test_have_only_what_is_selected(self, client: Client, thread_id: str, runs: list[str]) -> None:
        found = client.runs.list(thread_id, select=["run_id", "status"])
        assert found[1] == {"run_id": runs[1], "status": "error"}

    def test_are_found_one_by_one(self, client: Client, thread_id: str, runs: list[str]) -> None:
        assert client.runs.get(thread_id, runs[1])["status"] == "error"
        with refused(404, "run_not_found"):
            client.runs.get(thread_id, MISSING)


def test_a_run_is_joined_until_it_ends_and_after(client: Client, thread_id: str, gate: Gate) -> None:
    run_id = start_waiting(client, thread_id, gate)
    joined = in_background(lambda: client.runs.join(thread_id, run_id))
    gate.open()
    assert joined.result()["order"] == ["a:start", "a:end"]
    assert client.runs.join(thread_id, run_id) == joined.result()


def test_a_batch_makes_runs_in_its_order_on_threads_and_on_none(client: Client, thread_id: str) -> None:
    payloads = [
        {"assistant_id": "steps", "input": {}, "thread_id": thread_id, "metadata": {"n": 0}},
        {"assistant_id": "steps", "input": {}, "metadata": {"n": 1}, "webhook": None},
    ]
    first, second = client.runs.create_batch(payloads)
    assert [run["metadata"]["n"] for run in (first, second)] == [0, 1]
    assert first["thread_id"] == thread_id != second["thread_id"]
    assert client.runs.join(thread_id, first["run_id"]) == STEPS
    assert client.runs.join(second["thread_id"], second["run_id"]) == STEPS


def test_waiting_raises_what_has_gone_wrong_unless_told_not_to(client: Client, thread_id: str) -> None:
    if not (IS_OLDEST and client.flavour == "sync"):
        with pytest.raises(Exception, match="CoffeeError: out of beans"):
            client.runs.wait(thread_id, "failing", input={})
    # The synchronous client of 0.2.9 raises nothing, and sends this to the server.
    answer = client.runs.wait(thread_id, "failing", input={}, raise_error=False)
    assert answer["__error__"]["error"] == "CoffeeError"


def test_a_deleted_run_is_gone_with_what_it_wrote(client: Client, thread_id: str, gate: Gate) -> None:
    client.runs.wait(thread_id, "steps", input={})
    [run] = client.runs.list(thread_id)
    assert client.runs.delete(thread_id, run["run_id"]) is None
    assert client.runs.list(thread_id) == []
    assert client.threads.get_history(thread_id) == []
    active = start_waiting(client, thread_id, gate)
    with refused(409, "run_active"):
        client.runs.delete(thread_id, active)


class TestCancelled:
    def test_keeps_what_it_has_done(self, client: Client, thread_id: str, gate: Gate) -> None:
        run_id = start_waiting(client, thread_id, gate)
        assert client.runs.cancel(thread_id, run_id, wait=True) is None
        assert client.runs.get(thread_id, run_id)["status"] == "interrupted"
        assert client.threads.get_state(thread_id)["values"]["order"] == ["a:start"]

    def test_is_rolled_back_when_told_to(self, client: Client, thread_id: str, gate: Gate) -> None:
        run_id = start_waiting(client, thread_id, gate)
        client.runs.cancel(thread_id, run_id, wait=True, action="rollback")
        with refused(404, "run_not_found"):
            client.runs.get(thread_id, run_id)
        assert client.threads.get_state(thread_id)["values"] == {}

    def test_ends_soon_when_nobody_waits_for_it(self, client: Client, thread_id: str, gate: Gate) -> None:
        run_id = start_waiting(client, thread_id, gate)
        assert client.runs.cancel(thread_id, run_id) is None
        assert client.responses[-1].status_code == 202
        assert ended(client, thread_id, run_id) == "interrupted"
        with refused(404, "run_not_found"):
            client.runs.cancel(thread_id, MISSING)


@newer
class TestCancelledWithOthers:
    @pytest.fixture
    def runs(self, client: Client, thread_id: str, gate: Gate) -> list[str]:
        """A run that is active and two that wait behind it."""
        waiting = [{"assistant_id": "steps", "input": {}, "thread_id": thread_id}] * 2
        return [
            start_waiting(client, thread_id, gate),
            *(run["run_id"] for run in client.runs.create_batch(waiting)),
        ]

    def statuses(self, client: Client, thread_id: str, runs: list[str]) -> list[str]:
        return [client.runs.get(thread_id, run_id)["status"] for run_id in runs]

    def test_by_their_ids(self, client: Client, thread_id: str, runs: list[str]) -> None:
        assert client.runs.cancel_many(thread_id=thread_id, run_ids=runs[1:]) is None
        assert self.statuses(client, thread_id, runs) == ["running", "interrupted", "interrupted"]

    def test_are_rolled_back(self, client: Client, thread_id: str, runs: list[str]) -> None:
        client.runs.cancel_many(thread_id=thread_id, run_ids=runs[1:2], action="rollback")
        assert [run["run_id"] for run in reversed(client.runs.list(thread_id))] == [runs[0], runs[2]]

    def test_by_their_status_on_all_threads(self, client: Client, thread_id: str, runs: list[str]) -> None:
        other = new_thread(client)
        delayed = client.runs.create(other, "steps", input={}, after_seconds=3600)["run_id"]
        client.runs.cancel_many(status="pending")
        assert self.statuses(client, thread_id, runs) == ["running", "interrupted", "interrupted"]
        assert self.statuses(client, other, [delayed]) == ["interrupted"]
        client.runs.cancel_many(status="all")
        ask_until(lambda: self.statuses(client, thread_id, runs), lambda now: set(now) == {"interrupted"})
        with refused(404, "nothing_to_cancel"):
            client.runs.cancel_many(status="all")
