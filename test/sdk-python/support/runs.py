"""Runs that wait for a test, and what tests do with runs again and again."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from support.clients import Client

STEPS = {"path": ["one", "two", "three"]}

ASK_AGAIN_SECS = 0.02
WAIT_SECS = 20

_BACKGROUND = ThreadPoolExecutor(max_workers=32)


class Gate:
    """A file that the graphs `waiting` and `ticking` wait for."""

    def __init__(self, file: Path) -> None:
        self.path = str(file)

    def open(self) -> None:
        Path(self.path).touch()


def start_waiting(client: Client, thread_id: str, gate: Gate, label: str = "a", **options: Any) -> str:
    """The id of a run that is inside its node, and continues when the gate is opened."""
    modes = ["custom", "values"]
    entry = {"gate": gate.path, "label": label}
    run = client.runs.create(thread_id, "waiting", input=entry, stream_mode=modes, **options)
    read_until(client.runs.join_stream(thread_id, run["run_id"], last_event_id="-1"), "custom")
    return run["run_id"]


def new_thread(client: Client, **options: Any) -> str:
    return client.threads.create(**options)["thread_id"]


def in_background(work: Callable[[], Any]) -> Future[Any]:
    return _BACKGROUND.submit(work)


def read_until(stream: Any, event: str) -> Any:
    """Reads until that event has come, then leaves."""
    for part in stream:
        if part.event == event:
            stream.close()
            return part
    raise AssertionError(f"The stream ended without an event {event}.")


def names(parts: Iterable[Any]) -> list[str]:
    return [part.event for part in parts]


def data_of(parts: Iterable[Any], event: str) -> list[Any]:
    return [part.data for part in parts if part.event == event]


def ask_until(ask: Callable[[], Any], is_right: Callable[[Any], Any]) -> Any:
    """Asks again until the answer is right. Only for what cannot be awaited."""
    deadline = time.monotonic() + WAIT_SECS
    while not is_right(answer := ask()):
        assert time.monotonic() < deadline, f"It did not come about; at last it is {answer}"
        time.sleep(ASK_AGAIN_SECS)
    return answer


def ended(client: Client, thread_id: str, run_id: str) -> str:
    """The status of a run that another client ends."""
    run = ask_until(lambda: client.runs.get(thread_id, run_id), lambda run: run["status"] not in ("pending", "running"))
    return run["status"]
