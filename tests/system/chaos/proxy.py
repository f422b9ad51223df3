"""A TCP proxy in front of Redis that can cut, refuse, stall and delay; a process of its own, ending with its stdin.

It is told what to do in lines, and repeats each once it is so: `flow`, `cut`, `refuse`, `stall`, `delay SECONDS`.
`late WORD SECONDS` holds up the next request in which WORD stands, and no other; `unanswered WORD` lets it pass and
ends its connection instead of passing on the answer. `sprung` is answered with the number of both that happened.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK = 65_536  # bytes
ENDS_WITHIN = 5.0  # seconds


class Proxy:
    """The tests' end of the proxy's process; a context manager. Vigil reaches the server at `port`."""

    def __init__(self, server_port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(server_port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._orders, self._answers = self._process.stdin, self._process.stdout
        self.port = int(self._answers.readline())

    def tell(self, order: str) -> str:
        """Returns when it is as ordered: what is said beyond the order."""
        self._orders.write(f"{order}\n")
        self._orders.flush()
        answer = self._answers.readline().rstrip("\n")
        assert answer.startswith(order), f"the proxy was told {order!r} and said {answer!r}"
        return answer.removeprefix(order)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._orders.close()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


@dataclass(slots=True)
class Trap:
    """What is to happen to the next request in which `word` stands: it is late, or (None) its answer is lost."""

    word: bytes
    late_s: float | None


@dataclass(slots=True, eq=False)
class Link:
    """One client's connection and the one to the server that stands behind it."""

    to_client: StreamWriter
    to_server: StreamWriter
    answer_is_lost: bool = False

    def abort(self) -> None:
        """Ends both at once."""
        self.to_client.transport.abort()
        self.to_server.transport.abort()


class Relay:
    """What runs in the proxy's process."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay_s = 0.0
        self._links: set[Link] = set()
        self._traps: list[Trap] = []
        self._sprung = 0
        self._listening: asyncio.Server | None = None
        self.port = 0

    async def listen(self) -> None:
        """Takes connections at `port`, from the second time on at that of the first."""
        if self._listening is None:
            self._listening = await asyncio.start_server(self._relay, LOOPBACK, self.port)
            self.port = self._listening.sockets[0].getsockname()[1]

    async def obey(self, order: str) -> str:
        """Carries out one line; what there is to say to it."""
        verb, *words = order.split()
        if verb == "flow":
            self._delay_s = 0.0
            self._flowing.set()
            await self.listen()
        elif verb == "refuse" and self._listening:
            self._listening.close()
            self._listening = None
        elif verb == "stall":
            self._flowing.clear()
        elif verb == "delay":
            self._delay_s = float(words[0])
        elif verb in ("late", "unanswered"):
            self._traps.append(Trap(words[0].encode(), float(words[1]) if verb == "late" else None))
        if verb in ("cut", "refuse"):
            for link in self._links:
                link.abort()
        return f" {self._sprung}" if verb == "sprung" else ""

    async def _relay(self, from_client: StreamReader, to_client: StreamWriter) -> None:
        try:
            await self._flowing.wait()
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._server_port)
        except OSError:  # the server is away: whoever asked is told so by a reset
            to_client.transport.abort()
            return
        link = Link(to_client, to_server)
        self._links.add(link)
        requests = asyncio.create_task(self._pass_requests(from_client, link))
        answers = asyncio.create_task(self._pass_answers(from_server, link))
        await asyncio.wait([requests, answers], return_when=asyncio.FIRST_COMPLETED)
        answers.cancel()
        requests.cancel()
        await asyncio.gather(requests, answers, return_exceptions=True)
        self._links.discard(link)
        to_client.close()
        to_server.close()

    async def _pass_requests(self, reader: StreamReader, link: Link) -> None:
        """What was held up is passed on later, as a network does: also what nobody waits for any more."""
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            trap = next((trap for trap in self._traps if trap.word in chunk), None)
            if trap is not None:
                self._traps.remove(trap)
                self._sprung += 1
                link.answer_is_lost = trap.late_s is None
            if held_s := self._delay_s if trap is None or trap.late_s is None else trap.late_s:
                await asyncio.sleep(held_s)
            link.to_server.write(chunk)
            await link.to_server.drain()

    async def _pass_answers(self, reader: StreamReader, link: Link) -> None:
        while chunk := await reader.read(CHUNK):
            if link.answer_is_lost:
                link.abort()
                return
            await self._flowing.wait()
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            link.to_client.write(chunk)
            await link.to_client.drain()


async def main(server_port: int) -> None:
    """Says the port, then obeys until stdin ends."""
    relay, loop = Relay(server_port), asyncio.get_running_loop()
    await relay.listen()
    sys.stdout.write(f"{relay.port}\n")
    sys.stdout.flush()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = line.rstrip("\n")
        sys.stdout.write(f"{order}{await relay.obey(order)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
