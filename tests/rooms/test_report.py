"""What is known of a turn that has ended."""

from dataclasses import replace
from datetime import timedelta

from bot.agent.reply import Reply
from bot.journal import Journal
from bot.records import Attempt, AttemptState, Outcome
from bot.rooms.answering import Answer
from bot.rooms.report import Stopwatch
from bot.sessions.statistics import Warmth
from tests.rooms.people import NOON, accepted, said


async def test_a_turn_is_summed_up(journal: Journal) -> None:
    """Waiting, thinking and posting are told apart, in seconds."""
    entry = replace(await accepted(journal, said()), accepted_at=NOON)
    attempt = Attempt(
        seq=1,
        entry=entry.seq,
        number=1,
        prompt_uuid="a-prompt",
        session_id="a-session",
        state=AttemptState.RUNNING,
        started_at=NOON,
    )
    reply = Reply(text="hello", first_token_s=0.25, duration_s=1.5)
    answer = Answer(markdown="hello", attempt=attempt, path=Warmth.HOT, reply=reply)
    started = NOON + timedelta(seconds=2)
    watch = Stopwatch(started=started.timestamp(), frozen=started.timestamp() + 1.9)
    report = watch.report(
        entry, Outcome.ANSWERED, answer, parts=3, now=started.timestamp() + 2.15004
    )
    assert report.fields() == {
        "bot": "ada",
        "room": "42",
        "message": "1",
        "outcome": Outcome.ANSWERED,
        "path": Warmth.HOT,
        "wait_s": 2.0,
        "open_s": 0.4,
        "first_token_s": 0.25,
        "agent_s": 1.5,
        "post_s": 0.25,
        "total_s": 4.15,
        "parts": 3,
    }


async def test_a_turn_without_the_agent_shows_no_figures_of_it(journal: Journal) -> None:
    """What there is not is left out, instead of shown as nothing."""
    entry = replace(await accepted(journal, said()), accepted_at=NOON)
    watch = Stopwatch(started=NOON.timestamp())
    report = watch.report(entry, Outcome.DEAD, None, parts=0, now=NOON.timestamp() + 1)
    assert report.fields() == {
        "bot": "ada",
        "room": "42",
        "message": "1",
        "outcome": Outcome.DEAD,
        "wait_s": 0.0,
        "post_s": 1.0,
        "total_s": 1.0,
        "parts": 0,
    }
