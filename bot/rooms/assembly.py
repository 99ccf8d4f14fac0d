"""Puts together what lies between an accepted message and its answer in the room."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from bot.agent.agent import Agent
from bot.config.roster import Roster
from bot.journal.journal import Journal
from bot.rooms.admission import Admission
from bot.rooms.answering import Answering
from bot.rooms.catch_up import CatchUp, Historian
from bot.rooms.context import Contexts, Listener
from bot.rooms.foresight import Foresight
from bot.rooms.lanes import Lanes, open_lanes
from bot.rooms.loop_guard import LoopGuard
from bot.rooms.obeying import Obeying
from bot.rooms.posting import Posting
from bot.rooms.progress import Progress, open_progress
from bot.rooms.quarantine import Quarantine
from bot.rooms.report import TurnReport
from bot.rooms.showing import Pace, Stage
from bot.rooms.silence import Silence
from bot.rooms.turn import Turns
from bot.sessions.sessions import Sessions


class Platform(Stage, Listener, Historian, Protocol):
    """A chat platform, with all that rooms need of it."""


class Counters(Protocol):
    """What is counted of turns."""

    def turn(self, report: TurnReport) -> None:
        """Count a turn that ended."""
        ...

    def held(self, what: str) -> None:
        """Count a message that only kept a loop going."""
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """What answers, as far as the rest has to do with it."""

    lanes: Lanes
    posting: Posting
    inbox: Foresight
    catch_up: CatchUp
    progress: Progress


@asynccontextmanager
async def open_rooms(
    journal: Journal,
    sessions: Sessions,
    agent: Agent,
    roster: Roster,
    chats: Mapping[str, Platform],
    counters: Counters,
    *,
    pace: Pace,
    catch_up_s: float,
) -> AsyncIterator[Rooms]:
    """Open the rooms. What runs in the end is cancelled, and stays open in the journal."""
    silence = Silence()
    answering = Answering(
        journal, sessions, agent, Contexts(journal.hearing, chats, journal.orders, silence)
    )
    posting = Posting(journal, on_post=silence.posted)
    await answering.renewals.resume()
    obeying = Obeying(journal, roster.get, posting.endings, answering.renewals, sessions.drop)
    admission = Admission(obeying, journal.reception, roster.get)
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        progress = await opened(open_progress(journal, roster, chats, pace=pace))
        guard = LoopGuard(journal, chats, on_hold=counters.held)
        turns = Turns(
            journal, answering, posting, Quarantine(), guard, roster, chats, progress=progress
        )
        ended = _each(sessions.lane_ended, admission.lane_ended)
        lanes = await opened(open_lanes(journal, turns, on_turn=counters.turn, on_end=ended))
        journal.reception.on_coming(lanes.expect)
        catch_up = CatchUp(
            journal, admission, roster, chats, enqueue=lanes.enqueue, within_s=catch_up_s
        )
        posting.on_outage = catch_up.look_again
        inbox = Foresight(
            admission,
            sessions,
            roster.get,
            on_message=silence.said,
            on_lost=catch_up.look_again,
            stopping=lambda: lanes.draining,
        )
        yield Rooms(lanes, posting, inbox, catch_up, progress)


def _each(*listeners: Callable[[str], None]) -> Callable[[str], None]:
    """Return what tells all of them."""

    def tell(lane: str) -> None:
        for listener in listeners:
            listener(lane)

    return tell
