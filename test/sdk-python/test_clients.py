"""The clients themselves: keys, headers, timeouts and closing."""

import socket

import httpx
import pytest

from support.clients import EVENT_LOOP, Connect
from support.refusals import refused
from support.server import API_KEY, Server
from support.version import SDK_VERSION


def test_a_key_says_who_is_calling(connect: Connect, guarded: Server) -> None:
    thread = connect(guarded.url, api_key=API_KEY).threads.create()
    assert thread["metadata"] == {"owner": "alice"}
    with refused(401, "unauthenticated"):
        connect(guarded.url).threads.create()


def test_a_key_is_found_in_the_environment(
    connect: Connect, guarded: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGGRAPH_API_KEY", f'"{API_KEY}"')
    assert connect(guarded.url).threads.count() >= 0


def test_headers_of_a_client_go_with_all_its_requests(connect: Connect) -> None:
    other = connect(headers={"x-tone": "kind"})
    assert other.runs.wait(None, "settings", input={})["configurable"]["x-tone"] == "kind"
    [response] = other.responses
    assert response.request.headers["user-agent"] == f"langgraph-sdk-py/{SDK_VERSION}"


def test_a_client_waits_only_as_long_as_it_is_told_to(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(httpx.ReadTimeout):
            other.threads.search()


def test_a_closed_client_sends_nothing_more(connect: Connect) -> None:
    other = connect()
    assert other.assistants.get("steps")
    other.close()
    with pytest.raises(RuntimeError, match="closed"):
        other.assistants.get("steps")


def test_a_client_closes_itself_at_the_end_of_its_block(connect: Connect) -> None:
    other = connect()

    async def use_later() -> None:
        async with other.sdk as sdk:
            await sdk.assistants.get("steps")

    if other.is_async:
        EVENT_LOOP.run(use_later())
    else:
        with other.sdk as sdk:
            sdk.assistants.get("steps")
    assert other.sdk.http.client.is_closed
