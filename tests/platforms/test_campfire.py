import hmac
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ChatUnavailable, ChatUncertain, Malformed, NotAuthentic, Refused
from bot.platforms.campfire import Campfire, open_campfire
from bot.platforms.campfire.wire import Wire
from bot.records import Credentials, Ignored, Message
from tests.platforms.deliveries import GONE, KEY, recorded, varied

NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)
ADA = Credentials(bot="ada", key=KEY)
ADA_WITH_SECRET = Credentials(bot="ada", key=KEY, webhook_secret="shh-é")


#: Reading calls nobody, and certificates take 100 ms to read.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def campfire() -> AsyncIterator[Campfire]:
    """Give the platform, on a wire that no test of this module uses."""
    async with Wire(NO_CERTIFICATES) as wire:
        yield Campfire("http://127.0.0.1:1", wire)


def read(
    campfire: Campfire, body: bytes, *, credentials: Credentials = ADA, secret: str | None = None
) -> Message | Ignored:
    """Read *body* as if it were received now."""
    return campfire.read(body, credentials=credentials, secret=secret, received_at=NOW)


@pytest.mark.parametrize("name", ["mention", "direct-message", "attachment", "html"])
async def test_recorded_deliveries_are_authentic(campfire: Campfire, name: str) -> None:
    """What Campfire sends proves itself by the key in its path."""
    assert isinstance(read(campfire, recorded(name)), Message)


@pytest.mark.parametrize(
    "path",
    [
        "/rooms/1/3-AbCdEf123457/messages",
        "/rooms/2/3-AbCdEf123456/messages",
        "/rooms/1/3-AbCdEf123456/messages/",
        "/rooms/1/3-AbCdEf123456/messages\n",
        "/x/../rooms/1/3-AbCdEf123456/messages",
        "/rooms/1//messages",
        "",
        "\u00e9\ud800",
    ],
)
async def test_wrong_path(campfire: Campfire, path: str) -> None:
    """A path that is not exactly the room's with the key is refused, with or without a secret."""
    body = varied(room__path=path)
    with pytest.raises(NotAuthentic):
        read(campfire, body)
    with pytest.raises(NotAuthentic):
        read(campfire, body, credentials=ADA_WITH_SECRET, secret="shh-é")


async def test_empty_key_is_never_right(campfire: Campfire) -> None:
    """A bot without a key accepts no path, least of all one without a key."""
    with pytest.raises(NotAuthentic):
        read(
            campfire,
            varied(room__path="/rooms/1//messages"),
            credentials=Credentials(bot="ada", key=""),
        )


async def test_secret_stands_in_for_the_path(campfire: Campfire) -> None:
    """A body without a path is accepted with the webhook's secret."""
    body = varied(room__path=GONE)
    assert isinstance(read(campfire, body, credentials=ADA_WITH_SECRET, secret="shh-é"), Message)


async def test_nothing_is_told_by_the_time(
    campfire: Campfire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key and secret are compared as a whole, whatever differs, by what was made for that."""
    compare, compared = hmac.compare_digest, list[bytes]()

    def watched(given: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return compare(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    with pytest.raises(NotAuthentic):
        read(campfire, varied(room__path="/rooms/1/4-x/messages"))
    with pytest.raises(NotAuthentic):
        read(campfire, varied(room__path=GONE), credentials=ADA_WITH_SECRET, secret="x")
    assert compared == [f"/rooms/1/{KEY}/messages".encode(), "shh-é".encode()]


@pytest.mark.parametrize("secret", [None, "", "shh", "shh-e", "\ud800"])
async def test_wrong_secret(campfire: Campfire, secret: str | None) -> None:
    """A body without a path and without the right secret is refused."""
    with pytest.raises(NotAuthentic, match="lacks the secret"):
        read(campfire, varied(room__path=GONE), credentials=ADA_WITH_SECRET, secret=secret)


@pytest.mark.parametrize("webhook_secret", [None, ""])
async def test_no_secret_configured(campfire: Campfire, webhook_secret: str | None) -> None:
    """Without a configured secret no secret is right, not even an empty one."""
    credentials = Credentials(bot="ada", key=KEY, webhook_secret=webhook_secret)
    for secret in (None, "", "x"):
        with pytest.raises(NotAuthentic, match="no `webhook_secret`"):
            read(campfire, varied(room__path=GONE), credentials=credentials, secret=secret)


async def test_refusals_hold_no_secret(campfire: Campfire) -> None:
    """Neither key nor secret stands in a refusal."""
    for changes in ({"room__path": GONE}, {"room__path": "/rooms/1/9-ZZZZZZZZZZZZ/messages"}):
        with pytest.raises(NotAuthentic) as refusal:
            read(campfire, varied(**changes), credentials=ADA_WITH_SECRET, secret="wrong")
        assert not any(word in str(refusal.value) for word in ("AbCdEf", "ZZZZ", "shh", "wrong"))


async def test_own_message(campfire: Campfire) -> None:
    """What the bot itself said asks for nothing."""
    assert read(campfire, varied(user__id=3)) == Ignored(why="own_message")


async def test_other_bot(campfire: Campfire) -> None:
    """What another configured bot said asks for nothing; each reload replaces the list."""
    body = varied(user__id=5)
    assert isinstance(read(campfire, body), Message)
    campfire.know_bots([KEY, "5-BoBoBoBoBoBo"])
    assert read(campfire, body) == Ignored(why="other_bot")
    assert read(campfire, varied(user__id=3)) == Ignored(why="own_message")
    campfire.know_bots([KEY])
    assert isinstance(read(campfire, body), Message)


async def test_unknown_type(campfire: Campfire) -> None:
    """A kind of delivery that Hearth does not know asks for nothing."""
    assert read(campfire, varied(type="action")) == Ignored(why="unknown_type")


@pytest.mark.parametrize("changes", [{"type": "action"}, {"user__id": 3}, {"event": "x"}])
async def test_authenticity_comes_first(campfire: Campfire, changes: dict[str, Any]) -> None:
    """Who is not authentic does not learn that a delivery would be ignored."""
    with pytest.raises(NotAuthentic):
        read(campfire, varied(**changes, room__path="/rooms/1/3-XXXXXXXXXXXX/messages"))
    with pytest.raises(NotAuthentic):
        read(campfire, varied(**changes, room__path=GONE))


async def test_malformed(campfire: Campfire) -> None:
    """A body that is no delivery is refused as such."""
    with pytest.raises(Malformed):
        read(campfire, b"hello")


@given(body=st.binary(max_size=100), path=st.text(), secret=st.none() | st.text())
async def test_nothing_but_refusals(body: bytes, path: str, secret: str | None) -> None:
    """Whatever arrives is a message, ignored or refused."""
    async with Wire(NO_CERTIFICATES) as wire:
        campfire = Campfire("http://127.0.0.1:1", wire)
    for given_body in (body, varied(room__path=path)):
        with pytest.raises(Refused):
            read(campfire, given_body, credentials=ADA_WITH_SECRET, secret=secret)


async def test_open_campfire_waits_no_longer_than_it_is_told() -> None:
    """A Campfire that says nothing holds up a room for so long, whatever is asked of it."""
    key = "3-AbCdEf123456"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with open_campfire(url, timeout_s=0.05) as campfire:
            assert campfire.name == "campfire"
            with pytest.raises(ChatUncertain, match="ReadTimeout"):
                await campfire.post(room="1", html="hi", key=key)
            with pytest.raises(ChatUnavailable, match="ReadTimeout"):
                await campfire.history(room="1", key=key)


async def test_render() -> None:
    """Markdown becomes parts of HTML."""
    async with open_campfire("http://127.0.0.1:1") as campfire:
        assert campfire.render("**hi** Kim") == ("<p><strong>hi</strong> Kim</p>",)
