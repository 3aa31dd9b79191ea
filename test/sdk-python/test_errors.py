"""What the SDK raises when the server refuses: typed errors, or httpx's own in 0.2.9."""

from collections.abc import Callable
from typing import Any

import httpx
import langgraph_sdk
import pytest

from support.clients import Client, Connect
from support.runs import Gate, new_thread, start_waiting
from support.server import MAX_QUEUED_RUNS, Server
from support.version import newer, oldest

MISSING = "00000000-0000-4000-8000-000000000000"


def not_found(client: Client) -> None:
    client.threads.get(MISSING)


def stream_not_found(client: Client) -> None:
    list(client.runs.join_stream(new_thread(client), MISSING))


def conflict(client: Client) -> None:
    client.threads.create(thread_id=new_thread(client))


def unprocessable(client: Client) -> None:
    client.threads.search(limit=0)


def bad_request(client: Client) -> None:
    client.threads.update_state(new_thread(client), {"a": 1})


def server_error(client: Client) -> None:
    client.store.put_item(["errors"], "k", {"text": "something unspeakable"})


CASES = [
    (bad_request, 400, "BadRequestError", "thread_without_graph"),
    (not_found, 404, "NotFoundError", "thread_not_found"),
    (stream_not_found, 404, "NotFoundError", "run_not_found"),
    (conflict, 409, "ConflictError", "thread_exists"),
    (unprocessable, 422, "UnprocessableEntityError", "validation_failed"),
    (server_error, 502, "InternalServerError", "embedding_failed"),
]


def check_typed(error: Any, status: int, kind: str, code: str) -> None:
    assert type(error).__name__ == kind
    assert isinstance(error, getattr(langgraph_sdk.errors, kind))
    assert (error.status_code, error.code) == (status, code)
    assert error.message == error.body["detail"] != ""
    assert error.request_id == error.response.headers["x-request-id"] != ""


@newer
@pytest.mark.parametrize(("refused", "status", "kind", "code"), CASES)
def test_a_refusal_has_a_type_a_code_and_a_sentence(
    client: Client, refused: Callable[[Client], None], status: int, kind: str, code: str
) -> None:
    with pytest.raises(langgraph_sdk.errors.APIStatusError) as raised:
        refused(client)
    check_typed(raised.value, status, kind, code)


@oldest
@pytest.mark.parametrize(("refused", "status", "_", "code"), CASES)
def test_a_refusal_is_an_error_of_httpx_with_the_answer_as_its_note(
    client: Client, refused: Callable[[Client], None], status: int, _: str, code: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as raised:
        refused(client)
    assert type(raised.value) is httpx.HTTPStatusError
    assert raised.value.response.status_code == status
    assert f'"code":"{code}"' in raised.value.__notes__[0]


@newer
def test_too_many_queued_runs_are_a_rate_limit_error(client: Client, thread_id: str, gate: Gate) -> None:
    start_waiting(client, thread_id, gate)
    with pytest.raises(langgraph_sdk.errors.RateLimitError) as raised:
        for _ in range(MAX_QUEUED_RUNS + 1):
            client.runs.create(thread_id, "steps", input={})
    check_typed(raised.value, 429, "RateLimitError", "too_many_queued_runs")
    assert len(client.runs.list(thread_id, status="pending")) == MAX_QUEUED_RUNS


@newer
def test_a_wrong_key_is_an_authentication_error(connect: Connect, guarded: Server) -> None:
    with pytest.raises(langgraph_sdk.errors.AuthenticationError) as raised:
        connect(guarded.url, api_key="wrong").threads.search()
    check_typed(raised.value, 401, "AuthenticationError", "unauthenticated")
