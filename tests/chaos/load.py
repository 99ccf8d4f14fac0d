"""Says what the plan says, delivers it, and reads the equation all the while."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx

from bot.testing.campfire import Message
from tests.chaos.judge import OUTCOMES
from tests.chaos.plan import Plan, Question
from tests.chaos.records import Asked, Poll, Sent
from tests.chaos.stage import ADMIN_TOKEN, Stage

_POLL_S = 0.25
_PAGE_TIMEOUT_S = 10.0
_START_S = 60.0


class Load:
    """What is asked, and how the webhook took it."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan
        self._said: list[tuple[Question, Message, float]] = []
        self._sent: dict[int, list[Sent]] = {}

    async def run(self) -> None:
        """Say and deliver everything; return when the last request has ended."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for question in self._plan.questions:
                await asyncio.sleep(max(0.0, started + question.at_s - time.monotonic()))
                message = await self._stage.ask(question)
                self._said.append((question, message, time.time()))
                self._sent[question.number] = []
                for delay in question.deliveries:
                    group.create_task(
                        self._deliver(question, message, delay), name=f"deliver {question.number}"
                    )

    def asked(self) -> tuple[Asked, ...]:
        """Return what was asked so far."""
        return tuple(
            Asked(
                question=question,
                message_id=message.id,
                room=message.room_id,
                said_at=said_at,
                deliveries=tuple(self._sent[question.number]),
            )
            for question, message, said_at in self._said
        )

    async def _deliver(self, question: Question, message: Message, delay: float) -> None:
        await asyncio.sleep(delay)
        began = time.time()
        delivery = await self._stage.campfire.redeliver(message, self._stage.bots[question.bot])
        status = None if delivery is None else delivery.status
        self._sent[question.number].append(Sent(began=began, ended=time.time(), status=status))


class Equation:
    """Reads ``/queue/stats``, over a connection of its own each time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.polls: list[Poll] = []

    async def watch(self) -> None:
        """Read it again and again, for ever; what meets a closed port is left out."""
        while True:
            await self.read()
            await asyncio.sleep(_POLL_S)

    async def read(self) -> Poll | None:
        """Read it once; None when nobody answers."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        try:
            async with httpx.AsyncClient(timeout=_PAGE_TIMEOUT_S, trust_env=False) as client:
                response = await client.get(f"{self._url}/queue/stats?limit=1", headers=headers)
                page: dict[str, Any] = response.raise_for_status().json()
        except (httpx.HTTPError, AttributeError):
            # The latter is anyio's, for a server that ends in the moment of connecting.
            return None
        counts = {name: page["messages"][name] for name in ("accepted", *OUTCOMES)}
        poll = Poll(at=time.time(), counts=counts)
        self.polls.append(poll)
        return poll

    async def started(self) -> None:
        """Wait until the server answers at all."""
        async with asyncio.timeout(_START_S):
            await self.until(lambda _: True)

    async def until(self, holds: Callable[[Poll], bool]) -> None:
        """Read it until *holds*; for ever, if need be."""
        poll = await self.read()
        while poll is None or not holds(poll):
            await asyncio.sleep(_POLL_S)
            poll = await self.read()
