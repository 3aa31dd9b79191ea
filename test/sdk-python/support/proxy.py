"""A TCP proxy in front of a server, which breaks connections when it is told to."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from support.clients import EVENT_LOOP

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Proxy:
    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuses = False
        #: Whole requests and answers, as long as they are small: what went over the wire.
        self.sent = bytearray()
        self.answered = bytearray()
        self._server: asyncio.Server = EVENT_LOOP.run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self, *, for_good: bool = False) -> None:
        """Breaks all connections; `for_good`: whoever comes back is told that there is nothing."""
        EVENT_LOOP.run(self._cut(for_good))

    def close(self) -> None:
        self.cut()
        self._server.close()

    async def _cut(self, for_good: bool) -> None:
        self._refuses = for_good
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.write(NOT_FOUND)
            await writer.drain()
            writer.close()
            return
        upstream = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._writers |= {writer, upstream[1]}
        await asyncio.gather(
            _copy(reader, upstream[1], self.sent),
            _copy(upstream[0], writer, self.answered),
        )
        self._writers -= {writer, upstream[1]}


async def _copy(reader: asyncio.StreamReader, writer: Any, kept: bytearray) -> None:
    try:
        while chunk := await reader.read(65_536):
            kept.extend(chunk)
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
