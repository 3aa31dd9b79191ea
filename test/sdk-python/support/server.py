"""A real server, as `npm run build` leaves it, with a database of its own."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
MAIN = FOLDER.parents[1] / "dist/src/main.js"

STOP_SECS = 60

#: What tests want to be refused for.
MAX_QUEUED_RUNS = 5
API_KEY = "a-long-key-of-alice"

#: What would change the server from outside.
_FOREIGN = re.compile("^(DATABASE_|REDIS_|NESTGRAPH_|LANGGRAPH_|LANGSMITH_|LANGCHAIN_|NODE_OPTIONS|NODE_ENV|HOST$|PORT$)")


class Server:
    def __init__(self, **env: str) -> None:
        self._data = tempfile.mkdtemp(prefix="nestgraph-python-")
        # PostgreSQL does not run as root: its own account must be able to enter.
        os.chmod(self._data, 0o755)
        node = os.environ.get("NODE", "node")
        command = [node, str(MAIN), "dev", "--config", str(FOLDER / "langgraph.json"), "--port", "0", "--no-reload"]
        self._process = subprocess.Popen(
            command,
            env={**_own_environment(), "NESTGRAPH_DATA_DIR": self._data, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._output: list[str] = []
        self._printed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.url = self._wait_for_url()
        except BaseException:
            self.stop()
            raise

    @property
    def output(self) -> str:
        return "".join(self._output)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECS)
        finally:
            self._process.kill()
            shutil.rmtree(self._data, ignore_errors=True)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._printed:
                self._output.append(line)
                self._printed.notify_all()
        with self._printed:
            self._output.append("")
            self._printed.notify_all()

    def _wait_for_url(self) -> str:
        with self._printed:
            self._printed.wait_for(lambda: self._url() or "" in self._output)
        if url := self._url():
            return url
        raise RuntimeError(f"The server did not start:\n{self.output}")

    def _url(self) -> str | None:
        found = re.search(r"^  API +(\S+)$", self.output, re.MULTILINE)
        return found and found[1]


def _own_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
