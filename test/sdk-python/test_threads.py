"""Threads: their content, and how they are searched, copied and deleted."""

import uuid
from typing import Any

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import STEPS, Gate, ask_until, new_thread, start_waiting
from support.version import newer

#: Less than a second, in minutes.
MOMENT = 0.01


def ttl_of(client: Client, thread_id: str) -> Any:
    # The parameter `include` is newer than 0.2.9; the server is not.
    ttl = client.threads.get(thread_id, params={"include": "ttl"})["ttl"]
    return ttl and (ttl["ttl_minutes"], ttl["strategy"])


def is_gone(client: Client, thread_id: str) -> bool:
    return client.threads.count(metadata={"self": thread_id}) == 0


class TestCreated:
    def test_has_the_id_and_the_metadata_it_was_given(self, client: Client, mark: dict) -> None:
        thread_id = str(uuid.uuid4())
        thread = client.threads.create(thread_id=thread_id, metadata=mark)
        assert (thread["thread_id"], thread["metadata"], thread["status"]) == (thread_id, mark, "idle")
        assert client.threads.get(thread_id) == thread

    def test_that_exists_is_refused_or_given_back(self, client: Client, mark: dict) -> None:
        thread_id = new_thread(client, metadata=mark)
        with refused(409, "thread_exists"):
            client.threads.create(thread_id=thread_id, if_exists="raise")
        again = client.threads.create(thread_id=thread_id, metadata={"other": 1}, if_exists="do_nothing")
        assert again["metadata"] == mark

    def test_with_a_graph_has_a_state_before_its_first_run(self, client: Client) -> None:
        thread = client.threads.create(graph_id="steps")
        assert thread["metadata"] == {"graph_id": "steps"}
        client.threads.update_state(thread["thread_id"], {"path": ["by hand"]})
        assert client.threads.get_state(thread["thread_id"])["values"] == {"path": ["by hand"]}

    def test_with_a_past_goes_on_from_there(self, client: Client) -> None:
        supersteps = [
            {"updates": [{"values": {"path": ["in"]}, "as_node": "__start__"}]},
            {"updates": [{"values": None, "command": {"update": {"path": ["mine"]}}, "as_node": "one"}]},
        ]
        thread_id = new_thread(client, graph_id="steps", supersteps=supersteps)
        assert client.threads.get_state(thread_id)["next"] == ["two"]
        assert client.runs.wait(thread_id, "steps") == {"path": ["in", "mine", "two", "three"]}

    @pytest.mark.parametrize(
        ("ttl", "told"),
        [(10, (10, "delete")), ({"ttl": 20, "strategy": "keep_latest"}, (20, "keep_latest")), (None, None)],
    )
    def test_says_how_long_it_lives(self, client: Client, ttl: Any, told: Any) -> None:
        assert ttl_of(client, new_thread(client, ttl=ttl)) == told

    def test_is_gone_when_its_time_is_over(self, client: Client) -> None:
        thread_id = new_thread(client, ttl=MOMENT)
        client.threads.update(thread_id, metadata={"self": thread_id})
        ask_until(lambda: is_gone(client, thread_id), bool)


class TestUpdated:
    def test_merges_metadata(self, client: Client) -> None:
        thread_id = new_thread(client, metadata={"kept": 1, "changed": 1})
        assert client.threads.update(thread_id, metadata={"changed": 2})["metadata"] == {"kept": 1, "changed": 2}

    def test_lives_as_long_as_it_is_told_to(self, client: Client, thread_id: str) -> None:
        client.threads.update(thread_id, metadata={}, ttl=5)
        assert ttl_of(client, thread_id) == (5, "delete")
        client.threads.update(thread_id, metadata={"self": thread_id}, ttl={"ttl": MOMENT, "strategy": "delete"})
        ask_until(lambda: is_gone(client, thread_id), bool)

    @newer
    def test_answers_nothing_when_nothing_is_wanted(self, client: Client, thread_id: str) -> None:
        assert client.threads.update(thread_id, metadata={"a": 1}, return_minimal=True) is None
        assert client.responses[-1].status_code == 204
        assert client.threads.get(thread_id)["metadata"] == {"a": 1}


@newer
def test_a_thread_tells_of_its_time_to_live_when_asked(client: Client) -> None:
    thread_id = new_thread(client, ttl=10)
    assert client.threads.get(thread_id, include=["ttl"])["ttl"]["ttl_minutes"] == 10
    assert "ttl" not in client.threads.get(thread_id)


def test_a_deleted_thread_is_gone_with_its_runs(client: Client, thread_id: str) -> None:
    run = client.runs.create(thread_id, "steps", input={})
    client.runs.join(thread_id, run["run_id"])
    assert client.threads.delete(thread_id) is None
    with refused(404, "thread_not_found"):
        client.threads.get(thread_id)
    with refused(404, "run_not_found"):
        client.runs.get(thread_id, run["run_id"])


def test_a_copy_has_the_past_and_a_future_of_its_own(client: Client, mark: dict) -> None:
    thread_id = new_thread(client, metadata=mark)
    client.runs.wait(thread_id, "steps", input={})
    copy = client.threads.copy(thread_id)
    assert copy["metadata"] == {**copy["metadata"], **mark}
    assert len(client.threads.get_history(copy["thread_id"])) == len(client.threads.get_history(thread_id))
    assert client.runs.wait(copy["thread_id"], "steps", input={})["path"] == STEPS["path"] * 2
    assert client.threads.get_state(thread_id)["values"] == STEPS


@newer
def test_pruning_deletes_threads_or_their_past(client: Client) -> None:
    kept, deleted = new_thread(client), new_thread(client)
    for thread_id in (kept, deleted):
        client.runs.wait(thread_id, "steps", input={})
    assert client.threads.prune([kept], strategy="keep_latest") == {"pruned_count": 1}
    assert [state["values"] for state in client.threads.get_history(kept)] == [STEPS]
    assert client.threads.prune([deleted]) == {"pruned_count": 1}
    with refused(404, "thread_not_found"):
        client.threads.get(deleted)


class TestSearch:
    @pytest.fixture
    def threads(self, client: Client, mark: dict, gate: Gate) -> dict[str, str]:
        """One that has done something, one that waits for an answer, one that is busy, one that has failed."""
        threads = {name: new_thread(client, metadata={**mark, "of": {"name": name}}) for name in THREADS}
        client.runs.wait(threads["done"], "steps", input={})
        client.runs.wait(threads["asking"], "ask", input={"question": "why?"})
        start_waiting(client, threads["busy"], gate)
        client.runs.wait(threads["failed"], "failing", input={}, raise_error=False)
        return threads

    def test_finds_sorts_and_pages(self, client: Client, threads: dict[str, str], mark: dict) -> None:
        names = {thread_id: name for name, thread_id in threads.items()}

        def found(**query: Any) -> list[str]:
            return [names[thread["thread_id"]] for thread in client.threads.search(metadata=mark, **query)]

        assert found(sort_by="created_at", sort_order="asc") == ["done", "asking", "busy", "failed"]
        assert found(sort_by="created_at") == ["failed", "busy", "asking", "done"]
        assert found(sort_by="created_at", limit=2, offset=1) == ["busy", "asking"]
        for query, name in (
            ({"status": "idle"}, "done"),
            ({"status": "interrupted"}, "asking"),
            ({"status": "busy"}, "busy"),
            ({"status": "error"}, "failed"),
            ({"values": {"question": "why?"}}, "asking"),
        ):
            assert found(**query) == [name]
            assert client.threads.count(metadata=mark, **query) == 1
        assert client.threads.count(metadata=mark) == 4

    def test_looks_into_metadata_and_takes_ids(self, client: Client, threads: dict[str, str], mark: dict) -> None:
        [thread] = client.threads.search(metadata={**mark, "of": {"name": "done"}})
        assert thread["thread_id"] == threads["done"]
        two = [threads["done"], threads["busy"]]
        found = client.threads.search(ids=[*two, str(uuid.uuid4())], sort_by="created_at", sort_order="asc")
        assert [thread["thread_id"] for thread in found] == two

    def test_gives_only_what_is_selected(self, client: Client, threads: dict[str, str]) -> None:
        found = client.threads.search(ids=[threads["done"]], select=["thread_id", "values"])
        assert found == [{"thread_id": threads["done"], "values": STEPS}]

    @newer
    def test_extracts_what_is_asked_for(self, client: Client, threads: dict[str, str]) -> None:
        paths = {"last": "values.path[-1]", "name": "metadata.of.name", "none": "values.nothing"}
        [thread] = client.threads.search(ids=[threads["done"]], extract=paths)
        assert thread["extracted"] == {"last": "three", "name": "done", "none": None}


THREADS = ("done", "asking", "busy", "failed")
