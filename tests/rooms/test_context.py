"""Listening to a room: only where it can matter, and never for long."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from bot.config.bot import Bot
from bot.errors import ChatRefused, ChatUnavailable
from bot.journal import Journal
from bot.records import AttemptState, Entry, Outcome, PartKind, RoomMessage, SessionKey
from bot.rooms.context import Context, Contexts
from bot.rooms.silence import Silence
from tests.rooms.people import ADA, KIM, LEE, a_bot, accepted, in_room, said

KEY = SessionKey(room="42", bot="ada")


@dataclass
class FakeRoom:
    """A platform whose room is a list."""

    #: What stands in it; None: nobody can read it.
    messages: list[RoomMessage] | None = field(default_factory=list)
    #: Why it cannot be read now.
    error: Exception | None = None
    #: Whether it never answers.
    hangs: bool = False
    #: Before which message it was read, each time, or after which.
    read: list[str] = field(default_factory=list)

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return a page of 40."""
        assert (room, key) == ("42", "9-abcdefghijkl")
        self.read.append(f"after {after}" if after else str(before))
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        if self.messages is None:
            return None
        if after is not None:
            return tuple(m for m in self.messages if m.position > int(after))[:40]
        return tuple(m for m in self.messages if m.position < int(before or 0))[-40:]

    def author_of(self, key: str) -> str:
        """Know Ada by her key."""
        return key.partition("-")[0]

    def is_addressed(self, message: RoomMessage, *, key: str) -> bool:
        """Know who is called by name."""
        assert key
        return "@Ada" in message.plain


class FarHorizon:
    """A horizon somewhere in the room, or nowhere."""

    def __init__(self, position: int | None = None) -> None:
        self._position = position

    async def horizon(self, platform: str, key: SessionKey) -> int | None:
        """Return it."""
        assert (platform, key) == ("campfire", KEY)
        return self._position


async def heard(
    journal: Journal,
    room: FakeRoom,
    entry: Entry,
    *,
    bot: Bot | None = None,
    lost: bool = False,
    horizon: int | None = None,
    contexts: Contexts | None = None,
    session: str = "a-session",
) -> Context:
    """Return what comes along with *entry*, which is answered."""
    contexts = contexts or Contexts(
        journal.hearing, {"campfire": room}, FarHorizon(horizon), Silence()
    )
    async with contexts.listening(entry, bot or a_bot(), KEY) as talk:
        context = await talk.unheard_by(session, lost=lost)
        talk.told(session, context)
        return context


def texts(context: Context) -> list[str]:
    """Return what was said."""
    return [remark.plain for remark in context.remarks]


async def answered(journal: Journal, number: int, *, heard: int | None) -> None:
    """Let an earlier message be asked in the session, having heard so much."""
    entry = await accepted(journal, said(number=number))
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid=str(number))
    assert attempt is not None
    await journal.end_attempt(replace(attempt, heard=heard), state=AttemptState.FAILED)
    await journal.settle(entry, outcome=Outcome.TOLD)


TALK = (
    ("the tea is cold", 1, LEE),
    ("@Ada hello", 2, KIM),
    ("hello Kim", 3, ADA),
    ("so is the milk", 4, LEE),
    ("indeed", 5, KIM),
)


def a_room() -> FakeRoom:
    """Return a room in which Ada has answered."""
    return FakeRoom([in_room(text, number, author=author) for text, number, author in TALK])


async def test_a_new_session_hears_what_was_said_since_the_last_answer(journal: Journal) -> None:
    """Neither what was asked nor what was answered is among it."""
    entry = await accepted(journal, said(number=9))
    room = a_room()
    context = await heard(journal, room, entry)
    assert texts(context) == ["so is the milk", "indeed"]
    assert context.upto == 9
    assert room.read == ["9"]


async def test_a_lost_session_hears_what_the_lost_one_had_heard(journal: Journal) -> None:
    """Its recap tells the turns, and this the rest."""
    entry = await accepted(journal, said(number=9))
    context = await heard(journal, a_room(), entry, lost=True)
    assert texts(context) == ["the tea is cold", "so is the milk", "indeed"]


@pytest.mark.parametrize("lost", [False, True])
async def test_a_session_hears_everything_once(journal: Journal, *, lost: bool) -> None:
    """It goes on where it had stopped to listen, not where it last spoke."""
    await answered(journal, 1, heard=1)
    await answered(journal, 2, heard=4)
    entry = await accepted(journal, said(number=9))
    assert texts(await heard(journal, a_room(), entry, lost=lost)) == ["indeed"]


async def test_what_nobody_could_read_is_heard_later(journal: Journal) -> None:
    """A turn that went without leaves it for the next."""
    await answered(journal, 1, heard=1)
    await answered(journal, 2, heard=None)
    entry = await accepted(journal, said(number=9))
    assert texts(await heard(journal, a_room(), entry)) == ["so is the milk", "indeed"]


async def test_another_try_hears_the_same(journal: Journal) -> None:
    """What an earlier try of the same message was told is dropped with it."""
    entry = await accepted(journal, said(number=9))
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid="u")
    assert attempt is not None
    await journal.end_attempt(replace(attempt, heard=9), state=AttemptState.FAILED)
    assert texts(await heard(journal, a_room(), entry)) == ["so is the milk", "indeed"]


async def test_nothing_comes_from_behind_the_horizon(journal: Journal) -> None:
    """What `new` put out of sight stays there, in a lost session too."""
    entry = await accepted(journal, said(number=9))
    context = await heard(journal, a_room(), entry, lost=True, horizon=4)
    assert texts(context) == ["indeed"]


async def test_what_was_off_the_record_stays_so(journal: Journal) -> None:
    """Said to another bot, and answered by it: nobody else hears of it."""
    off = await accepted(journal, said("secret", number=4, bot="bo", off_record=True))
    (part,) = await journal.freeze(
        off,
        ["x"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="x",
    )
    await journal.settle(off, last=part, remote_id="5")
    entry = await accepted(journal, said(number=9))
    assert texts(await heard(journal, a_room(), entry)) == []


async def test_more_pages_are_read_for_a_bot_that_wants_more(journal: Journal) -> None:
    """As many as could hold what may come along, or until there are no more."""
    talk = [in_room(f"word {number}", number, author=LEE) for number in range(1, 101)]
    entry = await accepted(journal, said(number=101))
    bot = a_bot()
    bot = replace(bot, session=replace(bot.session, context_messages=200))
    room = FakeRoom(talk)
    assert len((await heard(journal, room, entry, bot=bot)).remarks) == 100
    assert room.read == ["101", "61", "21", "1"]


async def test_a_room_without_history_is_silent(journal: Journal) -> None:
    """No context, and nobody has listened."""
    entry = await accepted(journal, said(number=9))
    assert await heard(journal, FakeRoom(None), entry) == Context()


async def test_a_room_is_not_read_where_that_cannot_matter(journal: Journal) -> None:
    """In a direct room everything is addressed; and a bot may want no context."""
    room = a_room()
    direct = await accepted(journal, said(number=9, room_name=None))
    assert await heard(journal, room, direct) == Context()
    bot = a_bot()
    bot = replace(bot, session=replace(bot.session, context_messages=0))
    shared = replace(direct, message=said(number=9))
    assert await heard(journal, room, shared, bot=bot) == Context()
    assert room.read == []


@pytest.mark.parametrize("error", [ChatUnavailable("down"), ChatRefused("no")])
async def test_a_platform_that_fails_costs_the_context(journal: Journal, error: Exception) -> None:
    """One line says so."""
    entry = await accepted(journal, said(number=9))
    room = FakeRoom(error=error)
    with capture_logs() as logs:
        assert await heard(journal, room, entry) == Context()
    assert [line["event"] for line in logs] == ["context_unread"]
    assert logs[0]["log_level"] == "info"


async def test_a_platform_that_hangs_is_waited_for_once(journal: Journal) -> None:
    """The next turns do not wait at all."""
    entry = await accepted(journal, said(number=9))
    room = FakeRoom(hangs=True)
    contexts = Contexts(
        journal.hearing, {"campfire": room}, FarHorizon(), Silence(), patience_s=0.0
    )
    for _ in range(3):
        assert await heard(journal, room, entry, contexts=contexts) == Context()
    assert len(room.read) <= 1


async def listened(journal: Journal, room: FakeRoom, silence: Silence | None = None) -> Contexts:
    """Return what has heard *room* up to message 9, for a session that has answered that."""
    silence = silence or Silence()
    contexts = Contexts(journal.hearing, {"campfire": room}, FarHorizon(), silence)
    entry = await accepted(journal, said(number=9))
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid="u")
    assert attempt is not None
    await heard(journal, room, entry, contexts=contexts)
    await journal.end_attempt(replace(attempt, heard=9), state=AttemptState.FAILED)
    await journal.settle(entry, outcome=Outcome.TOLD)
    room.read.clear()
    assert room.messages is not None
    room.messages += [in_room("@Ada why?", 9, author=KIM), in_room("because", 10, author=ADA)]
    return contexts


async def test_of_a_room_that_was_heard_only_the_rest_is_read(journal: Journal) -> None:
    """What came since the last answer, and not a page of what is known."""
    room = a_room()
    contexts = await listened(journal, room)
    room.messages += [in_room("oh dear", 11, author=LEE)]
    entry = await accepted(journal, said(number=12))
    assert texts(await heard(journal, room, entry, contexts=contexts)) == ["oh dear"]
    assert room.read == ["after 9"]


async def test_another_session_hears_more_than_the_rest(journal: Journal) -> None:
    """It was not there: what it may have to be told is read as ever."""
    room = a_room()
    contexts = await listened(journal, room)
    entry = await accepted(journal, said(number=12))
    context = await heard(journal, room, entry, contexts=contexts, lost=True, session="another")
    assert texts(context) == ["the tea is cold", "so is the milk", "indeed"]
    assert room.read == ["after 9", "12"]


async def test_a_lost_memory_hears_more_than_the_rest(journal: Journal) -> None:
    """Though the session is the same, it knows nothing of what it has heard."""
    room = a_room()
    contexts = await listened(journal, room)
    entry = await accepted(journal, said(number=12))
    assert texts(await heard(journal, room, entry, contexts=contexts, lost=True)) == []
    assert room.read == ["after 9", "12"]


async def test_a_rest_of_more_than_a_page_is_read_from_its_end(journal: Journal) -> None:
    """The newest come along, not the oldest."""
    room = a_room()
    contexts = await listened(journal, room)
    room.messages += [in_room(f"word {number}", number, author=LEE) for number in range(11, 61)]
    entry = await accepted(journal, said(number=61))
    context = await heard(journal, room, entry, contexts=contexts)
    assert texts(context)[-1] == "word 60"
    assert room.read == ["after 9", "61"]


async def test_another_try_reads_all_of_it_again(journal: Journal) -> None:
    """What it was told the last time does not count."""
    room = a_room()
    contexts = Contexts(journal.hearing, {"campfire": room}, FarHorizon(), Silence())
    entry = await accepted(journal, said(number=9))
    for _ in range(2):
        context = await heard(journal, room, entry, contexts=contexts)
        assert texts(context) == ["so is the milk", "indeed"]
    assert room.read == ["9", "9"]


async def test_nothing_is_read_where_nobody_can_have_spoken(journal: Journal) -> None:
    """The numbers between are all known: what another room's bot was asked, and Ada's answer."""
    silence = Silence()
    room = a_room()
    contexts = await listened(journal, room, silence)
    silence.posted(said(number=9), "10")
    silence.said(replace(said(number=11), room="43", bot="bo"))
    entry = await accepted(journal, said(number=12))
    context = await heard(journal, room, entry, contexts=contexts)
    assert (context, room.read) == (Context(upto=12), [])


async def test_a_session_that_was_not_there_is_told_all_the_same(journal: Journal) -> None:
    """That nobody spoke since says nothing of what it has missed."""
    silence = Silence()
    room = a_room()
    contexts = await listened(journal, room, silence)
    silence.posted(said(number=9), "10")
    entry = await accepted(journal, said(number=11))
    context = await heard(journal, room, entry, contexts=contexts, lost=True, session="another")
    assert texts(context) == ["the tea is cold", "so is the milk", "indeed"]
    assert room.read == ["11"]
