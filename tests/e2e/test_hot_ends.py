"""How children end with the server: interrupted first, side by side, and all that they started."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from claude_agent_sdk import ClaudeSDKClient

from bot.agent.child import children
from bot.agent.conversation import Conversation
from bot.testing.model import Gate, call_tool, hold
from tests import guards
from tests.agent import notes_server
from tests.agent.processes import arguments
from tests.e2e.process import all_gone
from tests.e2e.world import PATIENCE_S, open_world


class Ends:
    """Notes how the SDK's clients are ended; no interrupt leaves before so many are wanted."""

    def __init__(self, *, side_by_side: int) -> None:
        self._wanted = asyncio.Barrier(side_by_side)
        self._calls: dict[ClaudeSDKClient, list[str]] = {}

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin."""
        interrupt, disconnect = ClaudeSDKClient.interrupt, ClaudeSDKClient.disconnect

        async def note_interrupt(client: ClaudeSDKClient) -> None:
            await self._wanted.wait()
            await interrupt(client)
            self._note(client, "the child has confirmed the interrupt")

        async def note_disconnect(client: ClaudeSDKClient) -> None:
            self._note(client, "disconnected")
            await disconnect(client)

        monkeypatch.setattr(ClaudeSDKClient, "interrupt", note_interrupt)
        monkeypatch.setattr(ClaudeSDKClient, "disconnect", note_disconnect)

    @property
    def seen(self) -> list[list[str]]:
        """What became of each client, the longest story last."""
        return sorted(self._calls.values(), key=len)

    def _note(self, client: ClaudeSDKClient, call: str) -> None:
        self._calls.setdefault(client, []).append(call)


async def test_a_turn_is_interrupted_before_its_child_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the grace is over: all at once, off the record too; one that is idle is let go."""
    async with open_world(tmp_path, workers=4) as world:
        members = [world.kim, world.ada]
        rooms = [world.campfire.add_room(f"Room {n}", members=members) for n in range(3)]
        asked = ["@Ada hold on", "@Ada hold on", "@Ada off the record: hold on"]
        gate, ends = Gate(), Ends(side_by_side=len(asked))
        world.model.script("hold on", hold(gate))
        async with world.serving({"HEARTH_GRACE": "0s"}) as server:
            await world.ask("@Ada my name is Kim")
            for room, text in zip(rooms, asked, strict=True):
                await world.say(text, room=room)
            await gate.reached(len(asked), timeout_s=PATIENCE_S)
            ends.watch(monkeypatch)
            server.stop.set()
        cut_off = ["the child has confirmed the interrupt", "disconnected"]
        assert ends.seen == [["disconnected"], cut_off, cut_off, cut_off]
        written = [path.read_text() for path in world.transcripts()]
        assert sorted("[Request interrupted" in text for text in written) == [False, True, True]
    assert guards.children() == frozenset()


def started_by(child: int, program: str) -> int:
    """Return the process of *program* that a child has started."""
    (pid,) = (pid for pid in children(child) if program in arguments(pid))
    return pid


async def test_what_a_child_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of both listens any more: their whole group is killed."""

    async def hang(_self: Conversation) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.sessions.conversations._CLOSE_S", 0.1)
    program = str(notes_server.__file__)
    async with open_world(tmp_path) as world:
        world.write_bot(
            "ada",
            f'[agent.mcp_servers.notes]\ncommand = "{sys.executable}"\nargs = ["{program}"]\n'
            'env = { NOTES_TOKEN = { env = "A_NOTE" } }\n',
        )
        world.model.script("read", call_tool("mcp__notes__read"))
        async with world.serving({"A_NOTE": "cold"}) as server:
            assert await world.ask("@Ada read") == "The tool said: notes of cold"
            (child,) = guards.children()
            notes = started_by(child, program)
            for pid in (child, notes):
                os.kill(pid, signal.SIGSTOP)
            monkeypatch.setattr(Conversation, "close", hang)
            server.stop.set()
    assert child not in guards.children()
    ended = all_gone(frozenset({notes}))
    if not ended:  # the test fails, and leaves nothing running
        os.kill(notes, signal.SIGKILL)
    assert ended
