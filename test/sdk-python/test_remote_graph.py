"""RemoteGraph of LangGraph for Python: a graph of our server, used as if it were here, also as a node of another."""

import uuid
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.pregel.remote import RemoteException, RemoteGraph
from langgraph.types import Command

from support.clients import Client, awaited
from support.runs import STEPS, ask_until

Thread = dict[str, Any]


class Graph:
    """A graph whose methods are called in the way of the client: `ainvoke` and so on for the asynchronous one."""

    def __init__(self, client: Client, graph: Any) -> None:
        self._graph = graph
        self._is_async = client.is_async

    def __getattr__(self, name: str) -> Any:
        return awaited(getattr(self._graph, f"a{name}")) if self._is_async else getattr(self._graph, name)


def remote_graph(client: Client, graph: str) -> RemoteGraph:
    return RemoteGraph(graph, **{"client" if client.is_async else "sync_client": client.sdk})


def remote(client: Client, graph: str) -> Graph:
    return Graph(client, remote_graph(client, graph))


@pytest.fixture
def thread() -> Thread:
    return {"configurable": {"thread_id": str(uuid.uuid4())}}


class Path(TypedDict, total=False):
    path: list[str]


class Question(TypedDict, total=False):
    question: str
    answer: str


def around(client: Client, graph: str, state: type) -> Graph:
    """A graph here with a node that is on the server, and one behind it."""
    builder = StateGraph(state)
    builder.add_node("far", remote_graph(client, graph))
    builder.add_node("here", lambda state: {"path": [*state["path"], "here"]} if "path" in state else {})
    builder.add_edge(START, "far")
    builder.add_edge("far", "here")
    builder.add_edge("here", END)
    return Graph(client, builder.compile(checkpointer=InMemorySaver()))


class TestOnItsOwn:
    def test_runs_without_a_thread_and_on_one(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "steps")
        assert graph.invoke({"path": ["in"]}) == {"path": ["in", *STEPS["path"]]}
        assert graph.invoke({}, thread) == STEPS
        assert graph.invoke({"path": ["again"]}, thread)["path"] == [*STEPS["path"], "again", *STEPS["path"]]

    def test_takes_settings_and_a_context(self, client: Client) -> None:
        config = {"tags": ["t"], "configurable": {"voice": "low"}, "metadata": {"from": "afar"}}
        seen = remote(client, "settings").invoke({}, config)
        assert (seen["configurable"]["voice"], seen["metadata"]["from"]) == ("low", "afar")
        assert "t" in seen["tags"]
        assert remote(client, "settings").invoke({}, context={"tone": "kind"})["context"] == {"tone": "kind"}

    def test_streams_in_one_mode_and_in_several(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "steps")
        assert list(graph.stream({}, thread, stream_mode="updates")) == [
            {name: {"path": [name]}} for name in STEPS["path"]
        ]
        several = list(graph.stream({}, stream_mode=["updates", "custom"]))
        assert {part.event for part in several} == {"updates", "custom"}

    def test_streams_its_subgraphs(self, client: Client) -> None:
        parts = list(remote(client, "deep").stream({}, stream_mode="custom", subgraphs=True))
        assert [data["at"] for _, data in parts] == ["top", "middle", "deepest"]
        assert [len(namespace) for namespace, _ in parts] == [0, 1, 2]

    def test_raises_what_has_gone_wrong(self, client: Client, thread: Thread) -> None:
        with pytest.raises(RemoteException, match="out of beans"):
            remote(client, "failing").invoke({}, thread)

    def test_asks_and_is_answered(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "ask")
        [question] = graph.invoke({"question": "why?"}, thread)["__interrupt__"]
        assert question["value"] == {"question": "why?"}
        state = graph.get_state(thread)
        assert (state.next, state.tasks[0].interrupts[0].value) == (("ask",), {"question": "why?"})
        assert graph.invoke(Command(resume="so"), thread) == {"question": "why?", "answer": "so"}

    def test_stops_where_it_is_told_to(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "steps")
        graph.invoke({}, thread, interrupt_before=["two"])
        assert graph.get_state(thread).next == ("two",)
        graph.invoke(None, thread, interrupt_after="*")
        assert graph.get_state(thread).next == ("three",)
        assert graph.invoke(None, thread) == STEPS

    def test_shows_the_states_of_its_subgraphs(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "nested")
        graph.invoke({}, thread)
        [task] = graph.get_state(thread, subgraphs=True).tasks
        assert (task.state.values, task.state.next) == ({"path": ["before", "inner"]}, ("question",))

    def test_has_a_history_to_go_back_to(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "steps")
        graph.invoke({}, thread)
        history = list(graph.get_state_history(thread))
        assert [state.metadata["step"] for state in history] == [3, 2, 1, 0, -1]
        assert history[0].parent_config == history[1].config
        assert len(list(graph.get_state_history(thread, limit=2))) == 2
        assert list(graph.get_state_history(thread, before=history[2].config)) == history[3:]
        assert list(graph.get_state_history(thread, filter={"source": "input"})) == history[4:]
        assert graph.get_state(history[2].config) == history[2]

    def test_goes_on_from_an_old_state_that_was_changed(self, client: Client, thread: Thread) -> None:
        graph = remote(client, "steps")
        graph.invoke({}, thread)
        past = next(state for state in graph.get_state_history(thread) if state.next == ("three",))
        fork = graph.update_state(past.config, {"path": ["changed"]}, as_node="two")
        assert fork["configurable"]["thread_id"] == thread["configurable"]["thread_id"]
        assert graph.invoke(None, thread) == {"path": ["one", "two", "changed", "three"]}

    def test_is_drawn_with_its_subgraphs(self, client: Client) -> None:
        assert set(remote(client, "family").get_graph().nodes) >= {"child"}
        assert set(remote(client, "family").get_graph(xray=True).nodes) >= {"child:offspring:play"}


class TestAsANode:
    def test_runs_between_others(self, client: Client, thread: Thread) -> None:
        graph = around(client, "steps", Path)
        assert graph.invoke({"path": ["in"]}, thread) == {"path": ["in", *STEPS["path"], "here"]}

    def test_streams_through_the_graph_around_it(self, client: Client, thread: Thread) -> None:
        graph = around(client, "steps", Path)
        parts = list(graph.stream({"path": []}, thread, stream_mode=["updates", "custom"], subgraphs=True))
        far = [(mode, data) for namespace, mode, data in parts if namespace]
        assert [data["at"] for mode, data in far if mode == "custom"] == STEPS["path"]
        assert [next(iter(data)) for mode, data in far if mode == "updates"] == STEPS["path"]
        own = [data for namespace, mode, data in parts if not namespace and mode == "updates"]
        assert [next(iter(data)) for data in own] == ["far", "here"]

    def test_asks_through_the_graph_around_it(self, client: Client, thread: Thread) -> None:
        graph = around(client, "ask", Question)
        [question] = graph.invoke({"question": "why?"}, thread)["__interrupt__"]
        assert question.value == {"question": "why?"}
        assert graph.get_state(thread).next == ("far",)
        # The node has its thread on the server, where the question waits as well. That is where it is answered:
        # RemoteGraph of LangGraph for Python does not pass answers on to its graph.
        thread_id = thread["configurable"]["thread_id"]
        ask_until(lambda: client.threads.get(thread_id)["status"], lambda status: status == "interrupted")
        [there] = [asked for asked in client.threads.get(thread_id)["interrupts"].values()]
        assert there[0]["id"] == question.id
        assert remote(client, "ask").invoke(Command(resume="so"), thread)["answer"] == "so"
