"""A run does not end while a message waits for its trial."""

from pathlib import Path
from uuid import uuid4

from bot.journal import open_journal
from bot.records import Outcome
from tests.chaos.journal import calm_s
from tests.journal.engines import LANE, NOON, said


async def test_the_calm_that_is_owed_is_known(tmp_path: Path) -> None:
    """Of whatever is open, the longest; none when nothing is."""
    path, waits = tmp_path / "journal.db", []
    async with open_journal(path, node="test", now=NOON.timestamp) as journal:
        await journal.take_rooms()
        await journal.accept(said(), lane=LANE)
        entry = await journal.head(LANE)
        assert entry is not None
        for _ in range(2):
            await journal.start_attempt(entry, session_id="s", prompt_uuid=str(uuid4()), alone=True)
            await journal.take_rooms()
            waits.append(calm_s(path))
        await journal.settle(entry, outcome=Outcome.TOLD)
        waits.append(calm_s(path))
    assert waits == [10.0, 20.0, 0.0]
