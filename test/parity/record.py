"""Prints, as JSON, every request that the installed SDK sends when its methods are called with all their parameters.

What may be sent is asked of the SDK itself: parameters by their names, values by their types. So a parameter that a new
version brings is in the requests without an entry here.
"""

import builtins
import inspect
import json
import sys
import types
import typing
import uuid
from collections import abc
from datetime import datetime, tzinfo
from enum import Enum

import httpx
from langgraph_sdk import get_sync_client
from langgraph_sdk import client as sdk

CLIENTS = ("assistants", "threads", "runs", "crons", "store")
# Streaming protocol v2: a connection of its own, not one request.
NO_REQUEST = ("threads.stream",)
# Parameters that stay in the client, or that may be anything.
OF_THE_CLIENT = ("on_run_created", "raise_error", "response_format", "headers", "params", "runs.stream version")
# What the client reads itself, and types do not tell.
TEXTS = {"thread_id": str(uuid.uuid4()), "multitask_strategy": "enqueue"}
STRUCTURES = {"supersteps": [{"updates": [{"values": {"any": 1}, "command": {"resume": 1}, "as_node": "text"}]}]}


def samples(annotation: typing.Any, name: str = "") -> list[typing.Any]:
    """Values that together show what a type allows: each member of a union, each literal."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return list(arguments)
    if origin in (typing.Union, types.UnionType):
        return [value for one in arguments for value in samples(one, name)]
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        return samples(arguments[0], name)
    if origin is tuple:
        return [tuple(samples(one)[0] for one in arguments if one is not Ellipsis)]
    if origin in (list, abc.Sequence, abc.Iterable, set):
        return [[value] for value in samples(arguments[0], name)]
    if origin in (dict, abc.Mapping):
        return [{"any": (samples(arguments[1]) or [1])[0]}]
    if typing.is_typeddict(annotation):
        return [{key: samples(hint, key)[0] for key, hint in typing.get_type_hints(annotation).items() if samples(hint)}]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [one.value for one in annotation]
    return plain_samples(annotation, name)


def plain_samples(annotation: typing.Any, name: str) -> list[typing.Any]:
    if annotation in (type(None), inspect.Parameter.empty) or origin_is_callable(annotation):
        return []
    plain = {str: [TEXTS.get(name, "text")], bool: [True, False], int: [1], float: [1.5], datetime: [datetime(2090, 1, 1)]}
    if annotation in plain:
        return plain[annotation]
    if annotation is tzinfo:
        return []
    return [{"any": 1}]


def origin_is_callable(annotation: typing.Any) -> bool:
    return typing.get_origin(annotation) is abc.Callable


class Names(dict[str, typing.Any]):
    """Names of types as the SDK's module sees them; those that only type checkers import are Any."""

    def __init__(self, method: typing.Callable[..., typing.Any]) -> None:
        super().__init__(vars(typing) | vars(builtins) | vars(sdk) | vars(sys.modules[method.__module__]))

    def __missing__(self, name: str) -> typing.Any:
        return typing.Any


def calls(by: str, method: typing.Callable[..., typing.Any]) -> typing.Iterator[dict[str, typing.Any]]:
    """The first value of each parameter; and a call for each other value of one of them."""
    hints = typing.get_type_hints(method, localns=Names(method))
    values = {
        name: [STRUCTURES[name]] if name in STRUCTURES else samples(hints[name], name)
        for name in inspect.signature(method).parameters
        if name not in OF_THE_CLIENT and f"{by} {name}" not in OF_THE_CLIENT
    }
    first = {name: some[0] for name, some in values.items() if some}
    yield first
    for name, (_, *others) in ((name, some) for name, some in values.items() if some):
        for other in others:
            yield first | {name: other}
        # Without it, another path may be taken: a run without a thread.
        if inspect.signature(method).parameters[name].default is None or type(None) in typing.get_args(hints.get(name)):
            yield first | {name: None}


def main() -> None:
    recorded: list[dict[str, typing.Any]] = []
    by = ""

    def answer(request: httpx.Request) -> httpx.Response:
        recorded.append({
            "by": by,
            "method": request.method,
            "path": request.url.path,
            "query": sorted(set(request.url.params.keys())),
            "headers": sorted(request.headers.keys()),
            **({"body": json.loads(request.content)} if request.content else {}),
        })
        if "event-stream" in request.headers.get("accept", ""):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, request=request)
        return httpx.Response(200, json={}, request=request)

    client = get_sync_client(url="http://recorder", api_key="key")
    client.http.client._transport = httpx.MockTransport(answer)
    methods: list[str] = []
    for part in CLIENTS:
        for name, _ in inspect.getmembers(getattr(client, part), inspect.ismethod):
            by = f"{part}.{name}"
            if name.startswith("_") or by in NO_REQUEST:
                continue
            methods.append(by)
            method = getattr(getattr(client, part), name)
            for given in calls(by, method):
                finish(method, given)
    json.dump({"methods": methods, "requests": recorded}, sys.stdout)


def finish(method: typing.Callable[..., typing.Any], given: dict[str, typing.Any]) -> None:
    """An empty answer may not be what the SDK has asked for; and some values do not go together."""
    try:
        parameters = inspect.signature(method).parameters.values()
        positional = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
        named = {name: value for name, value in given.items() if name not in positional}
        result = method(*(given[name] for name in positional), **named)
        if isinstance(result, abc.Iterator):
            list(result)
    except Exception:  # noqa: BLE001
        pass


main()
