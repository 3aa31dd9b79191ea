"""What becomes of each test, for the matrix of clients and methods."""

import json
import os
from pathlib import Path

import pytest

from support.calls import CALLS
from support.version import CLIENT_NAME, SDK_VERSION


class Results:
    """A plugin of pytest that writes a file into the folder that NESTGRAPH_RESULTS names."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder, f"{CLIENT_NAME.lower().replace(' ', '-')}.json")
        self._passed: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self._passed[report.nodeid] = self._passed.get(report.nodeid, True) and report.passed

    def pytest_sessionfinish(self) -> None:
        results = [self._result(test, passed) for test, passed in self._passed.items()]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(results, indent=2) + os.linesep, encoding="utf-8")

    def _result(self, test: str, passed: bool) -> dict[str, object]:
        methods = sorted({call.method.name for call in CALLS[test]})
        return {"client": CLIENT_NAME, "version": SDK_VERSION, "test": test, "passed": passed, "methods": methods}
