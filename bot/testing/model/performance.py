"""How an answer goes over the wire: its pace, its events, and where it breaks off."""

import asyncio
import json
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bot.testing.model.answer import Answer, Event
from bot.testing.model.behaviour import Behaviour, Pace
from bot.testing.model.failure import Failure

_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
    ],
}


@dataclass(frozen=True, slots=True)
class Wire:
    """The three that an ASGI application is called with."""

    scope: Scope
    receive: Receive
    send: Send

    async def respond(self, status: int, body: object, headers: dict[str, str]) -> None:
        """Send a JSON response."""
        response = JSONResponse(body, status, headers)
        await response(self.scope, self.receive, self.send)

    async def refuse(self, failure: Failure) -> None:
        """Send an error."""
        await self.respond(failure.status, failure.body, failure.headers)

    async def event(self, event: Event) -> None:
        """Send one event of a stream."""
        text = f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
        await self.send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def perform(
    wire: Wire, answer: Answer, behaviour: Behaviour, pace: Pace, *, streaming: bool
) -> None:
    """Send *answer* as *behaviour* wants it. May raise `Drop`."""
    await asyncio.sleep(pace.latency_s)
    if behaviour.after_tokens is None or not streaming:
        if behaviour.pause is not None:
            await behaviour.pause()
        if behaviour.failure is not None:
            await wire.refuse(behaviour.failure)
            return
    if streaming:
        await _stream(wire, answer, behaviour, pace)
    else:
        await wire.respond(200, answer.json, {})


async def _stream(wire: Wire, answer: Answer, behaviour: Behaviour, pace: Pace) -> None:
    await wire.send(_HEAD)
    for event in answer.start():
        await wire.event(event)
    if await _tokens(wire, answer, behaviour, pace):
        for event in answer.end():
            await wire.event(event)
    await wire.send({"type": "http.response.body", "body": b""})


async def _tokens(wire: Wire, answer: Answer, behaviour: Behaviour, pace: Pace) -> bool:
    """Send the content; False when it broke off with an error event."""
    sent = 0
    for event, is_token in answer.deltas():
        if is_token:
            if sent == behaviour.after_tokens and not await _goes_on(wire, behaviour):
                return False
            await asyncio.sleep(pace.token_s if sent else pace.first_token_s)
            sent += 1
        await wire.event(event)
    late = behaviour.after_tokens is not None and behaviour.after_tokens >= sent
    return await _goes_on(wire, behaviour) if late else True


async def _goes_on(wire: Wire, behaviour: Behaviour) -> bool:
    """Do what is to be done in the middle; False when that was an error event."""
    if behaviour.pause is not None:
        await behaviour.pause()
    if behaviour.failure is not None:
        await wire.event(behaviour.failure.body)
    return behaviour.failure is None
