"""Streams of runs: their modes, their ids, and how they are joined."""

from typing import Any

import pytest

from support.clients import Client
from support.langsmith import link_for
from support.runs import STEPS, Gate, ask_until, data_of, in_background, names, new_thread, read_until, start_waiting
from support.version import newer

HELLO = {"messages": [{"role": "user", "content": "hi"}]}
TOKENS = ["one ", "two ", "three ", "four ", "five"]

#: What each mode is called on the stream of `tokens`, which streams the tokens of one message.
EVENTS = {
    "values": {"values"},
    "updates": {"updates"},
    "messages": {"messages/complete", "messages/metadata", "messages/partial"},
    "messages-tuple": {"messages"},
    "events": {"events"},
    "tasks": {"tasks"},
    "checkpoints": {"checkpoints"},
    "debug": {"debug"},
}


def stream(client: Client, graph: str, **options: Any) -> list[Any]:
    """What a run on a new thread streams, without `metadata`."""
    first, *parts = client.runs.stream(new_thread(client), graph, **{"input": {}, **options})
    assert (first.event, first.data["attempt"]) == ("metadata", 1)
    return parts


class TestModes:
    @pytest.mark.parametrize("mode", EVENTS)
    def test_give_only_their_own_events(self, client: Client, mode: str) -> None:
        assert set(names(stream(client, "tokens", input=HELLO, stream_mode=mode))) == EVENTS[mode]

    def test_values_have_the_state_after_each_step(self, client: Client) -> None:
        states = data_of(stream(client, "steps"), "values")
        assert states == [{"path": ["one"]}, {"path": ["one", "two"]}, STEPS]

    def test_updates_have_what_each_node_returned(self, client: Client) -> None:
        updates = data_of(stream(client, "steps", stream_mode="updates"), "updates")
        assert updates == [{"one": {"path": ["one"]}}, {"two": {"path": ["two"]}}, {"three": {"path": ["three"]}}]

    def test_custom_has_what_the_graph_writes(self, client: Client) -> None:
        written = data_of(stream(client, "steps", stream_mode="custom"), "custom")
        assert written == [{"at": "one"}, {"at": "two"}, {"at": "three"}]

    def test_messages_tuple_has_every_token(self, client: Client) -> None:
        parts = stream(client, "tokens", input=HELLO, stream_mode="messages-tuple")
        contents = [message["content"] for message, _ in data_of(parts, "messages")]
        assert [content for content in contents if content] == TOKENS

    def test_come_together_when_several_are_asked_for(self, client: Client) -> None:
        assert set(names(stream(client, "steps", stream_mode=["updates", "custom"]))) == {"updates", "custom"}

    def test_have_subgraphs_when_asked_for(self, client: Client) -> None:
        def nodes(**options: Any) -> set[str]:
            return {name.partition(":")[0] for name in names(stream(client, "deep", stream_mode="updates", **options))}

        assert nodes() == {"updates"}
        assert nodes(stream_subgraphs=True) == {"updates", "updates|outer"}


def test_a_failure_is_the_last_event(client: Client) -> None:
    parts = stream(client, "failing")
    assert parts[-1].event == "error"
    assert parts[-1].data == {**parts[-1].data, "error": "CoffeeError", "message": "out of beans"}


def test_a_question_comes_with_the_values(client: Client) -> None:
    last = stream(client, "ask", input={"question": "why?"})[-1]
    assert [question["value"] for question in last.data["__interrupt__"]] == [{"question": "why?"}]


def test_links_for_feedback_come_at_the_end(client: Client, thread_id: str) -> None:
    parts = list(client.runs.stream(thread_id, "steps", input={}, feedback_keys=["good", "fast"]))
    run_id = parts[0].data["run_id"]
    assert parts[-1].event == "feedback"
    assert parts[-1].data == {key: link_for(run_id, key) for key in ("good", "fast")}


@newer
def test_version_2_has_the_same_in_another_shape(client: Client) -> None:
    [*updates] = client.runs.stream(None, "deep", input={}, stream_mode="updates", stream_subgraphs=True, version="v2")
    inner = next(part for part in updates if "middle" in part["data"])
    assert (inner["type"], inner["data"], inner["interrupts"]) == ("updates", {"middle": {"path": ["middle"]}}, [])
    assert inner["ns"][0].startswith("outer:")
    *_, asked = client.runs.stream(new_thread(client), "ask", input={"question": "why?"}, version="v2")
    assert [question["value"] for question in asked["interrupts"]] == [{"question": "why?"}]


class TestJoined:
    @pytest.mark.parametrize("how", ["create", "stream"])
    def test_after_its_end_a_resumable_run_is_repeated(self, client: Client, thread_id: str, how: str) -> None:
        options = {"input": {}, "stream_mode": ["updates"], "stream_resumable": True}
        if how == "create":
            run_id = client.runs.create(thread_id, "steps", **options)["run_id"]
            client.runs.join(thread_id, run_id)
        else:
            run_id = list(client.runs.stream(thread_id, "steps", **options))[0].data["run_id"]
        again = list(client.runs.join_stream(thread_id, run_id, last_event_id="-1"))
        assert names(again) == ["metadata", "updates", "updates", "updates"]
        assert list(client.runs.join_stream(thread_id, run_id, last_event_id="1")) == again[2:]

    @newer
    def test_only_a_resumable_run_has_ids(self, client: Client, thread_id: str) -> None:
        def ids(resumable: bool) -> list[str | None]:
            return [part.id for part in client.runs.stream(thread_id, "steps", input={}, stream_resumable=resumable)]

        assert ids(False) == [None] * 4
        resumable = ids(True)
        assert sorted(resumable, key=int) == resumable and len(set(resumable)) == 4

    def test_from_its_beginning_it_has_what_was_and_what_will_be(
        self, client: Client, thread_id: str, gate: Gate
    ) -> None:
        run_id = start_waiting(client, thread_id, gate, stream_resumable=True)
        joined = client.runs.join_stream(thread_id, run_id, last_event_id="-1")
        seen = [next(joined) for _ in range(3)]
        gate.open()
        seen += list(joined)
        assert data_of(seen, "custom") == [{"waiting": "a"}]
        assert data_of(seen, "values")[-1]["order"] == ["a:start", "a:end"]

    def test_without_an_id_its_second_reader_has_what_is_new(
        self, client: Client, thread_id: str, gate: Gate
    ) -> None:
        run_id = start_waiting(client, thread_id, gate)
        answered = len(client.responses)
        joined = in_background(lambda: list(client.runs.join_stream(thread_id, run_id)))
        ask_until(lambda: len(client.responses) > answered or joined.done(), bool)
        gate.open()
        assert names(joined.result()) == ["values"]

    def test_it_has_only_the_modes_it_is_asked_for(self, client: Client, thread_id: str, gate: Gate) -> None:
        run_id = start_waiting(client, thread_id, gate, stream_resumable=True)
        gate.open()
        client.runs.join(thread_id, run_id)

        def joined(mode: Any) -> set[str]:
            return set(names(client.runs.join_stream(thread_id, run_id, stream_mode=mode, last_event_id="-1")))

        assert joined("custom") == {"metadata", "custom"}
        assert joined(["custom", "values"]) == {"metadata", "custom", "values"}

    def test_with_the_subgraphs_of_a_run_in_the_background(self, client: Client, thread_id: str) -> None:
        options = {"stream_mode": "updates", "stream_subgraphs": True, "stream_resumable": True}
        run_id = client.runs.create(thread_id, "deep", input={}, **options)["run_id"]
        joined = names(client.runs.join_stream(thread_id, run_id, last_event_id="-1"))
        assert any(name.startswith("updates|outer:") for name in joined)


def test_a_reader_may_leave_and_the_run_goes_on(client: Client, thread_id: str, gate: Gate) -> None:
    parts = client.runs.stream(thread_id, "waiting", input={"gate": gate.path}, stream_mode="custom")
    read_until(parts, "custom")
    gate.open()
    [run] = client.runs.list(thread_id)
    assert client.runs.join(thread_id, run["run_id"])["order"][-1].endswith(":end")
