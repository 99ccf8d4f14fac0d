"""The loop guard in a turn, over a real journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.bot import LoopRules
from bot.errors import ChatUnavailable
from bot.journal import Journal
from bot.language.catalogue import phrases_of
from bot.language.english import ENGLISH
from bot.records import AttemptState, Entry, MessageKind, Outcome, Person, RoomMessage
from bot.rooms.answering import Answering
from bot.rooms.loop_guard import LoopGuard
from bot.rooms.posting import Posting
from bot.rooms.quarantine import Quarantine
from bot.rooms.turn import Turns
from tests.rooms.people import (
    KIM,
    LANE,
    Clock,
    FakeAgent,
    FakeChat,
    FakePage,
    FakeProgress,
    FakeRoster,
    FakeSessions,
    a_bot,
    a_journal,
    accepted,
    in_room,
    said,
)

PARROT = Person(id="77", name="Parrot")
MACHINE = replace(in_room("<p>hello</p>", 1, author=PARROT), by_bot=True)


class Stage:
    """Ada, who always has something to say, and whoever talks to her."""

    def __init__(self, journal: Journal, clock: Clock, *, language: str = "en") -> None:
        self.journal, self.clock = journal, clock
        self.chat, self.page = FakeChat(), FakePage()
        self.sessions = FakeSessions(*(f"answer number {number * 7919}" for number in range(300)))
        self.held: list[str] = []
        self.bot = replace(a_bot(), language=language)
        self.guard = LoopGuard(journal, {"campfire": self.page}, on_hold=self.held.append)
        self.turns = Turns(
            journal,
            Answering(journal, self.sessions, FakeAgent()),
            Posting(journal, now=clock, sleep=clock.sleep),
            Quarantine(),
            self.guard,
            FakeRoster(self.bot),
            {"campfire": self.chat},
            progress=FakeProgress(),
            now=clock,
        )
        self.number = 0

    async def say(
        self, text: str, *, author: Person = PARROT, kind: MessageKind = MessageKind.TEXT
    ) -> Outcome:
        """Say something; return how it ended."""
        self.number += 1
        message = said(text, number=self.number, author=author, kind=kind)
        report = await self.turns.run(await accepted(self.journal, message))
        assert report is not None
        return report.outcome

    async def echo(self, times: int, *, after_s: float = 1.0) -> list[Outcome]:
        """Have the parrot repeat what it hears; return how that ended."""
        ends = []
        for _ in range(times):
            self.clock.seconds += after_s
            heard = self.chat.room[-1] if self.chat.room else "Hello Ada, how are you today?"
            ends.append(await self.say(heard.removeprefix("<p>").removesuffix("</p>")))
        return ends


ECHOED = [Outcome.ANSWERED] * 5 + [Outcome.TOLD] + [Outcome.SKIPPED] * 4


async def test_an_echo_is_told_once_and_skipped(journal: Journal, clock: Clock) -> None:
    """Nothing more is said, the agent is not asked, and the equation and the counters hold."""
    stage = Stage(journal, clock)
    assert await stage.echo(10) == ECHOED
    assert stage.chat.room[5:] == [f"<p>{ENGLISH.looped}</p>"]
    assert len(stage.sessions.prompts) == 5
    assert stage.held == ["announced", *["skipped"] * 4]
    tally = await journal.tally()
    assert (tally.answered, tally.told, tally.skipped, tally.open) == (5, 1, 4, 0)
    assert tally.balanced


async def test_a_slow_echo_ends_too(journal: Journal, clock: Clock) -> None:
    """One message in two minutes, for hours."""
    stage = Stage(journal, clock)
    ends = await stage.echo(120, after_s=120.0)
    assert ends.count(Outcome.ANSWERED) == 5
    assert ends.count(Outcome.TOLD) == 1


async def test_the_room_is_told_in_the_bots_language(journal: Journal, clock: Clock) -> None:
    """And an echo of that is one, too."""
    stage = Stage(journal, clock, language="zh")
    assert await stage.echo(10) == ECHOED
    assert stage.chat.room[5:] == [f"<p>{phrases_of('zh').looped}</p>"]


async def test_a_restart_opens_nothing(tmp_path: Path, clock: Clock) -> None:
    """What the rule needs is in the journal: a server that starts anew is as strict."""
    outcomes = []
    for start in range(10):
        async with a_journal(tmp_path, clock) as journal:
            stage = Stage(journal, clock)
            stage.number = start
            stage.chat.room = [f"<p>{ENGLISH.looped if start == 6 else 'answer number 0'}</p>"]
            outcomes += await stage.echo(1)
    assert outcomes == [Outcome.ANSWERED] * 5 + [Outcome.TOLD] + [Outcome.SKIPPED] * 4


async def test_a_notice_given_back_is_an_echo(journal: Journal, clock: Clock) -> None:
    """A machine that says only the bot's name is asked what it needs so many times."""
    stage = Stage(journal, clock)
    ends = []
    for _ in range(36):
        clock.seconds += 5.0
        ends.append(await stage.say("", kind=MessageKind.BARE))
    assert ends == [*[Outcome.TOLD] * (33 + 1), *[Outcome.SKIPPED] * 2]


async def test_what_is_off_the_record_is_not_kept(journal: Journal, clock: Clock) -> None:
    """Though the parrot repeats it all, and longer than anybody types."""
    stage = Stage(journal, clock)
    for number in range(1, 40):
        clock.seconds += 5.0
        text = f"off the record, {'the tea is cold ' * 10}"
        message = replace(said(text, number=number, author=PARROT), off_record=True)
        await stage.turns.run(await accepted(journal, message))
    dialogue = await journal.dialogues.before(said(number=50), most=8)
    assert {(past.text, past.reply) for past in dialogue.rounds} == {(None, "")}
    assert stage.held == []


async def test_a_persons_word_opens_it(journal: Journal, clock: Clock) -> None:
    """Kim is answered while it is closed; then the parrot has its answers again."""
    stage = Stage(journal, clock)
    assert await stage.echo(8) == ECHOED[:8]
    assert await stage.say("Ada, are you still there?", author=KIM) is Outcome.ANSWERED
    stage.clock.seconds += 1.0
    assert (await stage.echo(10)) == [
        *[Outcome.ANSWERED] * 4,
        Outcome.TOLD,
        *ECHOED[6:],
        *ECHOED[9:],
    ]


async def test_the_platform_is_asked_who_a_stranger_is(journal: Journal, clock: Clock) -> None:
    """Once, when somebody has had the bot for themselves for a while."""
    stage = Stage(journal, clock)
    stage.page.messages = [MACHINE]
    ends = [await _novelty(stage, number) for number in range(9)]
    assert ends == [*[Outcome.ANSWERED] * 4, Outcome.TOLD, *[Outcome.SKIPPED] * 4]
    assert stage.page.reads == 1


@pytest.mark.parametrize(("page", "reads"), [([], 1), (ChatUnavailable("down"), 1), (None, 2)])
async def test_a_person_is_asked_about_once(
    journal: Journal, clock: Clock, page: list[RoomMessage] | ChatUnavailable | None, reads: int
) -> None:
    """And answered, also when the platform does not work; one that never says costs nothing."""
    stage = Stage(journal, clock)
    stage.page.messages = page
    ends = [await _novelty(stage, number, author=KIM) for number in range(9)]
    assert ends == [Outcome.ANSWERED] * 9
    assert stage.page.reads == reads


async def _novelty(stage: Stage, number: int, *, author: Person = PARROT) -> Outcome:
    """Say what nobody has said, as a person would."""
    stage.clock.seconds += 20.0
    return await stage.say(f"{number * 104_729} and {number}", author=author)


async def test_who_was_called_a_bot_once_is_one(journal: Journal, clock: Clock) -> None:
    """Whoever has read a room's history says so; it is in the journal for good."""
    await journal.dialogues.note_bots("campfire", [MACHINE, in_room("hello", 2, author=KIM)])
    stage = Stage(journal, clock)
    ends = [await _novelty(stage, number) for number in range(6)]
    assert ends == [*[Outcome.ANSWERED] * 4, Outcome.TOLD, Outcome.SKIPPED]
    assert stage.page.reads == 0
    assert await _novelty(stage, 7, author=KIM) is Outcome.ANSWERED


async def test_what_was_let_through_stays_so(journal: Journal, clock: Clock) -> None:
    """A message that was being answered when the server went away is not judged again."""
    stage = Stage(journal, clock)
    await stage.echo(8)
    entry = await accepted(journal, said(ENGLISH.looped, number=50, author=PARROT))
    assert await stage.guard.hold(entry, stage.bot) is not None
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid="a-prompt")
    assert attempt is not None
    await journal.end_attempt(attempt, state=AttemptState.INTERRUPTED)
    tried = await journal.head(LANE)
    assert isinstance(tried, Entry)
    assert await stage.guard.hold(tried, stage.bot) is None


async def test_a_command_is_held_of_known_bots_only(journal: Journal, clock: Clock) -> None:
    """People stop what runs at any time, also who is taken for a machine."""
    stage = Stage(journal, clock)
    await stage.echo(8)
    stop = await accepted(journal, said("stop", number=60, author=PARROT))
    assert await stage.guard.hold(stop, stage.bot) is None
    await journal.dialogues.note_bots("campfire", [MACHINE])
    assert await stage.guard.hold(stop, stage.bot) is not None


async def test_rooms_and_bots_have_nothing_to_do_with_each_other(
    journal: Journal, clock: Clock
) -> None:
    """A loop in one room is none in another, nor one of another bot."""
    stage = Stage(journal, clock)
    await stage.echo(8)
    bot = replace(stage.bot, loops=LoopRules(depth=1))
    for message in (replace(said(number=51), room="43"), said(number=52, bot="bo")):
        moved = replace(message, author=PARROT, text=stage.chat.room[-1])
        await journal.accept(moved, lane="elsewhere")
        entry = await journal.head("elsewhere")
        assert entry is not None
        assert await stage.guard.hold(entry, bot) is None
        await journal.settle(entry, outcome=Outcome.TOLD)


async def test_what_the_platform_says_is_written_down_once(journal: Journal) -> None:
    """Reading a room again costs no commit."""
    before = journal.statistics().commits
    for _ in range(3):
        await journal.dialogues.note_bots("campfire", [MACHINE])
    assert journal.statistics().commits == before + 1
    dialogue = await journal.dialogues.before(said(author=PARROT), most=8)
    assert (dialogue.by_bot, dialogue.rounds, dialogue.hold) == (True, (), None)
