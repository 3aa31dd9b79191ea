"""What the SDK raises for a refused request."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest


@contextmanager
def refused(status: int, code: str) -> Iterator[pytest.ExceptionInfo[httpx.HTTPStatusError]]:
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        yield refusal
    assert (refusal.value.response.status_code, refusal.value.response.json()["code"]) == (status, code)
