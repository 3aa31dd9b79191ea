"""Crons: what they keep, when they are due, and what they make."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.clients import Client
from support.http_server import HttpServer
from support.refusals import refused
from support.runs import STEPS, Gate, ask_until, ended, new_thread, start_waiting
from support.version import newer

#: Once a year: never while the tests run.
YEARLY = "0 0 1 1 *"
EVERY_SECOND = "* * * * * *"

MISSING = "00000000-0000-4000-8000-000000000000"

#: What a cron says of its runs, as far as 0.2.9 can.
REQUEST = {
    "input": {"path": ["in"]},
    "config": {"tags": ["t"], "configurable": {"voice": "low"}},
    "context": {"tone": "kind"},
    "interrupt_before": ["three"],
    "interrupt_after": ["one"],
    "webhook": "https://example.com/done",
    "multitask_strategy": "rollback",
    "checkpoint_during": False,
}

#: What newer versions add.
STREAMED = {
    "stream_mode": ["updates", "custom"],
    "stream_subgraphs": True,
    "stream_resumable": True,
    "durability": "sync",
}

pytestmark = pytest.mark.filterwarnings("ignore:`checkpoint_during` is deprecated")

Create = Callable[..., Any]


@pytest.fixture(params=["with a thread", "without a thread"])
def create(request: pytest.FixtureRequest, client: Client, thread_id: str, mark: dict) -> Create:
    """Makes a cron in one of the two ways."""

    def create(graph: str = "steps", *, schedule: str = YEARLY, metadata: Any = None, **options: Any) -> Any:
        fields = {"schedule": schedule, "metadata": {**mark, **(metadata or {})}, **options}
        if request.param == "with a thread":
            return client.crons.create_for_thread(thread_id, graph, **fields)
        return client.crons.create(graph, **fields)

    return create


@pytest.fixture(autouse=True)
def no_more_runs(client: Client) -> Any:
    yield
    for cron in client.crons.search(limit=100):
        client.crons.delete(cron["cron_id"])


def find(client: Client, cron: Any) -> Any:
    return next((found for found in client.crons.search(limit=100) if found["cron_id"] == cron["cron_id"]), None)


def without_time(run: Any) -> Any:
    return {name: value for name, value in run.items() if name != "updated_at"}


def test_a_cron_keeps_what_it_was_given(client: Client, thread_id: str, mark: dict, create: Create) -> None:
    cron = create(**REQUEST)
    assert cron["payload"] == {**REQUEST, "assistant_id": cron["assistant_id"]}
    assert cron["assistant_id"] == client.assistants.get("steps")["assistant_id"]
    assert (cron["metadata"], cron["schedule"], cron["enabled"]) == (mark, YEARLY, True)
    assert cron["thread_id"] in (thread_id, None)
    assert find(client, cron) == cron


@newer
def test_a_cron_keeps_how_its_runs_stream(create: Create) -> None:
    assert create(**STREAMED)["payload"] == {**create()["payload"], **STREAMED}


@newer
def test_a_cron_keeps_when_it_is_due(create: Create) -> None:
    end = datetime(2091, 12, 31, 23, 59, tzinfo=UTC)
    cron = create(schedule="0 5 1 1 *", timezone="Asia/Kolkata", end_time=end, enabled=True)
    assert (cron["timezone"], datetime.fromisoformat(cron["end_time"])) == ("Asia/Kolkata", end)
    assert cron["next_run_date"].endswith("-12-31T23:30:00.000Z")
    assert create(timezone=ZoneInfo("Europe/Berlin"))["timezone"] == "Europe/Berlin"
    assert create(end_time=datetime.now(UTC) + timedelta(minutes=1))["next_run_date"] is None
    disabled = create(enabled=False)
    assert (disabled["enabled"], disabled["next_run_date"]) == (False, None)


def test_what_cannot_be_due_is_refused(create: Create) -> None:
    with refused(422, "validation_failed"):
        create(schedule="every day")
    with refused(404, "assistant_not_found"):
        create("nowhere")


class TestRuns:
    """The runs of a cron that is due every second."""

    def first_run(self, client: Client, thread_id: str, cron: Any) -> Any:
        """As soon as it has ended; the cron makes no more."""
        [run, *_] = ask_until(lambda: client.runs.list(thread_id, limit=1), bool)
        client.crons.delete(cron["cron_id"])
        return {**run, "status": ended(client, thread_id, run["run_id"])}

    def test_are_what_the_cron_says(self, client: Client, thread_id: str, mark: dict) -> None:
        request = {**REQUEST, "webhook": None, "interrupt_before": None, "checkpoint_during": True}
        cron = client.crons.create_for_thread(thread_id, "steps", schedule=EVERY_SECOND, metadata=mark, **request)
        run = self.first_run(client, thread_id, cron)
        assert (run["status"], run["multitask_strategy"]) == ("success", "rollback")
        assert run["metadata"] == {**run["metadata"], **mark, "cron_id": cron["cron_id"]}
        assert run["kwargs"]["context"] == {"tone": "kind"}
        assert client.threads.get(thread_id)["config"]["configurable"]["voice"] == "low"
        assert client.threads.get_state(thread_id)["values"]["path"][-2:] == ["in", "one"]

    def test_of_a_cron_without_a_thread_call_its_webhook(
        self, client: Client, mark: dict, receiver: HttpServer
    ) -> None:
        path = f"/{mark['mark']}"
        client.crons.create("steps", schedule=EVERY_SECOND, input={}, metadata=mark, webhook=receiver.url + path)
        [body, *_] = receiver.until(lambda requests: [body for called, _, body in requests if called == path])
        assert (body["status"], body["values"], body["metadata"]["mark"]) == ("success", STEPS, mark["mark"])
        assert client.threads.search(metadata=mark, status="idle") == []

    @newer
    def test_leave_their_thread_when_it_is_to_be_kept(self, client: Client, mark: dict) -> None:
        options = {"input": {}, "metadata": mark, "on_run_completed": "keep"}
        cron = client.crons.create("steps", schedule=EVERY_SECOND, **options)
        assert cron["on_run_completed"] == "keep"
        kept = {"cron_id": cron["cron_id"]}
        [thread, *_] = ask_until(lambda: client.threads.search(metadata=kept, status="idle"), bool)
        assert thread["values"] == STEPS

    def test_are_left_out_on_a_busy_thread_when_they_are_to_be_rejected(
        self, client: Client, thread_id: str, gate: Gate
    ) -> None:
        start_waiting(client, thread_id, gate)
        options = {"schedule": EVERY_SECOND, "input": {}, "multitask_strategy": "reject"}
        cron = client.crons.create_for_thread(thread_id, "steps", **options)
        due = cron["next_run_date"]
        ask_until(lambda: find(client, cron)["next_run_date"], lambda next_run_date: next_run_date > due)
        assert len(client.runs.list(thread_id)) == 1

    @newer
    def test_stream_as_the_cron_says(self, client: Client, thread_id: str) -> None:
        options = {"schedule": EVERY_SECOND, "input": {}, **STREAMED}
        cron = client.crons.create_for_thread(thread_id, "deep", **options)
        run_id = self.first_run(client, thread_id, cron)["run_id"]
        joined = client.runs.join_stream(thread_id, run_id, last_event_id="-1")
        assert {part.event.partition(":")[0] for part in joined} == {
            "metadata",
            "updates",
            "custom",
            "updates|outer",
            "custom|outer",
        }


@newer
class TestUpdated:
    def test_replaces_what_is_given_and_merges_metadata(self, client: Client, mark: dict) -> None:
        cron = client.crons.create("steps", schedule=YEARLY, metadata={**mark, "n": 1}, context={"tone": "kind"})
        request = {name: REQUEST[name] for name in ("input", "config", "interrupt_before", "interrupt_after", "webhook")}
        fields = {**request, **STREAMED, "context": {"tone": "stern"}}
        after = client.crons.update(cron["cron_id"], metadata={"n": 2}, on_run_completed="keep", **fields)
        assert after["payload"] == {**fields, "assistant_id": cron["assistant_id"]}
        assert (after["metadata"], after["on_run_completed"]) == ({**mark, "n": 2}, "keep")
        assert find(client, cron) == after

    def test_decides_anew_when_it_is_due(self, client: Client) -> None:
        cron_id = client.crons.create("steps", schedule="30 6 2 1 *")["cron_id"]
        assert client.crons.update(cron_id, timezone="America/New_York")["next_run_date"].endswith("T11:30:00.000Z")
        assert client.crons.update(cron_id, schedule="0 12 2 1 *")["next_run_date"].endswith("T17:00:00.000Z")
        assert client.crons.update(cron_id, enabled=False)["next_run_date"] is None
        assert client.crons.update(cron_id, enabled=True)["next_run_date"]

    def test_sets_an_end_keeps_it_and_takes_it_away(self, client: Client) -> None:
        cron_id = client.crons.create("steps", schedule=YEARLY)["cron_id"]
        end = datetime.now(UTC) + timedelta(hours=1)
        assert client.crons.update(cron_id, end_time=end)["next_run_date"] is None
        kept = client.crons.update(cron_id, metadata={"a": 1})["end_time"]
        assert datetime.fromisoformat(kept) == end.replace(microsecond=end.microsecond // 1000 * 1000)
        free = client.crons.update(cron_id, end_time=None)
        assert free["end_time"] is None and free["next_run_date"]


def test_a_deleted_cron_is_gone(client: Client, create: Create) -> None:
    cron = create()
    assert client.crons.delete(cron["cron_id"]) is None
    assert find(client, cron) is None
    with refused(404, "cron_not_found"):
        client.crons.delete(cron["cron_id"])


class TestSearch:
    @pytest.fixture
    def assistant_id(self, client: Client) -> str:
        return client.assistants.create("steps")["assistant_id"]

    @pytest.fixture
    def crons(self, client: Client, thread_id: str, assistant_id: str, mark: dict) -> list[str]:
        """The ids of three crons of one assistant, in the order in which they are due; the last one is on a thread."""
        schedules = ["0 0 1 2 *", "0 0 1 3 *"]
        made = [client.crons.create(assistant_id, schedule=schedule, metadata=mark) for schedule in schedules]
        made.append(client.crons.create_for_thread(thread_id, assistant_id, schedule="0 0 1 6 *"))
        return [cron["cron_id"] for cron in sorted(made, key=lambda cron: cron["next_run_date"])]

    def ids(self, client: Client, **query: Any) -> list[str]:
        return [cron["cron_id"] for cron in client.crons.search(**query)]

    def test_finds_by_assistant_and_thread(
        self, client: Client, thread_id: str, assistant_id: str, crons: list[str]
    ) -> None:
        client.crons.create_for_thread(thread_id, "echo", schedule=YEARLY)
        assert set(self.ids(client, assistant_id=assistant_id)) == set(crons)
        [on_thread] = self.ids(client, assistant_id=assistant_id, thread_id=thread_id)
        assert on_thread in crons
        assert client.crons.count(assistant_id=assistant_id) == 3
        assert client.crons.count(thread_id=thread_id) == 2
        assert client.crons.count(assistant_id=assistant_id, thread_id=thread_id) == 1

    def test_sorts_and_pages(self, client: Client, assistant_id: str, crons: list[str]) -> None:
        query = {"assistant_id": assistant_id, "sort_by": "next_run_date"}
        assert self.ids(client, **query, sort_order="asc") == crons
        assert self.ids(client, **query, sort_order="desc") == crons[::-1]
        assert self.ids(client, **query, sort_order="asc", limit=2, offset=1) == crons[1:]

    def test_gives_only_what_is_selected(self, client: Client, assistant_id: str, crons: list[str]) -> None:
        found = client.crons.search(assistant_id=assistant_id, select=["cron_id", "schedule"], limit=1)
        assert set(found[0]) == {"cron_id", "schedule"}

    @newer
    def test_finds_by_metadata_and_whether_it_is_enabled(self, client: Client, mark: dict, crons: list[str]) -> None:
        assert len(self.ids(client, metadata=mark)) == client.crons.count(metadata=mark) == 2
        client.crons.update(self.ids(client, metadata=mark)[0], enabled=False)
        assert len(self.ids(client, metadata=mark, enabled=True)) == 1
        assert len(self.ids(client, metadata=mark, enabled=False)) == 1
