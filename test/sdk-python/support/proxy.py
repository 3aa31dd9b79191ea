"""A TCP proxy in front of a server, which breaks connections when it is told to."""

import asyncio
from urllib.parse import urlsplit

from support.clients import EVENT_LOOP

LAST_CHUNK = b"0\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Proxy:
    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._clients: set[asyncio.StreamWriter] = set()
        self._refuses = False
        #: What went over the wire.
        self.sent = bytearray()
        self.answered = bytearray()
        self._server: asyncio.Server = EVENT_LOOP.run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self, *, for_good: bool = False) -> None:
        """Breaks all connections; `for_good`: clients that reconnect are refused."""
        EVENT_LOOP.run(self._cut(for_good))

    def end(self) -> None:
        """Ends all answers as if they were complete."""
        EVENT_LOOP.run(self._end())

    def close(self) -> None:
        self.cut()
        self._server.close()

    async def _cut(self, for_good: bool) -> None:
        self._refuses = for_good
        for client in self._clients:
            client.transport.abort()

    async def _end(self) -> None:
        for client in self._clients:
            client.write(LAST_CHUNK)
            client.close()

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._refuses:
            client.write(NOT_FOUND)
            client.close()
            return
        try:
            answers, server = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            client.close()
            return
        self._clients.add(client)
        await asyncio.gather(_copy(reader, server, self.sent), _copy(answers, client, self.answered))
        self._clients.remove(client)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    """Until one side goes away; then the other one does, too."""
    try:
        while chunk := await reader.read(65_536):
            kept.extend(chunk)
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
