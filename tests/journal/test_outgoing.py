"""What the journal knows of a reply before it leaves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.journal import Journal
from bot.journal.orders import Stop
from bot.journal.outgoing import Address
from bot.records import Attempt, Entry, Outcome, Part, PartKind, Person, RoomMessage
from bot.records.file import File
from tests.journal.engines import LANE, NOON, Clock, Engine, said

KIM = said().author
LEE = Person(id="8", name="Lee")
TABLE = File(name="tea.csv", content=b"tea,cold\n")


async def accepted(journal: Journal, number: int, author: Person | None = None) -> Entry:
    """Have a message accepted; return it."""
    message = said(number=number)
    if author is not None:
        message = replace(message, author=author)
    await journal.accept(message, lane=LANE)
    entry = await journal.entry(number)
    assert entry is not None
    return entry


async def answer(journal: Journal, entry: Entry, *what: str | File) -> tuple[Part, ...]:
    """Freeze an answer."""
    return await journal.freeze(
        entry,
        what,
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
    )


async def named(journal: Journal, entry: Entry, *people: Person, always: bool = False) -> str:
    """Freeze an answer that names *people* if it has to; return whom it does name."""

    def naming(named: Sequence[Person]) -> list[str]:
        return [" ".join(person.name for person in named)]

    (part,) = await journal.freeze(
        entry,
        ["nobody"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
        address=Address(people=people, if_unclear=not always, naming=naming),
    )
    return part.html


async def test_nobody_has_spoken(journal: Journal) -> None:
    """A message alone, also after others that had ended before, and beside its author's own."""
    before = await accepted(journal, 1, LEE)
    await journal.settle(before, outcome=Outcome.TOLD)
    entry = await accepted(journal, 2)
    await accepted(journal, 3)
    assert await named(journal, entry, KIM) == "nobody"


async def test_somebody_has_spoken(journal: Journal) -> None:
    """Another person's message came after it."""
    entry = await accepted(journal, 1)
    await accepted(journal, 2, LEE)
    assert await named(journal, entry, KIM) == "Kim"


async def test_somebody_was_answered(journal: Journal, clock: Clock) -> None:
    """Another person's message waited before it, and its answer stands in between now."""
    first = await accepted(journal, 1, LEE)
    entry = await accepted(journal, 2)
    clock.seconds += 1
    await journal.settle(first, outcome=Outcome.TOLD)
    assert await named(journal, entry, KIM) == "Kim"


async def test_somebody_is_being_answered(journal: Journal) -> None:
    """Another person's message waited before it, and its answer is about to stand in between."""
    first = await accepted(journal, 1, LEE)
    entry = await accepted(journal, 2)
    await answer(journal, first, "one")
    assert await named(journal, entry, KIM) == "Kim"


async def test_somebody_waited(journal: Journal) -> None:
    """What was asked before and is not answered yet does not stand in between."""
    await accepted(journal, 1, LEE)
    assert await named(journal, await accepted(journal, 2), KIM) == "nobody"


async def test_those_who_are_always_named(journal: Journal) -> None:
    """Though nobody has spoken in between."""
    entry = await accepted(journal, 1)
    assert await named(journal, entry, KIM, LEE, always=True) == "Kim Lee"


@pytest.mark.parametrize(("people", "into"), [((), "5"), ((LEE,), None)])
async def test_a_placeholder_becomes_what_names_nobody(
    journal: Journal, people: tuple[Person, ...], into: str | None
) -> None:
    """An edit would notify nobody: who is named hears of a message that is posted."""
    (part,) = await journal.freeze(
        await accepted(journal, 1),
        ["an answer"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
        into="5",
        address=Address(people=people, if_unclear=False, naming=lambda _: ["Lee: an answer"]),
    )
    assert part.remote_id == into


async def test_other_rooms_do_not_count(journal: Journal) -> None:
    """What was said elsewhere stands not in between."""
    entry = await accepted(journal, 1)
    elsewhere = replace(said(number=2), author=LEE, room="43")
    await journal.accept(elsewhere, lane="campfire/43")
    assert await named(journal, entry, KIM) == "nobody"


async def test_a_file_survives_the_server(engine: Engine) -> None:
    """Its content is in the commit that freezes it, until it stands in the room."""
    async with engine.open() as journal:
        (text, file) = await answer(journal, await accepted(journal, 1), "<p>here</p>", TABLE)
        assert (text.file, file.file, file.html, file.number) == (None, "tea.csv", "", 1)
    async with engine.open() as journal:
        assert await journal.outgoing.content(file) == TABLE.content
        assert await journal.outgoing.content(text) is None
        await journal.mark_posted(file, remote_id="5")
        assert await journal.outgoing.content(file) is None


async def test_a_file_goes_with_its_message(engine: Engine, clock: Clock) -> None:
    """What retention deletes leaves no content behind."""
    async with engine.open(now=clock) as journal:
        entry = await accepted(journal, 1)
        (file,) = await answer(journal, entry, TABLE)
        await journal.settle(entry, outcome=Outcome.DEAD, reason="refused")
        await journal.expire(settled_before=clock.seconds + 1, history_before=0)
        assert await journal.outgoing.content(file) is None


async def test_a_file_goes_with_a_stop(engine: Engine) -> None:
    """Nobody can have it sent any more; that of a dead letter stays, for whoever retries it."""
    async with engine.open() as journal:
        stopped, dead = await accepted(journal, 1), await accepted(journal, 2, LEE)
        of_stopped = await answer(journal, stopped, "one", TABLE)
        of_dead = await answer(journal, dead, "one", TABLE)
        command = said("stop", number=9)
        await journal.orders.obey(command, lane=f"!{LANE}/ada", order=Stop(author="7"))
        await journal.settle(dead, outcome=Outcome.DEAD, reason="x")
        assert await journal.outgoing.content(of_stopped[1]) is None
        assert await journal.outgoing.content(of_dead[1]) == TABLE.content


async def test_known_bots_are_no_people(journal: Journal) -> None:
    """Whom a room's history has called a bot is left out."""
    shown = RoomMessage(
        id="5",
        position=5,
        author=LEE,
        by_bot=True,
        html=None,
        plain="",
        created_at=NOON,
    )
    await journal.dialogues.note_bots("campfire", [shown])
    entry = await accepted(journal, 1)
    assert await named(journal, entry, KIM, LEE, always=True) == "Kim"
    other = await accepted(journal, 2, LEE)
    assert await named(journal, other, LEE, always=True) == "nobody"


async def steered(journal: Journal, clock: Clock) -> list[Attempt]:
    """Begin a turn at noon, and add a message 10 s later."""
    first, second = await accepted(journal, 1), await accepted(journal, 2)
    begun = await journal.start_attempt(first, session_id="s", prompt_uuid="p-1")
    assert begun is not None
    clock.pass_(10)
    added = await journal.companions.add(second, to=begun, prompt_uuid="p-2")
    assert added is not None
    clock.pass_(10)
    return [begun, added]


async def test_what_was_made_for_one_answer_is_not_the_next_ones(
    journal: Journal, clock: Clock
) -> None:
    """The child began with an addition when it had answered what that was added to."""
    begun, added = await steered(journal, clock)
    assert await journal.outgoing.begun_at(begun) == begun.started_at
    first = await journal.entry(1)
    assert first is not None
    parts = await journal.freeze(
        first,
        ["one"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=begun,
        answer_text="one",
    )
    assert await journal.settle(first, last=parts[0], remote_id="100")
    clock.pass_(10)
    assert await journal.outgoing.begun_at(added) == begun.started_at + timedelta(seconds=20)


async def test_one_answer_has_all_that_was_made_for_it(journal: Journal, clock: Clock) -> None:
    """Also before the addition under whose uuid it is kept."""
    begun, added = await steered(journal, clock)
    first = await journal.entry(1)
    assert first is not None
    kept = await journal.companions.absorb(first, ("p-1", "p-2"), kept_as="p-2")
    assert kept.seq == added.seq
    assert await journal.outgoing.begun_at(kept) == begun.started_at
