"""The store: items, searches by filter and by meaning, namespaces, time to live."""

import time
import uuid
from typing import Any

import pytest

from support.clients import Client
from support.refusals import refused
from support.runs import ask_until

#: Two seconds, in minutes; and more than half of them.
SHORT_LIFE = 2 / 60
HALF_LIFE_SECS = 1.2


@pytest.fixture
def root() -> str:
    return f"test-{uuid.uuid4()}"


def test_an_item_is_put_replaced_and_deleted(client: Client, root: str) -> None:
    assert client.store.put_item([root, "a"], "k", {"n": 1}) is None
    first = client.store.get_item([root, "a"], "k")
    assert (first["namespace"], first["key"], first["value"]) == ([root, "a"], "k", {"n": 1})
    client.store.put_item([root, "a"], key="k", value={"n": 2})
    second = client.store.get_item([root, "a"], key="k")
    assert (second["value"], second["created_at"]) == ({"n": 2}, first["created_at"])
    assert second["updated_at"] > first["updated_at"]
    assert client.store.delete_item([root, "a"], "k") is None
    assert client.store.get_item([root, "a"], "k") is None


def test_the_sdk_refuses_labels_with_dots_and_the_server_empty_ones(client: Client, root: str) -> None:
    with pytest.raises(ValueError, match="periods"):
        client.store.put_item(["a.b"], "k", {})
    with refused(422, "validation_failed"):
        client.store.put_item([root, ""], "k", {})


class TestSearch:
    @pytest.fixture
    def birds(self, client: Client, root: str) -> str:
        for key, text, size in (("a", "a green parrot talks", 3), ("b", "an owl hunts at night", 2), ("c", "a jay", 1)):
            client.store.put_item([root, "birds"], key, {"text": text, "size": size})
        client.store.put_item([root, "fish"], "d", {"text": "a herring", "size": 1})
        return root

    def keys(self, client: Client, namespace: list[str], **query: Any) -> list[str]:
        return [item["key"] for item in client.store.search_items(namespace, **query)["items"]]

    def test_finds_what_is_below_a_namespace_in_pages(self, client: Client, birds: str) -> None:
        everything = self.keys(client, [birds])
        assert sorted(everything) == ["a", "b", "c", "d"]
        assert sorted(self.keys(client, [birds, "birds"])) == ["a", "b", "c"]
        assert self.keys(client, [birds], limit=3) == everything[:3]
        assert self.keys(client, [birds], limit=3, offset=3) == everything[3:]

    def test_filters(self, client: Client, birds: str) -> None:
        assert sorted(self.keys(client, [birds], filter={"size": 1})) == ["c", "d"]
        assert sorted(self.keys(client, [birds], filter={"size": {"$gte": 2}})) == ["a", "b"]

    def test_finds_by_meaning(self, client: Client, birds: str) -> None:
        [first, *_] = client.store.search_items([birds], query="night owl")["items"]
        assert first["key"] == "b" and first["score"] > 0

    def test_finds_by_meaning_only_what_is_to_be_found_so(self, client: Client, root: str) -> None:
        client.store.put_item([root], "hidden", {"text": "a night owl"}, index=False)
        client.store.put_item([root], "other", {"text": "a herring", "title": "night owl"}, index=["title"])
        scores = {item["key"]: item.get("score") for item in client.store.search_items([root], query="night owl")["items"]}
        assert not scores.get("hidden")
        assert scores["other"] > 0.9


class TestNamespaces:
    @pytest.fixture(autouse=True)
    def items(self, client: Client, root: str) -> None:
        for namespace in (["a", "x"], ["a", "y"], ["b", "x"], ["b", "x", "deep"]):
            client.store.put_item([root, *namespace], "k", {})

    def names(self, client: Client, root: str, *prefix: str, **query: Any) -> list[str]:
        found = client.store.list_namespaces([root, *prefix], **query)["namespaces"]
        return ["/".join(namespace[1:]) for namespace in found]

    def test_are_listed_in_pages(self, client: Client, root: str) -> None:
        assert self.names(client, root) == ["a/x", "a/y", "b/x", "b/x/deep"]
        assert self.names(client, root, limit=2, offset=1) == ["a/y", "b/x"]

    def test_are_found_by_their_begin_and_their_end(self, client: Client, root: str) -> None:
        assert self.names(client, root, "a") == ["a/x", "a/y"]
        assert self.names(client, root, suffix=["x"]) == ["a/x", "b/x"]

    def test_are_cut_at_a_depth(self, client: Client, root: str) -> None:
        assert self.names(client, root, max_depth=2) == ["a", "b"]


class TestLifetime:
    def test_ends(self, client: Client, root: str) -> None:
        client.store.put_item([root], "k", {}, ttl=0.01)
        ask_until(lambda: client.store.search_items([root], refresh_ttl=False)["items"], lambda items: items == [])

    def test_begins_anew_when_an_item_is_read_unless_told_otherwise(self, client: Client, root: str) -> None:
        for label in ("got", "found", "got quietly", "found quietly"):
            client.store.put_item([root, label], "k", {}, ttl=SHORT_LIFE)
        time.sleep(HALF_LIFE_SECS)
        assert client.store.get_item([root, "got"], "k", refresh_ttl=True)
        assert client.store.get_item([root, "got quietly"], "k", refresh_ttl=False)
        assert client.store.search_items([root, "found"], refresh_ttl=True)["items"]
        assert client.store.search_items([root, "found quietly"], refresh_ttl=False)["items"]
        time.sleep(HALF_LIFE_SECS)
        left = client.store.search_items([root], refresh_ttl=False)["items"]
        assert {item["namespace"][1] for item in left} == {"got", "found"}
