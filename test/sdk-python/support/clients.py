"""Both clients of the SDK behind one face: what has to be awaited is awaited, every stream is an iterator."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Literal

import httpx
from langgraph_sdk import get_client, get_sync_client

Flavour = Literal["async", "sync"]

#: Longer than the heartbeat interval of the server, shorter than the timeout of pytest.
TIMEOUT_SECS = 30

_END = object()


class EventLoop:
    """The thread in which asynchronous clients live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result()

    def drain(self, stream: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while (item := self.run(anext(stream, _END))) is not _END:
                yield item
        finally:
            self.run(stream.aclose())


EVENT_LOOP = EventLoop()


def awaited(method: Any) -> Any:
    """The method of an asynchronous client as a plain function."""

    async def start(args: Any, kwargs: Any) -> Any:
        answer = method(*args, **kwargs)
        return await answer if inspect.isawaitable(answer) else answer

    def call(*args: Any, **kwargs: Any) -> Any:
        answer = EVENT_LOOP.run(start(args, kwargs))
        return EVENT_LOOP.drain(answer) if hasattr(answer, "__anext__") else answer

    return call


class Awaited:
    """Something whose methods are asynchronous, as if they were not."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return awaited(getattr(self._inner, name))


class Client:
    """A client of either kind, with all responses it got, newest last: `client.threads.get(...)`."""

    def __init__(self, flavour: Flavour, url: str, **options: Any) -> None:
        make = get_client if flavour == "async" else get_sync_client
        self.flavour = flavour
        self.sdk: Any = make(url=url, **{"timeout": TIMEOUT_SECS, **options})
        self.responses: list[httpx.Response] = []
        self.sdk.http.client.event_hooks = {"response": [self._record_later if self.is_async else self._record]}

    @property
    def is_async(self) -> bool:
        return self.flavour == "async"

    def __getattr__(self, name: str) -> Any:
        part = getattr(self.sdk, name)
        return Awaited(part) if self.is_async else part

    def close(self) -> None:
        if self.is_async:
            EVENT_LOOP.run(self.sdk.aclose())
        else:
            self.sdk.close()

    def _record(self, response: httpx.Response) -> None:
        self.responses.append(response)

    async def _record_later(self, response: httpx.Response) -> None:
        self._record(response)


#: Makes another client of the same kind.
Connect = Callable[..., Client]
