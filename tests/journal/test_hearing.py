"""What a session has heard, and what is withheld from every one."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bot.journal import Journal
from bot.journal.hearing import Heard
from bot.journal.orders import Stop
from bot.journal.retention import OFF_RECORD_S
from bot.records import AttemptState, Entry, Outcome, PartKind
from bot.records.file import File
from tests.journal.engines import LANE, Clock, said

#: Long enough for many pages of their own.
SECRET, SAID = "the-cake-is-in-the-fridge " * 2000, "it-has-seven-candles " * 2000


async def off_the_record(journal: Journal, number: int = 1, *, answered: bool = True) -> Entry:
    """Let Kim say something that nobody may keep, and perhaps be answered."""
    message = replace(said(SECRET, number=number), html=SECRET, off_record=True)
    await journal.accept(message, lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    if answered:
        parts = await journal.freeze(
            entry,
            [SAID, SAID],
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            attempt=None,
            answer_text=SAID,
        )
        await journal.mark_posted(parts[0], remote_id=f"{number}01")
        sending = await journal.mark_sending(parts[1])
        assert sending.html == SAID
        await journal.settle(entry, last=sending, remote_id=f"{number}02")
    return entry


def written(folder: Path) -> list[str]:
    """Name the files that hold any of it."""
    return [
        path.name
        for path in folder.iterdir()
        if b"cake-is" in path.read_bytes() or b"seven-can" in path.read_bytes()
    ]


async def test_an_open_one_is_kept_as_it_is(journal: Journal) -> None:
    """It is owed still, over a restart, too."""
    await off_the_record(journal, answered=False)
    head = await journal.head(LANE)
    assert head is not None
    assert (head.message.text, head.message.off_record) == (SECRET, True)


async def test_a_settled_one_is_overwritten(journal: Journal, tmp_path: Path) -> None:
    """Its row and the ids of its reply stay, not a word of either; nor in the history."""
    entry = await off_the_record(journal)
    assert written(tmp_path) == []
    current = await journal.entry(entry.seq)
    assert current is not None
    assert (current.message.text, current.message.html) == ("", None)
    assert [(part.html, part.remote_id) for part in current.parts] == [("", "101"), ("", "102")]
    assert (
        await journal.dialogues.recent(
            platform="campfire", bot="ada", room="42", user=None, limit=9
        )
        == ()
    )


@pytest.mark.parametrize("outcome", [Outcome.DEAD, Outcome.TOLD, Outcome.STOPPED, Outcome.SKIPPED])
async def test_however_it_ends(journal: Journal, tmp_path: Path, outcome: Outcome) -> None:
    """Also what is given up; it cannot be owed again."""
    entry = await off_the_record(journal, answered=False)
    await journal.settle(entry, outcome=outcome, reason="x")
    assert written(tmp_path) == []
    assert not await journal.letters.retry(entry.seq)


async def test_what_is_skipped_at_once_leaves_nothing(journal: Journal, tmp_path: Path) -> None:
    """Found too late by catching up, say."""
    message = replace(said(SECRET), off_record=True)
    await journal.skip(message, lane=LANE, reason="too old")
    assert written(tmp_path) == []


async def test_what_another_statement_ends_is_overwritten(journal: Journal, tmp_path: Path) -> None:
    """Whoever changes the state, and for however many messages at once."""
    await off_the_record(journal, answered=False)
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE inbox SET state = 'stopped', settled_at = 1 WHERE state = 'open'")
        assert db.execute("SELECT text, html FROM inbox").fetchall() == [("", None)]
    db.close()


async def test_its_ids_are_withheld(journal: Journal) -> None:
    """The question's and the answer's; of other messages, nothing is."""
    await off_the_record(journal)
    await journal.accept(said(number=2), lane=LANE)
    ids = ["1", "2", "101", "102", "103"]
    heard = await journal.hearing.look("x", entry=9, platform="campfire", ids=ids)
    assert heard == Heard(upto=None, withheld=frozenset({"1", "101", "102"}))
    other = await journal.hearing.look("x", entry=9, platform="another", ids=ids)
    assert other.withheld == frozenset()
    none = await journal.hearing.look("x", entry=9, platform="campfire", ids=[])
    assert none.withheld == frozenset()


async def test_its_ids_are_known_for_longer(journal: Journal, clock: Clock) -> None:
    """For as long as the room's talk may come along."""
    await off_the_record(journal)
    clock.pass_(OFF_RECORD_S)
    assert (await journal.expire(settled_before=clock(), history_before=0)).messages == 0
    clock.pass_(1)
    assert (await journal.expire(settled_before=clock(), history_before=0)).messages == 1


async def test_a_session_has_heard_what_its_attempts_have(journal: Journal) -> None:
    """The last one that heard anything counts; not another session's, nor the message's own."""
    entries = []
    for number, heard in ((1, 5), (2, None), (3, 9)):
        await journal.accept(said(number=number), lane=LANE)
        entry = await journal.head(LANE)
        assert entry is not None
        ids = {"session_id": "a-session", "prompt_uuid": str(number)}
        attempt = await journal.start_attempt(entry, **ids)
        assert attempt is not None
        state = AttemptState.FAILED
        await journal.end_attempt(replace(attempt, heard=heard), state=state)
        await journal.settle(entry, outcome=Outcome.TOLD)
        entries.append(entry)
    look = journal.hearing.look
    assert (await look("a-session", entry=99, platform="campfire", ids=[])).upto == 9
    last = entries[-1].seq
    assert (await look("a-session", entry=last, platform="campfire", ids=[])).upto == 5
    assert (await look("another", entry=99, platform="campfire", ids=[])).upto is None


async def test_an_answer_records_what_it_has_heard(journal: Journal) -> None:
    """In the commit that freezes it."""
    await journal.accept(said(), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid="u")
    assert attempt is not None
    await journal.freeze(
        entry,
        ["x"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=replace(attempt, heard=7),
        answer_text="x",
    )
    current = await journal.entry(entry.seq)
    assert current is not None
    assert [each.heard for each in current.attempts] == [7]


async def with_a_file(journal: Journal) -> Entry:
    """Have an answer with a file frozen, off the record."""
    entry = await off_the_record(journal, answered=False)
    await journal.freeze(
        entry,
        [SAID, File(name="seven-can.txt", content=SAID.encode())],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text=SAID,
    )
    return entry


async def test_a_file_that_could_not_be_posted_is_gone(journal: Journal, tmp_path: Path) -> None:
    """With its name: nobody can have it sent any more."""
    entry = await with_a_file(journal)
    await journal.settle(entry, outcome=Outcome.DEAD, reason="x")
    assert written(tmp_path) == []
    current = await journal.entry(entry.seq)
    assert current is not None
    assert [(part.html, part.file) for part in current.parts] == [("", None), ("", "")]


async def test_a_file_of_a_stopped_one_is_gone(journal: Journal, tmp_path: Path) -> None:
    """A stop takes effect on it, too."""
    await with_a_file(journal)
    command = said("stop", number=9)
    await journal.orders.obey(command, lane=f"!{LANE}/ada", order=Stop(author=None))
    assert written(tmp_path) == []


async def test_what_comes_too_late_for_a_stop_is_overwritten(
    journal: Journal, tmp_path: Path
) -> None:
    """It ends where its attempt would begin."""
    command = said("stop", number=9)
    await journal.orders.obey(command, lane=f"!{LANE}/ada", order=Stop(author=None))
    entry = await off_the_record(journal, number=8, answered=False)
    assert await journal.start_attempt(entry, session_id="s", prompt_uuid="p") is None
    assert await journal.orders.outcome(entry.seq) is Outcome.STOPPED
    assert written(tmp_path) == []


async def test_what_ends_with_another_is_overwritten(journal: Journal, tmp_path: Path) -> None:
    """A burst that is refused may hold both: what is kept and what is not."""
    await journal.accept(said(number=1), lane=LANE)
    message = replace(said(SECRET, number=2), html=SECRET, off_record=True)
    await journal.accept(message, lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    found = await journal.companions.candidates(entry, author=None, limit=9)
    entry = replace(entry, companions=found)
    (part,) = await journal.freeze(
        entry,
        ["Too many."],
        kind=PartKind.REFUSAL,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
    )
    assert await journal.settle(entry, last=part, remote_id="100")
    assert (await journal.tally()).told == 2
    assert written(tmp_path) == []
