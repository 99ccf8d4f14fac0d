"""Several messages in one turn: they wait, are asked, and end together, each of them counted."""

from dataclasses import replace

import pytest

from bot.journal import Journal
from bot.journal.orders import Stop
from bot.journal.views import Crowd
from bot.records import Acceptance, Attempt, AttemptState, Entry, Outcome, PartKind, Person
from tests.journal.engines import KIM, LANE, Clock, Engine, said

LEE = Person(id="8", name="Lee")


async def head(journal: Journal) -> Entry:
    """Return the next open message, which there must be."""
    found = await journal.head(LANE)
    assert found is not None
    return found


async def accept(journal: Journal, *numbers: int, author: Person = KIM) -> None:
    """Have messages accepted."""
    for number in numbers:
        await journal.accept(said(f"{number}?", number=number, author=author), lane=LANE)


async def gathered(journal: Journal) -> Entry:
    """Return the head with all that waits."""
    entry = await head(journal)
    found = await journal.companions.candidates(entry, author=None, limit=9)
    return replace(entry, companions=(*entry.companions, *found))


async def begin(journal: Journal, entry: Entry, uuid: str = "p-1") -> Attempt:
    """Start an attempt."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid=uuid)
    assert attempt is not None
    return attempt


async def together(journal: Journal, *numbers: int) -> tuple[Entry, Attempt]:
    """Have messages accepted and asked in one turn."""
    await accept(journal, *numbers)
    entry = await gathered(journal)
    return entry, await begin(journal, entry)


async def freeze(journal: Journal, entry: Entry, attempt: Attempt | None = None) -> None:
    """Fix an answer of one part."""
    await journal.freeze(
        entry,
        ["Hi."],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=attempt,
        answer_text="Hi.",
    )


async def settle(journal: Journal, entry: Entry) -> None:
    """Post the one part, and settle."""
    (part,) = (await head(journal)).parts
    assert await journal.settle(entry, last=part, remote_id="100")


def numbers_of(entry: Entry) -> list[str]:
    """Return which messages a turn answers."""
    return [message.id for message in entry.messages]


async def asked(journal: Journal) -> list[tuple[str, str | None]]:
    """Return what the history has of the room."""
    recent = journal.dialogues.recent(platform="campfire", bot="ada", room="42", user=None, limit=1)
    return [(exchange.question, exchange.answer) for exchange in await recent]


async def test_a_joined_message_is_never_next(journal: Journal) -> None:
    """Only its leader is; what came later has its own turn, after both."""
    _, attempt = await together(journal, 1, 2)
    await accept(journal, 3)
    entry = await head(journal)
    assert numbers_of(entry) == ["1", "2"]
    await freeze(journal, entry, attempt)
    await settle(journal, entry)
    assert numbers_of(await head(journal)) == ["3"]


async def test_an_answer_ends_all(journal: Journal) -> None:
    """Each is counted; the history has every question, and the answer once."""
    entry, attempt = await together(journal, 1, 2, 3)
    await freeze(journal, entry, attempt)
    await settle(journal, entry)
    tally = await journal.tally()
    assert (tally.accepted, tally.answered, tally.open) == (3, 3, 0)
    assert tally.balanced
    assert await asked(journal) == [("1?", None), ("2?", None), ("3?", "Hi.")]


async def test_a_reply_without_an_attempt_joins_too(journal: Journal) -> None:
    """A refusal is about a burst: what is frozen names it."""
    await accept(journal, 1, 2, 3)
    entry = await gathered(journal)
    await journal.freeze(
        entry,
        ["No."],
        kind=PartKind.REFUSAL,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
        reason="too many",
    )
    await settle(journal, entry)
    assert (await journal.tally()).told == 3
    last = await journal.entry(3)
    assert last is not None
    assert last.verdict is Outcome.TOLD


async def test_a_crash_leaves_them_together(engine: Engine, clock: Clock) -> None:
    """The next process finds the turn as it was; what came later stays out of it."""
    async with engine.open(now=clock) as journal:
        await together(journal, 1, 2)
        await accept(journal, 3)
    async with engine.open(now=clock) as journal:
        await journal.take_rooms()
        entry = await head(journal)
        assert numbers_of(entry) == ["1", "2"]
        assert [attempt.state for attempt in entry.attempts] == [AttemptState.INTERRUPTED]
        attempt = await begin(journal, entry, "p-2")
        await freeze(journal, entry, attempt)
        await settle(journal, entry)
        assert (await journal.tally()).answered == 2


async def test_what_is_gone_is_not_joined(journal: Journal) -> None:
    """A message that ended meanwhile makes the attempt look again; nobody is half joined."""
    await accept(journal, 1, 2, 3)
    entry = await gathered(journal)
    await journal.settle(entry.companions[0], outcome=Outcome.STOPPED)
    assert await journal.start_attempt(entry, session_id="s", prompt_uuid="p") is None
    assert numbers_of(await head(journal)) == ["1"]
    assert numbers_of(await gathered(journal)) == ["1", "3"]


async def test_who_stops_their_own_stops_nobody_elses(journal: Journal) -> None:
    """Kim's turn is stopped; Lee's message waits for one of its own."""
    await accept(journal, 1)
    await accept(journal, 2, author=LEE)
    await accept(journal, 3)
    entry = await gathered(journal)
    await begin(journal, entry)
    await journal.settle(entry, outcome=Outcome.STOPPED)
    tally = await journal.tally()
    assert (tally.stopped, tally.open, tally.balanced) == (2, 1, True)
    assert numbers_of(await head(journal)) == ["2"]


async def test_one_can_be_stopped_alone(journal: Journal) -> None:
    """The turn goes on for the others."""
    entry, attempt = await together(journal, 1, 2, 3)
    await journal.settle(entry.companions[0], outcome=Outcome.STOPPED)
    entry = await head(journal)
    assert numbers_of(entry) == ["1", "3"]
    await freeze(journal, entry, attempt)
    await settle(journal, entry)
    tally = await journal.tally()
    assert (tally.answered, tally.stopped, tally.open) == (2, 1, 0)


async def test_dead_letters_of_a_turn_are_retried_together(journal: Journal) -> None:
    """Whichever is named: the reply is one, so it is owed to all again."""
    entry, _ = await together(journal, 1, 2, 3)
    await journal.settle(entry, outcome=Outcome.DEAD, reason="bug")
    letters = await journal.letters.listed()
    assert [(letter.entry.seq, letter.reason) for letter in letters] == [
        (3, "bug"),
        (2, "bug"),
        (1, "bug"),
    ]
    assert await journal.letters.retry(2)
    tally = await journal.tally()
    assert (tally.dead, tally.open, tally.balanced) == (0, 3, True)
    assert numbers_of(await head(journal)) == ["1", "2", "3"]


async def test_those_whom_nobody_could_ask_are_retried_together(journal: Journal) -> None:
    """The room was to be told that there is no agent, and could not be: no attempt ever began.

    Who is asked then is who is answered.
    """
    await accept(journal, 1, 2)
    entry = await gathered(journal)
    (part,) = await journal.freeze(
        entry,
        ["No agent."],
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
    )
    await journal.kill_part(part, error="403")
    await journal.settle(entry, outcome=Outcome.DEAD, reason="403")
    assert await journal.letters.retry(1)
    entry = await head(journal)
    assert (numbers_of(entry), entry.attempts, entry.verdict) == (["1", "2"], (), None)
    await freeze(journal, entry, await begin(journal, entry))
    await settle(journal, entry)
    assert (await journal.tally()).answered == 2
    assert await journal.head(LANE) is None


async def test_an_answer_that_could_not_be_posted_is_retried_for_all(journal: Journal) -> None:
    """Nobody is asked again, and the letter of each says so."""
    entry, attempt = await together(journal, 1, 2)
    await freeze(journal, entry, attempt)
    await journal.settle(entry, outcome=Outcome.DEAD, reason="403")
    letter = await journal.letters.read(2)
    assert letter is not None
    assert letter.has_answer
    assert await journal.letters.retry(2)
    entry = await head(journal)
    assert (numbers_of(entry), entry.verdict) == (["1", "2"], Outcome.ANSWERED)
    assert await journal.settle(
        entry, last=await journal.mark_sending(entry.parts[0]), remote_id="100"
    )
    assert (await journal.tally()).answered == 2


async def test_a_dropped_one_stays_dead(journal: Journal) -> None:
    """A retry of the others does not bring it back; its own does, and alone."""
    entry, _ = await together(journal, 1, 2, 3)
    await journal.settle(entry, outcome=Outcome.DEAD)
    await journal.letters.drop(2)
    assert await journal.letters.retry(1)
    assert numbers_of(await head(journal)) == ["1", "3"]
    assert await journal.letters.retry(2)
    assert (await journal.tally()).open == 3
    assert numbers_of(await head(journal)) == ["1", "3"]


async def test_candidates_have_no_answer_anywhere(journal: Journal) -> None:
    """What a crash broke off may be answered in the transcript: it has its own turn."""
    await accept(journal, 1, 2, 3)
    entry = await head(journal)
    attempt = await begin(journal, entry)
    await journal.take_rooms()
    await accept(journal, 0)
    assert numbers_of(await gathered(journal)) == ["0", "2", "3"]
    await journal.end_attempt(attempt, state=AttemptState.FAILED)
    assert numbers_of(await gathered(journal)) == ["0", "1", "2", "3"]


# ---- additions ----


async def steered(journal: Journal) -> tuple[Attempt, Attempt, Attempt]:
    """Have a message asked, and two more added to it."""
    await accept(journal, 1)
    first = await begin(journal, await head(journal))
    await accept(journal, 2, 3)
    added = [
        await journal.companions.add(entry, to=first, prompt_uuid=f"p-{entry.seq}")
        for entry in await journal.companions.candidates(await head(journal), author=None, limit=9)
    ]
    second, third = added
    assert second is not None
    assert third is not None
    return first, second, third


async def test_an_addition_is_known_before_it_is_sent(journal: Journal) -> None:
    """With the attempt that it was added to; once."""
    first, second, third = await steered(journal)
    assert (second.behind, third.behind) == (first.seq, first.seq)
    assert await journal.companions.sent_with(first) == ("p-2", "p-3")
    assert await journal.companions.sent_with(third) == ("p-2", "p-3")
    entry = await journal.entry(2)
    assert entry is not None
    assert await journal.companions.add(entry, to=first, prompt_uuid="again") is None


async def test_nothing_is_added_to_what_has_ended(journal: Journal) -> None:
    """Then it waits for its turn."""
    await accept(journal, 1)
    first = await begin(journal, await head(journal))
    await journal.end_attempt(first, state=AttemptState.FAILED)
    await accept(journal, 2)
    entry = await journal.entry(2)
    assert entry is not None
    assert await journal.companions.add(entry, to=first, prompt_uuid="p-2") is None


async def test_one_answer_settles_what_it_names(journal: Journal) -> None:
    """The message of an absorbed prompt ends with the turn; the other goes before what waits."""
    await steered(journal)
    await accept(journal, 0, author=LEE)
    entry = await journal.entry(1)
    assert entry is not None
    kept = await journal.companions.absorb(entry, ("p-2", "p-1"), kept_as="p-1")
    await freeze(journal, entry, kept)
    await settle(journal, entry)
    assert (await journal.tally()).answered == 2
    assert await asked(journal) == [("1?", None), ("2?", "Hi.")]
    following = await head(journal)
    assert numbers_of(following) == ["3"]
    assert following.attempts[-1].state is AttemptState.RUNNING


async def test_only_the_prompt_in_the_transcript_counts_as_answered(journal: Journal) -> None:
    """So that nobody takes the others for answers that the agent has forgotten."""
    await steered(journal)
    entry = await journal.entry(1)
    assert entry is not None
    await freeze(journal, entry, entry.attempts[0])
    await settle(journal, entry)
    entry = await head(journal)
    kept = await journal.companions.absorb(entry, ("p-2", "p-3"), kept_as="p-3")
    await freeze(journal, entry, kept)
    assert (await journal.prompts("s")).answered == ("p-3", "p-1")


async def test_after_a_crash_an_addition_waits_in_its_place(journal: Journal) -> None:
    """Nobody knows what the child made of it: its own turn looks into the transcript."""
    await steered(journal)
    await journal.take_rooms()
    entry = await journal.entry(1)
    assert entry is not None
    await freeze(journal, entry)
    await settle(journal, entry)
    await accept(journal, 0)
    assert numbers_of(await head(journal)) == ["0"]
    assert numbers_of(await gathered(journal)) == ["0"]


# ---- how much waits ----


async def crowd(journal: Journal, *, author: Person = KIM, user: str | None = None) -> Crowd:
    """Return what a message sees that comes now; it goes elsewhere."""
    seen: list[Crowd] = []

    def choose(found: Crowd) -> str:
        seen.append(found)
        return "elsewhere"

    number = 100 + (await journal.tally()).accepted
    message = said(number=number, author=author)
    assert (
        await journal.reception.accept_by(message, LANE, user=user, choose=choose) is Acceptance.NEW
    )
    return seen[0]


async def test_what_runs_does_not_wait(journal: Journal) -> None:
    """Nor what is answered with it."""
    await together(journal, 1, 2)
    await accept(journal, 3)
    await accept(journal, 4, author=LEE)
    assert await crowd(journal) == Crowd(waiting=2, each=1, session=4)
    assert await crowd(journal, author=LEE, user=LEE.id) == Crowd(waiting=2, each=1, session=1)


async def test_it_is_counted_after_all_that_came_before(journal: Journal) -> None:
    """Also what is still on its way to the disk."""
    coming = [journal.accept(said(number=number), lane=LANE) for number in range(5)]
    assert (await crowd(journal)).waiting == 5
    assert all(future.done() for future in coming)


async def test_a_repeated_message_is_accepted_once_wherever_it_goes(journal: Journal) -> None:
    """The lane is no part of its identity; nobody is told of a lane with nothing new."""
    told: list[str] = []
    journal.on_new(told.append)
    await journal.accept(said(number=1), lane=LANE)
    again = journal.reception.accept_by(
        said(number=1), LANE, user=None, choose=lambda _: "elsewhere"
    )
    assert await again is Acceptance.REPEATED
    assert told == [LANE]
    assert (await journal.tally()).accepted == 1


@pytest.mark.parametrize("text", ["fine", "\ud83d"])
async def test_the_chosen_lane_is_told(journal: Journal, text: str) -> None:
    """As the lane of any new message is."""
    told: list[str] = []
    journal.on_new(told.append)
    await journal.reception.accept_by(said(text), LANE, user=None, choose=lambda _: "elsewhere")
    assert told == ["elsewhere"]


async def test_nothing_is_joined_to_what_was_stopped_just_then(journal: Journal) -> None:
    """The answer came as its message was stopped: what it answered as well waits again."""
    await steered(journal)
    entry = await journal.entry(1)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.STOPPED)
    await journal.companions.absorb(entry, ("p-1", "p-2"), kept_as="p-2")
    following = await head(journal)
    assert numbers_of(following) == ["2"]
    assert (await journal.tally()).balanced


async def test_a_stop_cuts_the_turn_that_others_share(journal: Journal) -> None:
    """Its attempt is over in the same commit, so that no crash is suspected of it."""
    await accept(journal, 1, author=LEE)
    await accept(journal, 2)
    entry = await gathered(journal)
    await begin(journal, entry)
    stop = said("stop", number=9)
    obeyed = await journal.orders.obey(stop, lane=f"!{LANE}/ada", order=Stop(author=KIM.id))
    assert obeyed.stopped.messages == (entry.companions[0].seq,)
    assert obeyed.stopped.cut == (entry.seq,)
    (attempt,) = (await head(journal)).attempts
    assert attempt.state is AttemptState.CUT_OFF
    assert numbers_of(await journal.companions.left(entry)) == ["1"]
    assert await journal.take_rooms() == 0


@pytest.mark.parametrize("author", [KIM.id, LEE.id, None])
async def test_an_answer_that_is_frozen_is_the_others_too(
    journal: Journal, author: str | None
) -> None:
    """Neither who led the turn nor a companion stops it; all of them do."""
    await accept(journal, 1, author=LEE)
    await accept(journal, 2)
    entry = await gathered(journal)
    await freeze(journal, entry, await begin(journal, entry))
    stop = said("stop", number=9)
    obeyed = await journal.orders.obey(stop, lane=f"!{LANE}/ada", order=Stop(author=author))
    assert obeyed.stopped.cut == ()
    assert len(obeyed.stopped.messages) == (2 if author is None else 0)
