"""The three ways of making a run, which take nearly the same parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from support.clients import Client
from support.runs import data_of

#: Makes a run of a graph on a thread (or on none), and gives what it leaves, with `__interrupt__` or `__error__`.
Way = Callable[..., dict[str, Any]]


@dataclass
class Created:
    """What `on_run_created` was told."""

    run_id: str = ""
    thread_id: str | None = None

    def __call__(self, run: Any) -> None:
        self.run_id, self.thread_id = run["run_id"], run["thread_id"]


def create(client: Client, thread_id: str | None, graph: str, **options: Any) -> dict[str, Any]:
    run = client.runs.create(thread_id, graph, **options)
    return client.runs.join(run["thread_id"], run["run_id"])


def stream(client: Client, thread_id: str | None, graph: str, **options: Any) -> dict[str, Any]:
    parts = list(client.runs.stream(thread_id, graph, **options))
    if errors := data_of(parts, "error"):
        return {"__error__": errors[0]}
    states = data_of(parts, "values")
    questions = [state for state in states if "__interrupt__" in state]
    return questions[-1] if questions else (states or [{}])[-1]


def wait(client: Client, thread_id: str | None, graph: str, **options: Any) -> dict[str, Any]:
    return client.runs.wait(thread_id, graph, raise_error=False, **options)


every_way = pytest.mark.parametrize("way", [create, stream, wait])
