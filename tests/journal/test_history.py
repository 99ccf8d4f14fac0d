from bot.journal import Expired, Journal
from bot.records import Outcome, PartKind, Person
from tests.journal.engines import KIM, LANE, LEE, Clock, said


async def converse(journal: Journal, number: int, author: Person = KIM, bot: str = "ada") -> None:
    """Let *author* ask something, and the bot answer it."""
    await journal.accept(said(f"Q{number}", number=number, author=author, bot=bot), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    (part,) = await journal.freeze(
        entry,
        [f"A{number}"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text=f"A{number}",
    )
    await journal.settle(entry, last=part, remote_id=str(number))


async def questions(journal: Journal, *, user: str | None = None, limit: int = 9) -> list[str]:
    """Read what Ada was asked in the Watercooler."""
    exchanges = await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=user, limit=limit
    )
    return [exchange.question for exchange in exchanges]


async def test_the_recap_is_the_end_of_the_conversation(journal: Journal) -> None:
    """The newest exchanges come, in the order they were held."""
    for number in range(1, 5):
        await converse(journal, number)
    assert await questions(journal, limit=2) == ["Q3", "Q4"]


async def test_a_recap_is_one_bots_and_one_persons(journal: Journal) -> None:
    """What was said to another bot or by another person can be left out."""
    await converse(journal, 1, KIM)
    await converse(journal, 2, LEE)
    await converse(journal, 3, KIM, bot="bo")
    assert await questions(journal) == ["Q1", "Q2"]
    assert await questions(journal, user=LEE.id) == ["Q2"]


async def test_only_answers_become_history(journal: Journal) -> None:
    """A message that was told something or skipped is no part of a recap."""
    await journal.accept(said(), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.TOLD)
    assert await questions(journal) == []


async def test_retention_keeps_counters_and_open_messages(journal: Journal, clock: Clock) -> None:
    """What is old and settled goes; the equation and what is owed stay."""
    for number in range(1, 4):
        await converse(journal, number)
    await journal.accept(said(number=9), lane=LANE)
    before = await journal.tally()
    clock.pass_(100)
    gone = await journal.expire(settled_before=clock(), history_before=0)
    assert gone == Expired(messages=3, exchanges=0)
    assert await journal.tally() == before
    assert await questions(journal) == ["Q1", "Q2", "Q3"]
    head = await journal.head(LANE)
    assert head is not None
    assert head.message.id == "9"


async def test_retention_keeps_what_is_young(journal: Journal, clock: Clock) -> None:
    """Messages and history have a border each."""
    await converse(journal, 1)
    clock.pass_(100)
    await converse(journal, 2)
    border = clock() - 50
    gone = await journal.expire(settled_before=border, history_before=border)
    assert gone == Expired(messages=1, exchanges=1)
    assert await questions(journal) == ["Q2"]


async def test_retention_works_in_slices(journal: Journal, clock: Clock) -> None:
    """More rows than a slice holds are deleted all the same, in several commits."""
    for number in range(450):
        await journal.accept(said(number=number), lane=LANE)
        entry = await journal.head(LANE)
        assert entry is not None
        await journal.settle(entry, outcome=Outcome.SKIPPED)
    clock.pass_(1)
    before = journal.statistics().commits
    gone = await journal.expire(settled_before=clock(), history_before=0)
    assert gone.messages == 450
    assert journal.statistics().commits - before >= 3
    assert (await journal.tally()).skipped == 450


async def test_an_expired_number_is_never_given_out_again(journal: Journal, clock: Clock) -> None:
    """A stale entry cannot settle a newer message by its number."""
    await converse(journal, 1)
    clock.pass_(1)
    await journal.expire(settled_before=clock(), history_before=clock())
    await journal.accept(said(number=2), lane=LANE)
    head = await journal.head(LANE)
    assert head is not None
    assert head.seq == 2
