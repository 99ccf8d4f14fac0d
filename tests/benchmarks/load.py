"""A load of webhook requests from a process of its own: as many as asked for, then it ends."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass

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


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> str:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    return head[9:12].decode()


async def _customer(
    port: int, requests: "list[bytes]", times: list[float], statuses: dict[str, int], *, close: bool
) -> None:
    connection = None
    while requests:
        request = requests.pop()
        started = time.perf_counter()
        if connection is None:
            connection = await asyncio.open_connection("127.0.0.1", port)
        status = await _exchange(*connection, request)
        if close:
            connection[1].close()
            connection = None
        times.append(time.perf_counter() - started)
        statuses[status] = statuses.get(status, 0) + 1
    if connection is not None:
        connection[1].close()


async def run_load(port: int, requests: "list[bytes]", *, connections: int, close: bool) -> Load:
    """Send every request, over so many connections at a time."""
    times: list[float] = []
    statuses: dict[str, int] = {}
    count = len(requests)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(
                _customer(port, requests, times, statuses, close=close), name=f"load {number}"
            )
    took = time.perf_counter() - started
    times.sort()
    return Load(
        rate=count / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        statuses=statuses,
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
