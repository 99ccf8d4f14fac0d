"""What a command does to other messages is in the commit that accepts it."""

import pytest

from bot.journal import Journal
from bot.journal.orders import Obeyed, Renew, Stop
from bot.records import (
    Acceptance,
    AttemptState,
    Entry,
    Message,
    Outcome,
    Part,
    PartKind,
    PartState,
    SessionKey,
)
from tests.journal.engines import KIM, LANE, LEE, said

_LANE = f"!{LANE}/ada"
_ROOM = SessionKey(room="42", bot="ada")


async def ask(journal: Journal, message: Message, *, lane: str = LANE) -> Entry:
    """Have *message* accepted; return the head of its lane."""
    await journal.accept(message, lane=lane)
    head = await journal.head(lane)
    assert head is not None
    return head


async def stop(journal: Journal, number: int = 9, *, author: str | None = KIM.id) -> Obeyed:
    """Have Kim say stop, for her own messages or for all."""
    return await journal.orders.obey(
        said("stop", number=number), lane=_LANE, order=Stop(author=author)
    )


async def renew(journal: Journal, number: int = 9, *, user: str | None = None) -> Obeyed:
    """Have Kim say new."""
    return await journal.orders.obey(said("new", number=number), lane=_LANE, order=Renew(user=user))


async def freeze(journal: Journal, entry: Entry, *htmls: str) -> tuple[Part, ...]:
    """Fix the answer to *entry*."""
    return await journal.freeze(
        entry,
        htmls,
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
    )


async def answer(journal: Journal, message: Message) -> None:
    """Have *message* answered."""
    entry = await ask(journal, message)
    (part,) = await freeze(journal, entry, "one")
    assert await journal.settle(entry, last=part, remote_id="77")


async def reread(journal: Journal, entry: Entry) -> Entry:
    """Read an entry as it is now."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return current


async def test_what_was_said_before_is_stopped(journal: Journal) -> None:
    """Kim's own messages, in any lane of the bot's; neither Lee's, nor Bo's, nor later ones."""
    first = await ask(journal, said(number=1))
    own_lane = await ask(journal, said(number=2), lane=f"{LANE}/ada")
    others = [said(number=3, author=LEE), said(number=4, bot="bo"), said(number=10)]
    for message in others:
        await journal.accept(message, lane=LANE)
    assert (await stop(journal)).stopped.messages == (first.seq, own_lane.seq)
    head = await journal.head(LANE)
    assert head is not None
    assert head.message.id == "3"
    tally = await journal.tally()
    assert (tally.stopped, tally.open, tally.balanced) == (2, 4, True)


async def test_everybodys_messages_are_stopped(journal: Journal) -> None:
    """When whoever says it may."""
    for number, author in ((1, KIM), (2, LEE)):
        await journal.accept(said(number=number, author=author), lane=LANE)
    obeyed = await stop(journal, author=None)
    assert len(obeyed.stopped.messages) == 2
    head = await journal.head(_LANE)
    assert head is not None
    assert await journal.orders.stopped_by(head.seq) == 2


async def test_a_repeated_stop_has_no_second_effect(journal: Journal) -> None:
    """It is known by its message; what came later is left alone, whatever its position."""
    await stop(journal)
    await journal.accept(said(number=10), lane=LANE)
    assert await stop(journal) == Obeyed(acceptance=Acceptance.REPEATED)
    assert await journal.head(LANE) is not None


async def test_what_was_accepted_a_moment_before_is_stopped(journal: Journal) -> None:
    """Though it still waits for its commit."""
    accepted = [journal.accept(said(number=number), lane=LANE) for number in (1, 2, 3)]
    assert len((await stop(journal)).stopped.messages) == 3
    assert [await one for one in accepted] == [Acceptance.NEW] * 3


async def test_an_attempt_that_runs_is_stopped(journal: Journal) -> None:
    """Whatever ends it then, and its session knows the prompt as one that nobody wants."""
    entry = await ask(journal, said())
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    await stop(journal)
    await journal.end_attempt(attempt, state=AttemptState.FAILED)
    assert (await reread(journal, entry)).attempts[0].state is AttemptState.STOPPED
    assert (await journal.prompts("s")).stopped == {"p"}
    assert await journal.orders.outcome(entry.seq) is Outcome.STOPPED
    assert await freeze(journal, entry, "too late") == ()


async def test_parts_that_have_not_left_never_do(journal: Journal) -> None:
    """One that is on its way may still arrive; that is recorded, and changes nothing else."""
    entry = await ask(journal, said())
    sending, waiting = await freeze(journal, entry, "one", "two")
    await stop(journal)
    assert (await journal.mark_sending(waiting)).state is PartState.DEAD
    assert (await journal.retry_part(sending, not_before=0, error="x")).state is PartState.DEAD
    assert not await journal.settle(entry, last=sending, remote_id="77")
    states = [part.state for part in (await reread(journal, entry)).parts]
    assert states == [PartState.POSTED, PartState.DEAD]
    assert (await journal.tally()).balanced


async def test_what_stands_in_the_room_is_not_stopped(journal: Journal) -> None:
    """It only lacks the note of it, and ends as what it is."""
    entry = await ask(journal, said())
    (part,) = await freeze(journal, entry, "one")
    await journal.mark_posted(part, remote_id="77")
    assert (await stop(journal)).stopped.messages == ()
    current = await journal.head(LANE)
    assert current is not None
    assert await journal.settle(current)
    assert await journal.orders.outcome(entry.seq) is Outcome.ANSWERED


async def test_what_comes_too_late_for_a_stop_is_stopped(journal: Journal) -> None:
    """It was said before the stop and accepted after it: no attempt is made."""
    await stop(journal)
    late = await ask(journal, said(number=8))
    assert await journal.start_attempt(late, session_id="s", prompt_uuid="p") is None
    assert await journal.orders.outcome(late.seq) is Outcome.STOPPED
    of_lee = await ask(journal, said(number=7, author=LEE))
    assert await journal.start_attempt(of_lee, session_id="s", prompt_uuid="q") is not None


async def test_what_an_operator_opens_again_is_tried(journal: Journal) -> None:
    """A dead letter from before the stop was accepted before it, and is wanted."""
    entry = await ask(journal, said())
    await journal.settle(entry, outcome=Outcome.DEAD)
    await stop(journal)
    assert await journal.letters.retry(entry.seq)
    assert await journal.start_attempt(entry, session_id="s", prompt_uuid="p") is not None


async def recent(journal: Journal, user: str | None = None) -> list[str]:
    """Return what a recap would be made of."""
    exchanges = await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=user, limit=10
    )
    return [exchange.question for exchange in exchanges]


@pytest.mark.parametrize(("user", "left"), [(None, []), (KIM.id, ["and milk?"])])
async def test_new_forgets_what_was_answered(
    journal: Journal, user: str | None, left: list[str]
) -> None:
    """The room's, or Kim's; and what she asked before it and is answered after it."""
    await answer(journal, said("tea?", number=1))
    await answer(journal, said("and milk?", number=2, author=LEE))
    running = await ask(journal, said("cold?", number=3))
    await renew(journal, user=user)
    assert await recent(journal) == left
    (part,) = await freeze(journal, running, "yes")
    await journal.settle(running, last=part, remote_id="78")
    assert await recent(journal) == left
    await answer(journal, said("sugar?", number=10))
    assert await recent(journal) == [*left, "sugar?"]


async def test_an_old_new_forgets_only_what_is_older(journal: Journal) -> None:
    """Found late in the room's history, it takes nothing from what was said since."""
    await answer(journal, said("tea?", number=1))
    await answer(journal, said("milk?", number=20))
    await renew(journal, number=9)
    assert await recent(journal) == ["milk?"]


async def test_a_session_is_owed_until_it_is_gone(journal: Journal) -> None:
    """A later `new` is owed on its own, and an earlier one that comes late is not."""
    await renew(journal, number=9)
    (first,) = await journal.orders.renewals_owed()
    assert (first.key, first.position) == (_ROOM, 9)
    await renew(journal, number=12)
    await journal.orders.renewed(first)
    (second,) = await journal.orders.renewals_owed()
    await journal.orders.renewed(second)
    await renew(journal, number=11)
    assert await journal.orders.renewals_owed() == ()
    assert await journal.orders.horizon("campfire", _ROOM) == 12
    assert await journal.orders.horizon("campfire", SessionKey(room="43", bot="ada")) is None


async def test_who_still_needs_the_old_session(journal: Journal) -> None:
    """Whoever asked before and has no answer yet; for one person's session only that person."""
    entry = await ask(journal, said(number=1, author=LEE))
    await renew(journal, number=9)
    await renew(journal, number=10, user=KIM.id)
    of_room, of_kim = await journal.orders.renewals_owed()
    assert await journal.orders.owes_before(of_room)
    assert not await journal.orders.owes_before(of_kim)
    await freeze(journal, entry, "one")
    assert not await journal.orders.owes_before(of_room)


async def test_what_the_bot_is_busy_with(journal: Journal) -> None:
    """Who is being answered, since when, and how many wait; commands are none of them."""
    entry = await ask(journal, said(number=1))
    await journal.accept(said(number=2, author=LEE), lane=LANE)
    await journal.accept(said("status", number=3), lane=_LANE)
    situation = await journal.orders.situation("campfire", _ROOM)
    assert (situation.asker, situation.since, situation.waiting) == (None, None, 2)
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    situation = await journal.orders.situation("campfire", _ROOM)
    assert (situation.asker, situation.waiting) == ("Kim", 1)
    assert situation.since == attempt.started_at
    of_lee = SessionKey(room="42", bot="ada", user=LEE.id)
    situation = await journal.orders.situation("campfire", of_lee)
    assert (situation.asker, situation.waiting) == (None, 1)
