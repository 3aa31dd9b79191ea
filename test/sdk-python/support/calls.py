"""Notes which methods of the SDK a test calls, and with which parameters: every class of both clients is wrapped."""

import functools
import inspect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langgraph_sdk import get_client, get_sync_client

from support.clients import Flavour


@dataclass(frozen=True)
class Method:
    """A method of the SDK, e.g. `threads.get_state` of the asynchronous client."""

    flavour: Flavour
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.flavour})"


@dataclass(frozen=True)
class Call:
    method: Method
    #: Those that were given something else than their default.
    parameters: frozenset[str]


#: The calls of each test, by its id.
CALLS: dict[str, set[Call]] = defaultdict(set)

#: Every public method, with its parameters.
METHODS: dict[Method, list[str]] = {}

_current = ""


def begin(test: str) -> None:
    """From now on it is this test that calls."""
    global _current
    _current = test


def record() -> None:
    """Wraps all methods, of clients that have been made as well as of those that will be."""
    for flavour, client in (("async", get_client(url="http://nowhere")), ("sync", get_sync_client(url="http://nowhere"))):
        for part, kind in _parts(client):
            for name, function in inspect.getmembers(kind, inspect.isfunction):
                if not name.startswith("_"):
                    setattr(kind, name, _recorded(Method(flavour, f"{part}.{name}"), function))
        closing = "aclose" if flavour == "async" else "close"
        setattr(type(client), closing, _recorded(Method(flavour, "client.aclose"), getattr(type(client), closing)))


def _parts(client: Any) -> Iterator[tuple[str, type]]:
    """`threads`, `runs` and so on, with their classes."""
    return ((name, type(part)) for name, part in vars(client).items() if name != "http")


def _recorded(method: Method, function: Any) -> Any:
    signature = inspect.signature(function)
    METHODS[method] = [name for name in signature.parameters if name != "self"]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        told = {name for name, value in given.items() if value != signature.parameters[name].default}
        CALLS[_current].add(Call(method, frozenset(told - {"self"})))
        return function(*args, **kwargs)

    return call
