"""Assistants: what they are made of, their versions, and what their graphs look like."""

import uuid

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import new_thread
from support.version import newer

SYSTEM_NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")

EVERYTHING = {
    "config": {"tags": ["a"], "recursion_limit": 7, "configurable": {"model": "m"}},
    "context": {"tone": "kind"},
    "name": "Parrot",
    "description": "Repeats.",
}


def test_an_assistant_keeps_everything_it_was_given(client: Client, mark: dict) -> None:
    assistant_id = str(uuid.uuid4())
    created = client.assistants.create("settings", assistant_id=assistant_id, metadata=mark, **EVERYTHING)
    assert created == {**created, **EVERYTHING, "assistant_id": assistant_id, "graph_id": "settings", "metadata": mark}
    assert client.assistants.get(assistant_id) == created


def test_an_assistant_that_exists_is_refused_or_given_back(client: Client) -> None:
    first = client.assistants.create("echo", name="first")
    again = {"graph_id": "steps", "assistant_id": first["assistant_id"], "name": "second"}
    with refused(409, "assistant_exists"):
        client.assistants.create(**again, if_exists="raise")
    assert client.assistants.create(**again, if_exists="do_nothing") == first


def test_every_graph_has_an_assistant_of_its_name(client: Client) -> None:
    assistant = client.assistants.get("steps")
    assert assistant["assistant_id"] == str(uuid.uuid5(SYSTEM_NAMESPACE, "steps"))
    assert assistant["metadata"] == {"created_by": "system"}


def test_an_update_makes_a_version_and_merges_metadata(client: Client) -> None:
    before = client.assistants.create("echo", name="before", metadata={"kept": 1, "changed": 1})
    assistant_id = before["assistant_id"]
    after = client.assistants.update(assistant_id, graph_id="settings", metadata={"changed": 2}, **EVERYTHING)
    assert after == {**after, **EVERYTHING, "graph_id": "settings", "version": 2}
    assert after["metadata"] == {"kept": 1, "changed": 2}
    assert client.runs.wait(None, assistant_id, input={})["context"] == {"tone": "kind"}


@newer
def test_an_update_can_take_settings_away(client: Client) -> None:
    assistant_id = client.assistants.create("echo", **EVERYTHING)["assistant_id"]
    after = client.assistants.update(assistant_id, config={}, context={})
    assert (after["config"], after["context"], after["name"]) == ({}, {}, "Parrot")


def test_versions_come_newest_first_in_pages_and_by_metadata(client: Client) -> None:
    assistant_id = client.assistants.create("echo", metadata={"n": 1})["assistant_id"]
    for n in (2, 3):
        client.assistants.update(assistant_id, metadata={"n": n})

    def versions(**query: object) -> list[int]:
        return [version["version"] for version in client.assistants.get_versions(assistant_id, **query)]

    assert versions() == [3, 2, 1]
    assert versions(limit=2) == [3, 2]
    assert versions(limit=2, offset=2) == [1]
    assert versions(metadata={"n": 2}) == [2]


def test_an_old_version_can_be_made_the_latest_again(client: Client) -> None:
    assistant_id = client.assistants.create("echo", name="old")["assistant_id"]
    client.assistants.update(assistant_id, name="new", graph_id="steps")
    back = client.assistants.set_latest(assistant_id, 1)
    assert (back["version"], back["name"], back["graph_id"]) == (1, "old", "echo")
    assert client.assistants.get(assistant_id) == back
    with refused(404, "assistant_version_not_found"):
        client.assistants.set_latest(assistant_id, 9)


def test_a_deleted_assistant_is_gone(client: Client) -> None:
    assistant_id = client.assistants.create("echo")["assistant_id"]
    assert client.assistants.delete(assistant_id) is None
    with refused(404, "assistant_not_found"):
        client.assistants.get(assistant_id)


@newer
def test_an_assistant_takes_its_threads_along_when_told_to(client: Client) -> None:
    kept, taken = (client.assistants.create("steps")["assistant_id"] for _ in range(2))
    threads = {assistant_id: new_thread(client) for assistant_id in (kept, taken)}
    for assistant_id, thread_id in threads.items():
        client.runs.wait(thread_id, assistant_id, input={})
    client.assistants.delete(kept)
    client.assistants.delete(taken, delete_threads=True)
    assert client.threads.get(threads[kept])["status"] == "idle"
    with refused(404, "thread_not_found"):
        client.threads.get(threads[taken])


class TestSearch:
    @pytest.fixture
    def birds(self, client: Client, mark: dict) -> dict:
        """Metadata of three assistants."""
        for name, graph_id, colour in (("Red parrot", "echo", "red"), ("Owl", "steps", "grey"), ("Jay", "echo", "blue")):
            client.assistants.create(graph_id, name=name, metadata={**mark, "bird": {"colour": colour}})
        return mark

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["Jay", "Owl", "Red parrot"]),
            ({"limit": 2}, ["Jay", "Owl"]),
            ({"limit": 2, "offset": 2}, ["Red parrot"]),
            ({"graph_id": "steps"}, ["Owl"]),
            ({"sort_by": "name"}, ["Red parrot", "Owl", "Jay"]),
            ({"sort_by": "created_at", "sort_order": "asc"}, ["Red parrot", "Owl", "Jay"]),
            ({"sort_by": "graph_id", "sort_order": "desc", "limit": 1}, ["Owl"]),
            pytest.param({"name": "PARROT"}, ["Red parrot"], marks=newer),
        ],
    )
    def test_finds_sorts_and_pages(self, client: Client, birds: dict, query: dict, found: list[str]) -> None:
        assistants = client.assistants.search(metadata=birds, **query)
        assert [assistant["name"] for assistant in assistants] == found

    def test_looks_into_metadata(self, client: Client, birds: dict) -> None:
        [owl] = client.assistants.search(metadata={**birds, "bird": {"colour": "grey"}})
        assert owl["name"] == "Owl"

    def test_gives_only_what_is_selected(self, client: Client, birds: dict) -> None:
        found = client.assistants.search(metadata=birds, select=["name", "graph_id"], limit=1)
        assert found == [{"name": "Jay", "graph_id": "echo"}]

    @newer
    def test_tells_where_the_next_page_begins(self, client: Client, birds: dict) -> None:
        first = client.assistants.search(metadata=birds, limit=2, response_format="object")
        assert ([bird["name"] for bird in first["assistants"]], first["next"]) == (["Jay", "Owl"], "2")
        last = client.assistants.search(metadata=birds, limit=2, offset=2, response_format="object")
        assert ([bird["name"] for bird in last["assistants"]], last["next"]) == (["Red parrot"], None)

    def test_is_counted_with_the_same_filters(self, client: Client, birds: dict) -> None:
        assert client.assistants.count(metadata=birds) == 3
        assert client.assistants.count(metadata=birds, graph_id="echo") == 2

    @newer
    def test_is_counted_by_name(self, client: Client, birds: dict) -> None:
        assert client.assistants.count(metadata=birds, name="parrot") == 1


class TestGraphs:
    def test_are_drawn_with_as_many_levels_as_asked_for(self, client: Client) -> None:
        def inside(**options: object) -> list[str]:
            nodes = client.assistants.get_graph("family", **options)["nodes"]
            return [node["id"] for node in nodes if node["id"].startswith("child")]

        assert inside() == ["child"]
        assert inside(xray=1) == ["child:wake", "child:offspring"]
        assert inside(xray=True) == ["child:wake", "child:offspring:play", "child:offspring:tidy"]

    def test_have_schemas(self, client: Client) -> None:
        schemas = client.assistants.get_schemas("steps")
        assert schemas["graph_id"] == "steps"
        assert schemas["state_schema"]["properties"]["path"]["type"] == "array"

    def test_have_subgraphs_by_their_path(self, client: Client) -> None:
        def subgraphs(*options: object, **more: object) -> set[str]:
            return set(client.assistants.get_subgraphs("family", *options, **more))

        assert subgraphs() == {"child", "forecast", "both"}
        assert subgraphs(recurse=True) == {"child", "forecast", "both", "child|offspring"}
        assert subgraphs(namespace="child") == {"child"}
        assert subgraphs("child|offspring", True) == {"child|offspring"}
