"""Every method and every parameter of the installed SDK is used by a test. Looks at what the others have called."""

from collections import defaultdict

import pytest

from support.calls import CALLS, METHODS, Method
from support.version import CLIENT_NAME, SDK_VERSION

#: What no test can show, and why.
LEFT_OUT = {
    "threads.stream": "The streaming protocol v2 has tests of its own as soon as the server speaks it.",
}

#: What RemoteGraph passes on was not chosen by a test, and nothing looks at what it does.
NOT_COUNTED = "test_remote_graph.py"


def given_parameters() -> dict[Method, set[str]]:
    """Those that were given something else than their default."""
    given: dict[Method, set[str]] = defaultdict(set)
    for test, calls in CALLS.items():
        if not test.startswith(NOT_COUNTED):
            for call in calls:
                given[call.method] |= call.parameters
    return given


@pytest.mark.parametrize("method", sorted(METHODS, key=str), ids=str)
def test_a_method_is_used_with_all_its_parameters(method: Method) -> None:
    if method.name in LEFT_OUT:
        return
    given = given_parameters()
    assert method in given, (
        f"{method} of langgraph-sdk {SDK_VERSION} is called by no test: "
        f"add one to test/sdk-python, and a line to test_every_method.py."
    )
    missing = [name for name in METHODS[method] if name not in given[method]]
    assert not missing, (
        f"{method} of langgraph-sdk {SDK_VERSION} takes {', '.join(missing)}, which no test gives it: add a test that "
        f"shows what the server does with it, and see whether the server reads it at all."
    )


def test_the_42_methods_of_the_seed_are_there() -> None:
    names = {method.name for method in METHODS} - {"client.aclose"}
    assert len(names) == 42 if CLIENT_NAME == "Python 0.2.9" else len(names) > 42


def test_what_is_left_out_is_there() -> None:
    if CLIENT_NAME == "Python newest":
        assert set(LEFT_OUT) <= {method.name for method in METHODS}
