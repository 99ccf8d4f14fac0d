"""A server that is killed with a thousand messages open goes on with them."""

import sys
from pathlib import Path

import pytest

from tests.chaos.judge import judge
from tests.chaos.restart import MESSAGES, ROOMS, a_pile, describe, kill_a_busy_server


@pytest.mark.timeout(240)
async def test_a_thousand_open_messages_survive_a_kill(tmp_path: Path) -> None:
    """All that was acknowledged is there after the restart, and turns start; how soon is shown."""
    history = await kill_a_busy_server(tmp_path, a_pile(rooms=ROOMS, messages=MESSAGES))
    sys.stdout.write(describe(history))
    assert sum(one.acknowledged_at is not None for one in history.asked) == MESSAGES
    assert len(history.rows) == MESSAGES
    figures = judge(history).figures
    assert figures["duplicates shown"] == 0
    assert figures["started out of order"] == 0
    assert figures["shown out of order"] == 0
    assert figures["acknowledged, not in the journal"] == 0
    assert figures["server"] == 0
