"""What bots can do to messages: found out, remembered, and found out again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.errors import ChatRefused, ChatUnavailable, ChatUncertain, PostFailed
from bot.platforms.campfire.api import Api
from bot.platforms.campfire.capability import REPROBE_S
from bot.platforms.campfire.changes import Changes
from bot.platforms.campfire.wire import Wire
from bot.testing.campfire import Campfire, Dialect, Message, Room, open_campfire
from bot.testing.campfire.records import BotAccount
from tests.platforms.test_api import NO_CERTIFICATES

_EDITING = {Dialect.MAIN}
_REACTING = {Dialect.MAIN, Dialect.HALFWAY}


@dataclass
class Place:
    """A room with a message of Ada's, and her hands."""

    chat: Campfire
    room: Room
    ada: BotAccount
    own: Message
    others: Message
    changes: Changes
    clock: list[float]

    @property
    def message(self) -> Message | None:
        """Ada's message as it stands there."""
        return self.room.find(self.own.id)

    @property
    def calls(self) -> list[str]:
        """What was asked for, by its method."""
        return [call.method for call in self.chat.api_calls]

    def named(self, message: Message) -> dict[str, str]:
        """Return what names a message."""
        return {"room": str(self.room.id), "message": str(message.id), "key": self.ada.key}


@asynccontextmanager
async def a_place(dialect: Dialect) -> AsyncIterator[Place]:
    """Open a Campfire."""
    async with (
        open_campfire(dialect=dialect) as chat,
        Wire(NO_CERTIFICATES) as wire,
    ):
        kim, ada = chat.add_person("Kim"), chat.add_bot("Ada")
        room, clock = chat.add_room("Watercooler", members=[kim, ada]), [0.0]
        own, others = await chat.say(room, ada, "so far"), await chat.say(room, kim, "hi")
        changes = Changes(Api(chat.url, wire), now_s=lambda: clock[0])
        yield Place(chat, room, ada, own, others, changes, clock)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """Open one that lets bots do everything."""
    async with a_place(Dialect.MAIN) as opened:
        yield opened


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_what_bots_can_do_is_found_out(dialect: Dialect) -> None:
    """Each by itself, once, and without a change to anything."""
    async with a_place(dialect) as place:
        room = str(place.room.id)
        assert [await place.changes.can_edit(room) for _ in range(3)] == [dialect in _EDITING] * 3
        assert place.calls == ["PATCH"]
        assert place.message == place.own
        for _ in range(2):
            did = await place.changes.react(**place.named(place.others), reaction="👀")
            assert did is (dialect in _REACTING)
        assert place.changes.can_react() is (dialect in _REACTING)
        assert place.calls == ["PATCH", "POST"] + ["POST"] * (dialect in _REACTING)


async def test_it_is_found_out_again() -> None:
    """After some minutes, or when the version in the answers changes."""
    async with a_place(Dialect.RELEASED) as place:
        room = str(place.room.id)
        assert not await place.changes.can_edit(room)
        place.clock[0] += REPROBE_S
        assert not await place.changes.can_edit(room)
        assert len(place.calls) == 2
        await place.changes._api.post_message(room=room, html="hi", key=place.ada.key)
        assert not await place.changes.can_edit(room)
        assert place.calls == ["PATCH", "PATCH", "POST", "PATCH"]


async def test_a_message_changes_and_goes(place: Place) -> None:
    """An edit may be repeated; what is gone is removed."""
    for _ in range(2):
        await place.changes.edit(**place.named(place.own), html="<p>whole</p>")
    assert place.message is not None
    assert place.message.plain == "whole"
    for _ in range(2):
        await place.changes.remove(**place.named(place.own))
    assert place.message is None
    with pytest.raises(ChatRefused, match="404"):
        await place.changes.edit(**place.named(place.own), html="<p>late</p>")


async def test_others_messages_are_not_ours_to_change(place: Place) -> None:
    """Campfire says so, and it is an error."""
    with pytest.raises(ChatRefused, match="403"):
        await place.changes.edit(**place.named(place.others), html="no")
    with pytest.raises(ChatRefused, match="403"):
        await place.changes.remove(**place.named(place.others))


async def test_a_message_that_is_gone_says_nothing_of_reactions(place: Place) -> None:
    """Where they are known to be there, they still are."""
    assert await place.changes.react(**place.named(place.others), reaction="👀")
    await place.chat.remove(place.others)
    assert not await place.changes.react(**place.named(place.others), reaction="✅")
    assert place.changes.can_react()


@pytest.mark.parametrize(
    ("status", "error"), [(503, ChatUnavailable), (500, PostFailed), (504, ChatUncertain)]
)
async def test_failures_are_those_of_posts(
    place: Place, status: int, error: type[Exception]
) -> None:
    """Neither the key nor a wrong word about posting is in what they say."""
    place.chat.fail_changes(status)
    with pytest.raises(error, match="changing a message in room") as failed:
        await place.changes.edit(**place.named(place.own), html="<p>whole</p>")
    assert place.ada.key not in str(failed.value)


async def test_a_probe_that_fails_teaches_nothing(place: Place) -> None:
    """It is made again the next time."""
    place.chat.fail_changes(503)
    with pytest.raises(ChatUnavailable):
        await place.changes.can_edit(str(place.room.id))
    assert await place.changes.can_edit(str(place.room.id))
