import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.platforms.campfire import Campfire
from bot.platforms.campfire.wire import Wire
from bot.records import Credentials, Ignored, Message, MessageKind, Person, RoomMessage
from tests.platforms.deliveries import KEY
from tests.platforms.test_mentions import attachment, signed

SAID = datetime(2026, 8, 21, 11, tzinfo=UTC)
NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)
ADA = Credentials(bot="ada", key=KEY)
MENTION = attachment(signed("gid://campfire/User/3?expires_in"))
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def campfire() -> AsyncIterator[Campfire]:
    """Give the platform, with the bots Ada (user 3) and Bo (user 5); nobody is called."""
    async with Wire(NO_CERTIFICATES) as wire:
        platform = Campfire("http://127.0.0.1:1", wire)
        platform.know_bots([KEY, "5-BoBoBoBoBoBo"])
        yield platform


def said(
    plain: str = "@Ada hi",
    html: str | None = f"<div>{MENTION} hi</div>",
    *,
    author: str = "42",
    by_bot: bool = False,
) -> RoomMessage:
    """Return what Kim said to Ada, with changes."""
    return RoomMessage(
        id="100",
        position=100,
        author=Person(id=author, name="Kim"),
        by_bot=by_bot,
        html=html,
        plain=plain,
        created_at=SAID,
    )


def read(
    campfire: Campfire, message: RoomMessage, *, direct: bool = False, bot_name: str = "Ada"
) -> Message | Ignored:
    """Read *message*, of the Watercooler or of a direct room, for Ada."""
    return campfire.read_missed(
        message,
        credentials=ADA,
        bot_name=bot_name,
        room="7",
        room_name=None if direct else "Watercooler",
        direct=direct,
        received_at=NOW,
    )


def words(outcome: Message | Ignored) -> tuple[MessageKind, str]:
    """Return kind and text of a message."""
    assert isinstance(outcome, Message)
    return outcome.kind, outcome.text


async def test_every_field(campfire: Campfire) -> None:
    """A mention is read into the record that its delivery would have become."""
    assert read(campfire, said()) == Message(
        platform="campfire",
        bot="ada",
        room="7",
        room_name="Watercooler",
        direct=False,
        id="100",
        position=100,
        author=Person(id="42", name="Kim"),
        kind=MessageKind.TEXT,
        text="hi",
        html=f"<div>{MENTION} hi</div>",
        received_at=NOW,
    )


@pytest.mark.parametrize("html", ["<div>@Ada hi</div>", None, attachment(signed())])
async def test_not_addressed(campfire: Campfire, html: str | None) -> None:
    """In a room, what does not mention the bot asks for nothing, a typed name included."""
    assert read(campfire, said(html=html)) == Ignored(why="not_addressed")


async def test_direct(campfire: Campfire) -> None:
    """In a direct room everything is for the bot."""
    assert words(read(campfire, said("hi", "<div>hi</div>"), direct=True)) == ("text", "hi")


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize(
    ("author", "by_bot", "why"),
    [
        ("3", True, "own_message"),
        ("3", False, "own_message"),
        ("5", False, "other_bot"),
        ("5", True, "other_bot"),
        ("9", True, "other_bot"),
    ],
)
async def test_bots(
    campfire: Campfire,
    author: str,
    by_bot: bool,  # noqa: FBT001 - parametrized
    why: str,
    direct: bool,  # noqa: FBT001 - parametrized
) -> None:
    """What a bot says asks for nothing: itself, one of ours, or one that Campfire calls a bot."""
    message = said(author=author, by_bot=by_bot)
    assert read(campfire, message, direct=direct) == Ignored(why=why)


@pytest.mark.parametrize(
    ("plain", "kind", "text"),
    [
        ("@Ada", MessageKind.BARE, ""),
        (" @Ada\n\u00a0", MessageKind.BARE, ""),
        ("@Ada \u200b", MessageKind.BARE, ""),
        ("", MessageKind.BARE, ""),
        ("@Ada hi", MessageKind.TEXT, "hi"),
        ("hi @Ada, and @Lee", MessageKind.TEXT, "hi , and @Lee"),
        ("@Adam and @Ada", MessageKind.TEXT, "m and"),
        ("@ada hi", MessageKind.TEXT, "@ada hi"),
    ],
)
async def test_name_is_taken_out(
    campfire: Campfire, plain: str, kind: MessageKind, text: str
) -> None:
    """The bot's name goes, wherever it stands, as it goes in a delivery; other names stay."""
    assert words(read(campfire, said(plain))) == (kind, text)


async def test_upload(campfire: Campfire) -> None:
    """A file in a direct room is its name."""
    outcome = read(campfire, said("moon.jpg", None), direct=True)
    assert words(outcome) == (MessageKind.UPLOAD, "moon.jpg")


async def test_no_name(campfire: Campfire) -> None:
    """Without a name, nothing is taken out; not every @."""
    assert words(read(campfire, said("@Lee"), bot_name="")) == (MessageKind.TEXT, "@Lee")
