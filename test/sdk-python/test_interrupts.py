"""Questions of graphs, and the commands that answer them."""

from typing import Any

from support.clients import Client
from support.runs import STEPS


def questions_of(client: Client, thread_id: str) -> dict[str, str]:
    """The ids of the pending interrupts, by their value."""
    interrupts = client.threads.get(thread_id)["interrupts"].values()
    return {question["value"]: question["id"] for questions in interrupts for question in questions}


def test_an_answer_goes_to_the_only_question(client: Client, thread_id: str) -> None:
    client.runs.wait(thread_id, "ask", input={"question": "why?"})
    assert client.threads.get(thread_id)["status"] == "interrupted"
    [run] = client.runs.list(thread_id)
    assert run["status"] == "success"
    answered = client.runs.wait(thread_id, "ask", command={"resume": {"not": ["an", "id"]}})
    assert answered["answer"] == {"not": ["an", "id"]}
    assert client.threads.get(thread_id)["status"] == "idle"


def test_answers_find_their_questions_by_id(client: Client, thread_id: str) -> None:
    client.runs.wait(thread_id, "parallel", input={})
    ids = questions_of(client, thread_id)
    one = client.runs.wait(thread_id, "parallel", command={"resume": {ids["left"]: "L"}})
    assert [question["value"] for question in one["__interrupt__"]] == ["right"]
    both = client.runs.wait(thread_id, "parallel", command={"resume": {ids["right"]: "R"}})
    assert both == {"answers": ['left:"L"', 'right:"R"']}


def test_answers_reach_subgraphs(client: Client, thread_id: str) -> None:
    client.runs.wait(thread_id, "nested", input={})
    answered = client.runs.wait(thread_id, "nested", command={"resume": "yes"})
    assert answered["path"][-1] == "answer:yes"


def test_a_command_may_write_and_go_elsewhere(client: Client, thread_id: str) -> None:
    def after(command: dict[str, Any]) -> Any:
        return client.runs.wait(thread_id, "steps", command=command)

    client.runs.wait(thread_id, "steps", input={})
    # The SDK omits None: this is no resume value.
    assert after({"update": {"path": ["mine"]}, "resume": None}) == {"path": [*STEPS["path"], "mine"]}
    assert after({"goto": "three"}) == {"path": [*STEPS["path"], "mine", "three"]}
    assert after({"update": [["path", ["last"]]], "goto": {"node": "two", "input": {}}})["path"][-3:] == [
        "last",
        "two",
        "three",
    ]
