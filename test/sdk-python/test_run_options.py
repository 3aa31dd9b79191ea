"""What may be said of a run, in each of the three ways of making one."""

import time
import uuid
import warnings
from typing import Any

import pytest

from support.clients import Client
from support.http_server import HttpServer
from support.langsmith import LangSmith
from support.refusals import refused
from support.runs import STEPS, Gate, ask_until, in_background, new_thread, start_waiting
from support.version import newer
from support.ways import Created, Way, every_way

pytestmark = every_way

MISSING = "00000000-0000-4000-8000-000000000000"

DELAY_SECS = 0.5


def newest_run(client: Client, thread_id: str) -> Any:
    return client.runs.list(thread_id, limit=1)[0]


def past_of(client: Client, thread_id: str) -> Any:
    """The checkpoint before the node `two`."""
    return next(state for state in client.threads.get_history(thread_id) if state["next"] == ["two"])["checkpoint"]


def test_the_input_reaches_the_graph(client: Client, thread_id: str, way: Way) -> None:
    assert way(client, thread_id, "steps", input={"path": ["in"]}) == {"path": ["in", *STEPS["path"]]}


def test_a_command_answers_the_question_that_waits(client: Client, thread_id: str, way: Way) -> None:
    asked = way(client, thread_id, "ask", input={"question": "why?"})
    assert [question["value"] for question in asked["__interrupt__"]] == [{"question": "why?"}]
    assert way(client, thread_id, "ask", command={"resume": "so"}) == {"question": "why?", "answer": "so"}


def test_settings_reach_the_graph(client: Client, thread_id: str, way: Way) -> None:
    config = {"tags": ["t"], "configurable": {"voice": "low"}}
    seen = way(client, thread_id, "settings", input={}, config=config, context={"tone": "kind"}, metadata={"n": 1})
    assert seen["configurable"]["voice"] == "low"
    assert (seen["context"]["tone"], seen["tags"], seen["metadata"]["n"]) == ("kind", ["t"], 1)
    assert newest_run(client, thread_id)["metadata"]["n"] == 1


def test_the_config_limits_the_steps(client: Client, thread_id: str, way: Way) -> None:
    ended = way(client, thread_id, "steps", input={}, config={"recursion_limit": 2})
    assert ended["__error__"]["error"] == "GraphRecursionError"


def test_headers_reach_the_graph_when_the_server_lets_them(client: Client, thread_id: str, way: Way) -> None:
    seen = way(client, thread_id, "settings", input={}, headers={"x-tone": "kind"})
    assert seen["configurable"]["x-tone"] == "kind"


@pytest.mark.parametrize("whole", [True, False])
def test_a_run_begins_at_the_checkpoint_it_is_given(client: Client, thread_id: str, way: Way, whole: bool) -> None:
    client.runs.wait(thread_id, "steps", input={"path": ["first"]})
    past = past_of(client, thread_id)
    where = {"checkpoint": past} if whole else {"checkpoint_id": past["checkpoint_id"]}
    assert way(client, thread_id, "steps", input={"path": ["fork"]}, **where) == {
        "path": ["first", "one", "fork", *STEPS["path"]]
    }


@pytest.mark.parametrize(
    ("options", "waiting"),
    [
        ({"interrupt_before": ["two"]}, ["two"]),
        ({"interrupt_after": ["two"]}, ["three"]),
        ({"interrupt_before": "*"}, ["one"]),
        ({"interrupt_after": "*"}, ["two"]),
    ],
)
def test_a_run_stops_where_it_is_told_to(
    client: Client, thread_id: str, way: Way, options: dict, waiting: list[str]
) -> None:
    way(client, thread_id, "steps", input={}, **options)
    assert client.threads.get_state(thread_id)["next"] == waiting
    assert client.threads.get(thread_id)["status"] == "interrupted"
    assert way(client, thread_id, "steps") == STEPS


@pytest.mark.parametrize(
    ("options", "checkpoints"),
    [
        ({"durability": "sync"}, 5),
        ({"durability": "async"}, 5),
        ({"durability": "exit"}, 1),
        ({"checkpoint_during": True}, 5),
        ({"checkpoint_during": False}, 1),
    ],
)
def test_a_run_leaves_as_many_checkpoints_as_it_is_told_to(
    client: Client, thread_id: str, way: Way, options: dict, checkpoints: int
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert way(client, thread_id, "steps", input={}, **options) == STEPS
    assert len(client.threads.get_history(thread_id)) == checkpoints
    kwargs = newest_run(client, thread_id)["kwargs"]
    assert {name: kwargs.get(name) for name in options} == options


def test_a_webhook_is_called_when_the_run_has_ended(
    client: Client, thread_id: str, way: Way, receiver: HttpServer
) -> None:
    way(client, thread_id, "steps", input={}, webhook=f"{receiver.url}/{thread_id}")
    [call] = receiver.until(lambda requests: [body for path, _, body in requests if path == f"/{thread_id}"])
    assert (call["run_id"], call["status"]) == (newest_run(client, thread_id)["run_id"], "success")
    assert call["values"] == STEPS


@pytest.mark.parametrize("strategy", [None, "enqueue"])
def test_a_run_waits_its_turn_on_a_busy_thread(
    client: Client, thread_id: str, way: Way, gate: Gate, strategy: str | None
) -> None:
    start_waiting(client, thread_id, gate)
    options = {"input": {"label": "b", "gate": None}, "multitask_strategy": strategy}
    second = in_background(lambda: way(client, thread_id, "waiting", **options))
    ask_until(lambda: [run["status"] for run in client.runs.list(thread_id)], lambda all: all == ["pending", "running"])
    gate.open()
    assert second.result()["order"] == ["a:start", "a:end", "b:start", "b:end"]


def test_a_run_is_rejected_by_a_busy_thread_when_it_says_so(
    client: Client, thread_id: str, way: Way, gate: Gate
) -> None:
    run_id = start_waiting(client, thread_id, gate)
    with refused(409, "thread_busy"):
        way(client, thread_id, "steps", input={}, multitask_strategy="reject")
    assert [run["run_id"] for run in client.runs.list(thread_id)] == [run_id]


def test_a_run_interrupts_the_one_before_it_when_it_says_so(
    client: Client, thread_id: str, way: Way, gate: Gate
) -> None:
    run_id = start_waiting(client, thread_id, gate)
    left = way(client, thread_id, "waiting", input={"label": "b", "gate": None}, multitask_strategy="interrupt")
    assert left["order"] == ["a:start", "b:start", "b:end"]
    assert client.runs.get(thread_id, run_id)["status"] == "interrupted"


def test_a_run_rolls_back_the_one_before_it_when_it_says_so(
    client: Client, thread_id: str, way: Way, gate: Gate
) -> None:
    run_id = start_waiting(client, thread_id, gate)
    left = way(client, thread_id, "waiting", input={"label": "b", "gate": None}, multitask_strategy="rollback")
    assert left["order"] == ["b:start", "b:end"]
    with refused(404, "run_not_found"):
        client.runs.get(thread_id, run_id)


def test_a_thread_that_is_not_there_is_created_or_refused(client: Client, way: Way) -> None:
    thread_id = str(uuid.uuid4())
    for option in ({}, {"if_not_exists": "reject"}):
        with refused(404, "thread_not_found"):
            way(client, thread_id, "steps", input={}, **option)
    assert way(client, thread_id, "steps", input={}, if_not_exists="create") == STEPS
    assert client.threads.get(thread_id)["values"] == STEPS


def test_a_run_begins_later_when_it_says_so(client: Client, thread_id: str, way: Way) -> None:
    begin = time.monotonic()
    created = Created()
    later = in_background(
        lambda: way(client, thread_id, "steps", input={}, after_seconds=DELAY_SECS, on_run_created=created)
    )
    ask_until(lambda: created.run_id, bool)
    assert client.runs.get(thread_id, created.run_id)["status"] == "pending"
    assert later.result() == STEPS
    assert time.monotonic() - begin >= DELAY_SECS


def test_the_caller_is_told_of_the_run_before_it_ends(client: Client, thread_id: str, way: Way) -> None:
    created = Created()
    way(client, thread_id, "steps", input={}, on_run_created=created)
    assert (created.run_id, created.thread_id) == (newest_run(client, thread_id)["run_id"], thread_id)


@pytest.mark.parametrize(("on_completion", "threads"), [(None, 0), ("delete", 0), ("keep", 1)])
def test_a_run_without_a_thread_leaves_one_only_when_it_is_to_be_kept(
    client: Client, way: Way, mark: dict, on_completion: str | None, threads: int
) -> None:
    assert way(client, None, "steps", input={}, metadata=mark, on_completion=on_completion) == STEPS
    left = ask_until(
        lambda: client.threads.search(metadata=mark),
        lambda left: all(thread["status"] != "busy" for thread in left),
    )
    assert [thread["values"] for thread in left] == [STEPS] * threads


@newer
def test_a_run_is_traced_where_it_says(client: Client, thread_id: str, way: Way, langsmith: LangSmith) -> None:
    example_id = str(uuid.uuid4())
    tracing = {"project_name": "experiment", "example_id": example_id}
    way(client, thread_id, "steps", input={}, langsmith_tracing=tracing)
    run_id = newest_run(client, thread_id)["run_id"]
    assert langsmith.trace_of(run_id, "experiment")["reference_example_id"] == example_id


@newer
def test_a_strict_resume_answers_only_what_waits(client: Client, thread_id: str, way: Way) -> None:
    [question] = way(client, thread_id, "ask", input={"question": "why?"})["__interrupt__"]
    wrong = way(client, thread_id, "ask", command={"resume": {"f" * 32: "so"}}, strict_resume=True)
    assert wrong["__error__"]["error"] == "UnknownInterruptError"
    right = way(client, thread_id, "ask", command={"resume": {question["id"]: "so"}}, strict_resume=True)
    assert right["answer"] == "so"


def test_what_cannot_be_run_is_refused(client: Client, thread_id: str, way: Way) -> None:
    with refused(404, "assistant_not_found"):
        way(client, thread_id, MISSING, input={})
    with refused(422, "validation_failed"):
        way(client, thread_id, "steps", input={}, interrupt_before=5)
    assert client.runs.list(thread_id) == []


def test_a_failure_is_told(client: Client, thread_id: str, way: Way) -> None:
    failure = way(client, new_thread(client), "failing", input={})["__error__"]
    assert failure == {**failure, "error": "CoffeeError", "message": "out of beans"}
