"""A load of webhook requests from a process of its own: as many as asked for, then it ends."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvloop


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What one run of the load saw."""

    #: Requests answered per second.
    rate: float
    #: Milliseconds from the first byte sent to the last byte of the answer.
    p50_ms: float
    p99_ms: float
    #: Answers by status.
    statuses: dict[str, int]


def request_bytes(path: str, body: bytes, *, close: bool) -> bytes:
    """Return a request as Campfire sends it, or with the connection kept."""
    connection = "close" if close else "keep-alive"
    head = (
        f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nAccept: */*\r\n"
        f"User-Agent: Ruby\r\nHost: 127.0.0.1\r\nConnection: {connection}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def body_of(number: int, *, room: int, key: str) -> bytes:
    """Return a delivery of about 600 bytes with the message id *number*."""
    text = "what is 2 \\u003c 3 \\u0026 why? " * 8
    message = {
        "user": {"id": 42, "name": "Kim"},
        "room": {"id": room, "name": "Watercooler", "path": f"/rooms/{room}/{key}/messages"},
        "message": {
            "id": number,
            "body": {"html": f"<div>{text}</div>", "plain": text},
            "path": f"/rooms/{room}/@{number}",
        },
    }
    return json.dumps(message, separators=(",", ":")).encode()


class _Connection(asyncio.Protocol):
    """One connection of a customer. As cheap as can be: it is the server that is measured."""

    def __init__(self, work: "_Work", first: bytes, began: float) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self._work = work
        self._first = first
        self._began = began
        self._head = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send a first request."""
        self._transport = transport
        self._transport.write(self._first)

    def data_received(self, data: bytes) -> None:
        """Note an answer, and send the next request or hang up."""
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        self._work.note(self._head[9:12].decode(), time.perf_counter() - self._began)
        self._head, self._began = b"", time.perf_counter()
        if self._work.close or not self._work.requests:
            self._transport.close()
        else:
            self._transport.write(self._work.requests.pop())

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the customer go on."""
        del exc
        self.ended.set_result(None)


class _Work:
    """The requests that are left, and what became of the others."""

    def __init__(self, requests: "list[bytes]", *, close: bool) -> None:
        self.requests = requests
        self.close = close
        self.times: list[float] = []
        self.statuses: dict[str, int] = {}

    def note(self, status: str, took_s: float) -> None:
        """Count an answer."""
        self.times.append(took_s)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    async def customer(self, port: int) -> None:
        """Connect, and connect again, until no request is left."""
        loop = asyncio.get_running_loop()
        while self.requests:
            began = time.perf_counter()
            _, connection = await loop.create_connection(
                partial(_Connection, self, self.requests.pop(), began), "127.0.0.1", port
            )
            await connection.ended


async def run_load(port: int, requests: "list[bytes]", *, connections: int, close: bool) -> Load:
    """Send every request, over so many connections at a time."""
    work, count = _Work(requests, close=close), len(requests)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(work.customer(port), name=f"load {number}")
    took = time.perf_counter() - started
    times = sorted(work.times)
    return Load(
        rate=count / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        statuses=work.statuses,
    )


async def _main() -> None:
    order = json.loads(sys.stdin.readline())
    requests = [
        request_bytes(
            order["path"],
            body_of(order["first"] + number, room=order["room"], key=order["key"]),
            close=order["close"],
        )
        for number in reversed(range(order["count"]))
    ]
    load = await run_load(
        order["port"], requests, connections=order["connections"], close=order["close"]
    )
    seen = {"rate": load.rate, "p50_ms": load.p50_ms, "p99_ms": load.p99_ms}
    sys.stdout.write(json.dumps({**seen, "statuses": load.statuses}) + "\n")


if __name__ == "__main__":
    uvloop.run(_main())
