"""What the server logs and counts, as its operator sees it."""

import asyncio
import io
import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.world import PATIENCE_S, Running

Line = dict[str, Any]


class Log(io.StringIO):
    """The log of a server in this process, from its start on: JSON lines."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        """Take a line, from whatever thread."""
        self._loop.call_soon_threadsafe(self._written.set)
        return super().write(text)

    @property
    def lines(self) -> list[Line]:
        """What was logged so far."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def warnings(self) -> list[Line]:
        """What an operator should look at."""
        return [line for line in self.lines if line["level"] in {"warning", "error", "critical"}]

    def find(self, event: str, **fields: object) -> list[Line]:
        """Return the lines of *event* with these *fields*."""
        return [
            line
            for line in self.lines
            if line["event"] == event and all(line.get(k) == v for k, v in fields.items())
        ]

    async def until(self, event: str, **fields: object) -> Line:
        """Wait for the first such line."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._written.clear()
                if found := self.find(event, **fields):
                    return found[0]
                await self._written.wait()


async def scrape(server: Running) -> dict[str, float]:
    """Return what Prometheus reads: ``hearth_refused_total{reason="Malformed"}`` and its value."""
    text = (await server.request("GET", "/metrics")).text
    samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
    return {_name(sample.name, sample.labels): sample.value for sample in samples}


def _name(name: str, labels: dict[str, str]) -> str:
    shown = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{shown}}}" if shown else name
