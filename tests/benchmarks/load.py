"""A load of webhook requests from a process of its own: as many as asked for, then it ends."""

import json
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass

#: How long an answer may take until the load looks again.
_PATIENCE_S = 60.0


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


class _Customers:
    """So many connections at a time, on one epoll.

    As cheap as can be: it is the server that is measured, and both share the machine.
    """

    def __init__(self, port: int, requests: "list[bytes]", *, close: bool) -> None:
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self._address = ("127.0.0.1", port)
        self._requests = requests
        self._close = close
        self._epoll = select.epoll()
        #: By descriptor: the connection, and since when its answer is waited for.
        self._open: dict[int, tuple[socket.socket, float]] = {}

    def run(self, connections: int) -> None:
        """Send every request."""
        with self._epoll:
            for _ in range(connections):
                self._connect()
            while self._open:
                for descriptor, _ in self._epoll.poll(_PATIENCE_S):
                    self._answered(descriptor)

    def _connect(self) -> None:
        """Begin with the next request, on a connection of its own."""
        if not self._requests:
            return
        began = time.perf_counter()
        connection = socket.socket()
        connection.connect(self._address)  # the backlog takes it at once
        connection.send(self._requests.pop())
        self._open[connection.fileno()] = (connection, began)
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _answered(self, descriptor: int) -> None:
        """Note an answer, and go on; the head of an answer without a body comes in one piece."""
        connection, began = self._open[descriptor]
        try:
            head = connection.recv(65536)
        except ConnectionError:
            head = b""
        now = time.perf_counter()
        complete = head.endswith(b"\r\n\r\n")
        self.statuses[head[9:12].decode() if complete else "cut short"] += 1
        self.times.append(now - began)
        if complete and self._requests and not self._close:
            self._open[descriptor] = (connection, now)
            connection.send(self._requests.pop())
            return
        del self._open[descriptor]
        connection.close()  # which unregisters it
        self._connect()


def run_load(port: int, requests: "list[bytes]", *, connections: int, close: bool) -> Load:
    """Send every request, over so many connections at a time."""
    customers, count = _Customers(port, requests, close=close), len(requests)
    started = time.perf_counter()
    customers.run(connections)
    took = time.perf_counter() - started
    times = sorted(customers.times)
    return Load(
        rate=count / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        statuses=dict(customers.statuses),
    )


def _main() -> None:
    order = json.loads(sys.stdin.readline())
    requests = [
        request_bytes(
            order["path"],
            body_of(order["first"] + number, room=order["room"], key=order["key"]),
            close=order["close"],
        )
        for number in reversed(range(order["count"]))
    ]
    load = run_load(order["port"], requests, connections=order["connections"], close=order["close"])
    seen = {"rate": load.rate, "p50_ms": load.p50_ms, "p99_ms": load.p99_ms}
    sys.stdout.write(json.dumps({**seen, "statuses": load.statuses}) + "\n")


if __name__ == "__main__":
    _main()
