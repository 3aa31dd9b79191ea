"""The state of a thread: the current one, earlier ones, and updates."""

from typing import Any

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import STEPS, Gate, start_waiting
from support.version import newer

MISSING = "1f000000-0000-6000-8000-000000000000"


@pytest.fixture
def done(client: Client, thread_id: str) -> str:
    """A thread with the past of one run."""
    client.runs.wait(thread_id, "steps", input={}, metadata={"of": "the run"})
    return thread_id


@pytest.fixture
def asking(client: Client, thread_id: str) -> str:
    """A thread whose subgraph asks."""
    client.runs.wait(thread_id, "nested", input={})
    return thread_id


def before(client: Client, thread_id: str, node: str) -> Any:
    """The state in which that node is next."""
    return next(state for state in client.threads.get_history(thread_id) if state["next"] == [node])


class TestRead:
    def test_is_empty_before_the_first_run(self, client: Client, thread_id: str) -> None:
        state = client.threads.get_state(thread_id)
        assert (state["values"], state["next"], state["tasks"], state["checkpoint"]) == ({}, [], [], None)

    def test_is_the_newest_one(self, client: Client, done: str) -> None:
        state = client.threads.get_state(done)
        assert (state["values"], state["next"]) == (STEPS, [])
        assert state["metadata"]["of"] == "the run"

    def test_is_an_old_one_by_its_id_or_its_checkpoint(self, client: Client, done: str) -> None:
        past = before(client, done, "two")
        assert client.threads.get_state(done, checkpoint_id=past["checkpoint"]["checkpoint_id"]) == past
        assert client.threads.get_state(done, checkpoint=past["checkpoint"]) == past
        assert client.threads.get_state(done, checkpoint_id=MISSING)["values"] == {}

    @pytest.mark.parametrize("by", ["nothing", "checkpoint_id", "checkpoint"])
    def test_has_the_states_of_subgraphs_when_asked_for(self, client: Client, asking: str, by: str) -> None:
        checkpoint = client.threads.get_state(asking)["checkpoint"]
        at = {"nothing": {}, "checkpoint_id": {"checkpoint_id": checkpoint["checkpoint_id"]}}
        where = at.get(by, {"checkpoint": checkpoint})
        [without] = client.threads.get_state(asking, **where)["tasks"]
        [task] = client.threads.get_state(asking, **where, subgraphs=True)["tasks"]
        assert without["state"] is None
        assert task["state"]["values"] == {"path": ["before", "inner"]}
        [question] = client.threads.get_state(asking, checkpoint=without["checkpoint"])["tasks"]
        assert question["interrupts"][0]["value"] == "inner?"

    @newer
    def test_has_only_what_is_selected(self, client: Client, done: str) -> None:
        wanted = ["values.path", "next"]
        now = client.threads.get_state(done, select=wanted)
        assert now == {"values": STEPS, "next": []}
        past = before(client, done, "two")["checkpoint"]
        for where in ({"checkpoint": past}, {"checkpoint_id": past["checkpoint_id"]}):
            assert client.threads.get_state(done, **where, select=["next"]) == {"next": ["two"]}


class TestUpdated:
    def test_goes_on_as_if_the_node_had_run(self, client: Client, done: str) -> None:
        answer = client.threads.update_state(done, {"path": ["mine"]}, as_node="one")
        state = client.threads.get_state(done)
        assert state["checkpoint"] == answer["checkpoint"]
        assert (state["next"], state["metadata"]["source"]) == (["two"], "update")
        assert client.runs.wait(done, "steps")["path"] == [*STEPS["path"], "mine", "two", "three"]

    @pytest.mark.parametrize("whole", [True, False])
    def test_forks_from_an_old_state(self, client: Client, done: str, whole: bool) -> None:
        past = before(client, done, "two")["checkpoint"]
        where = {"checkpoint": past} if whole else {"checkpoint_id": past["checkpoint_id"]}
        client.threads.update_state(done, {"path": ["fork"]}, as_node="one", **where)
        state = client.threads.get_state(done)
        assert state["values"] == {"path": ["one", "fork"]}
        assert state["parent_checkpoint"]["checkpoint_id"] == past["checkpoint_id"]

    def test_skips_a_node_with_no_values(self, client: Client, done: str) -> None:
        client.threads.update_state(done, None, as_node="two")
        assert client.threads.get_state(done)["next"] == ["three"]

    def test_is_refused_while_a_run_is_active(self, client: Client, thread_id: str, gate: Gate) -> None:
        start_waiting(client, thread_id, gate)
        with refused(409, "thread_busy"):
            client.threads.update_state(thread_id, {"label": "b"})

    def test_is_refused_for_a_node_that_is_not_there(self, client: Client, done: str) -> None:
        with refused(422, "invalid_state_update"):
            client.threads.update_state(done, {"path": []}, as_node="nowhere")


class TestHistory:
    def steps_of(self, client: Client, thread_id: str, **query: Any) -> list[int]:
        return [state["metadata"]["step"] for state in client.threads.get_history(thread_id, **query)]

    def test_comes_newest_first(self, client: Client, done: str) -> None:
        assert self.steps_of(client, done) == [3, 2, 1, 0, -1]

    def test_comes_in_pages(self, client: Client, done: str) -> None:
        newest, second, *_ = client.threads.get_history(done, limit=2)
        assert (newest["metadata"]["step"], second["metadata"]["step"]) == (3, 2)
        for place in (second["checkpoint"], second["checkpoint"]["checkpoint_id"]):
            assert self.steps_of(client, done, before=place) == [1, 0, -1]

    def test_is_found_by_metadata(self, client: Client, done: str) -> None:
        client.runs.wait(done, "steps", input={}, metadata={"of": "another"})
        assert self.steps_of(client, done, metadata={"of": "the run"}) == [3, 2, 1, 0, -1]
        assert self.steps_of(client, done, metadata={"of": "the run", "source": "input"}) == [-1]

    def test_of_a_subgraph_comes_by_its_checkpoint(self, client: Client, asking: str) -> None:
        [task] = client.threads.get_state(asking)["tasks"]
        history = client.threads.get_history(asking, checkpoint=task["checkpoint"])
        assert [state["next"] for state in history] == [["question"], ["inner"], ["__start__"]]

    @newer
    def test_has_only_what_is_selected(self, client: Client, done: str) -> None:
        assert client.threads.get_history(done, limit=1, select=["values"]) == [{"values": STEPS}]
