"""The SDK that is installed in this environment."""

from importlib.metadata import version

import pytest

SDK_VERSION = version("langgraph-sdk")

#: The seed of the contract; every other environment has the newest one.
IS_OLDEST = SDK_VERSION == "0.2.9"

CLIENT_NAME = "Python 0.2.9" if IS_OLDEST else "Python newest"

#: For a method or a parameter that 0.2.9 does not have.
newer = pytest.mark.newer

#: For what newer versions do otherwise.
oldest = pytest.mark.oldest
