"""What was said between a bot and a room lately, and who is a bot."""

from pathlib import Path

from bot.journal import Journal, dialogues
from bot.journal.views import Hold
from bot.records import (
    LOOP_GUARD,
    LOOP_GUARD_PACE,
    Message,
    Outcome,
    PartKind,
    Person,
    RoomMessage,
)
from tests.journal.damage import opened
from tests.journal.engines import KIM, LANE, LEE, NOON, Clock, said

PARROT = Person(id="77", name="Parrot")


def in_room(author: Person, *, by_bot: bool) -> RoomMessage:
    """Return a message as the room's history shows it."""
    return RoomMessage(
        id="1",
        position=1,
        author=author,
        by_bot=by_bot,
        html="<p>hello</p>",
        plain="hello",
        created_at=NOON,
    )


async def ended(
    journal: Journal,
    message: Message,
    outcome: Outcome = Outcome.ANSWERED,
    *replies: str,
    reason: str | None = None,
) -> None:
    """Have *message* accepted, answered and settled."""
    await journal.accept(message, lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    if replies:
        answer = outcome is Outcome.ANSWERED
        kind = PartKind.ANSWER if answer else PartKind.NOTICE
        how = {"kind": kind, "verdict": outcome, "attempt": None, "reason": reason}
        for part in await journal.freeze(entry, replies, answer_text="…", **how):
            await journal.mark_posted(part, remote_id=str(part.seq))
        await journal.settle(entry)
    else:
        await journal.settle(entry, outcome=outcome, reason=reason)


async def test_the_last_rounds_come_first(journal: Journal, clock: Clock) -> None:
    """With what was said, the beginning of what was replied, and when."""
    await ended(journal, said("one", number=1), Outcome.ANSWERED, "<p>1</p>", "<p>more</p>")
    clock.pass_(5)
    await ended(journal, said("two", number=2, author=LEE), Outcome.TOLD, "<p>2</p>")
    await ended(journal, said("elsewhere", number=3, bot="bo"), Outcome.ANSWERED, "<p>3</p>")
    await ended(journal, said("stop", number=4), Outcome.STOPPED)
    await ended(journal, said("late", number=5), Outcome.SKIPPED, reason="too old")
    dialogue = await journal.dialogues.before(said(number=6), most=8)
    assert [(past.author, past.text, past.reply) for past in dialogue.rounds] == [
        (LEE.id, "two", "<p>2</p>"),
        (KIM.id, "one", "<p>1</p>"),
    ]
    times = [(past.accepted_at, past.settled_at) for past in dialogue.rounds]
    assert times == [(clock(), clock()), (clock() - 5, clock() - 5)]
    assert dialogue.hold is None
    (only,) = (await journal.dialogues.before(said(number=6), most=1)).rounds
    assert only.text == "two"


async def test_what_was_held_is_no_round(journal: Journal, clock: Clock) -> None:
    """Neither what was told so nor what was skipped; the last one is known."""
    await ended(journal, said("one", number=1), Outcome.ANSWERED, "<p>1</p>")
    await ended(journal, said("two", number=2), Outcome.TOLD, "<p>no</p>", reason=LOOP_GUARD)
    clock.pass_(5)
    held = said("three", number=3, author=LEE)
    await ended(journal, held, Outcome.SKIPPED, reason=LOOP_GUARD_PACE)
    dialogue = await journal.dialogues.before(said(number=4), most=8)
    assert [past.text for past in dialogue.rounds] == ["one"]
    assert dialogue.hold == Hold(author=LEE.id, text="three", reason=LOOP_GUARD_PACE, at=clock())


async def test_only_the_beginning_of_a_text_is_read(journal: Journal) -> None:
    """However long it is."""
    await ended(journal, said("x" * 10_000, number=1), Outcome.ANSWERED, f"<p>{'y' * 10_000}</p>")
    (past,) = (await journal.dialogues.before(said(number=2), most=8)).rounds
    assert (len(past.text), len(past.reply)) == (300, 900)


async def test_a_bot_is_known_for_all_it_has_said(journal: Journal) -> None:
    """Also before somebody said that it is one; on its platform only."""
    await ended(journal, said(number=1, author=PARROT), Outcome.ANSWERED, "<p>1</p>")
    await ended(journal, said(number=2, author=KIM), Outcome.ANSWERED, "<p>2</p>")
    await journal.dialogues.note_bots(
        "campfire", [in_room(PARROT, by_bot=True), in_room(KIM, by_bot=False)]
    )
    dialogue = await journal.dialogues.before(said(number=3, author=PARROT), most=8)
    assert dialogue.by_bot
    assert [past.by_bot for past in dialogue.rounds] == [False, True]
    assert not (await journal.dialogues.before(said(number=3, author=KIM), most=8)).by_bot
    await journal.dialogues.note_bots("elsewhere", [in_room(LEE, by_bot=True)])
    assert not (await journal.dialogues.before(said(number=3, author=LEE), most=8)).by_bot


def test_a_dialogue_is_found_by_an_index(tmp_path: Path) -> None:
    """A week of messages is not read for it."""
    with opened(tmp_path / "journal.db") as db:
        where = ("campfire", "ada", "42")
        for sql, values in ((dialogues._ROUNDS, (*where, 8)), (dialogues._HOLD, where)):
            plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert any("USING INDEX inbox_" in step for step in plan)
            assert not any(step.startswith("SCAN") for step in plan), plan
