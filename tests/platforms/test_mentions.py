import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.campfire.mentions import mentioned
from tests.platforms.deliveries import recorded

USER = "gid://campfire/User/42?expires_in"


def encoded(claim: Any) -> str:
    """Return *claim* as Rails encodes it."""
    return base64.b64encode(json.dumps(claim).encode()).decode()


def signed(gid: str = USER) -> str:
    """Return the signed id of *gid*."""
    return encoded({"_rails": {"data": gid, "pur": "attachable"}}) + "--0123abcd"


def marshalled(gid: str = USER) -> str:
    """Return the signed id of *gid* as Rails 7 wrote it."""
    dumped = b'\x04\bI"' + bytes([len(gid) + 5]) + gid.encode() + b"\x06:\x06ET"
    message = base64.b64encode(dumped).decode()
    return encoded({"_rails": {"message": message, "exp": None, "pur": "attachable"}}) + "--0123"


def attachment(sgid: str, *, before: str = "", after: str = "") -> str:
    """Return an attachment with *sgid* and other attributes."""
    return f'<action-text-attachment {before} sgid="{sgid}"{after}></action-text-attachment>'


def test_recorded_mention() -> None:
    """The mention in a recorded delivery is of user 3."""
    html = json.loads(recorded("mention"))["message"]["body"]["html"]
    assert mentioned(html) == {"3"}


def test_several() -> None:
    """Everybody is found, once."""
    html = "".join(attachment(signed(f"gid://campfire/User/{n}")) for n in (3, 42, 3, 7))
    assert mentioned(f"<div>hi {html} there</div>") == {"3", "42", "7"}


@pytest.mark.parametrize(
    "sgid",
    [
        signed(),
        signed("gid://campfire/User/42"),
        signed("gid://campfire/User/042?a=b\nc"),
        signed().partition("--")[0],
        encoded({"_rails": {"data": USER, "pad": "??>>~~"}}).replace("+", "-").replace("/", "_"),
        encoded({"_rails": {"data": USER, "p": 1}}).rstrip("=") + "--x",
        marshalled(),
        marshalled("gid://campfire/User/42"),
    ],
)
def test_forms(sgid: str) -> None:
    """Both alphabets, with or without padding, and the marshalled form of old rows are read."""
    assert mentioned(attachment(sgid)) == {"42"}


@pytest.mark.parametrize(
    "html",
    [
        attachment(signed(), before='content="<span class=&quot;mention&quot;>Ada</span>"'),
        attachment(signed(), after=" content-type='application/vnd.campfire.mention'"),
        attachment(signed()).replace('"', "'"),
        attachment(signed()).replace(f'="{signed()}"', f" = \n'{signed()}' "),
        attachment(signed()).upper().replace(signed().upper(), signed()),
        f"<action-text-attachment\n\tsgid={signed().replace('=', '')}/>",
        f"<div>1 < 2 <3 </div>{attachment(signed())}",
        f'<a href="x>y" title=\'"\'>{attachment(signed())}',
        f'<div class="trix-content">\n  {attachment(signed())}\n</div>\n',
    ],
)
def test_html_around(html: str) -> None:
    """Attributes in any order and quoting, and any HTML around, do not hide a mention."""
    assert mentioned(html) == {"42"}


@pytest.mark.parametrize(
    "html",
    [
        "",
        "@Ada",
        f'sgid="{signed()}"',
        f'<div sgid="{signed()}">',
        f'<action-text-attachments sgid="{signed()}">',
        f'<action-text-attachment data-sgid="{signed()}">',
        f"<div title='{attachment(signed())}'>",
        f'<action-text-attachment sgid="x" sgid="{signed()}">',
        f'<action-text-attachment sgid="{signed()}"',
        f'<div title="{attachment(signed())}',
        attachment(""),
        attachment("--"),
        attachment("%%%--x"),
        attachment("é--x"),
        attachment(encoded([1]) + "--x"),
        attachment(encoded({"_rails": 1}) + "--x"),
        attachment(encoded({"_rails": {"data": 42}}) + "--x"),
        attachment(encoded({"_rails": {"message": "&&&"}}) + "--x"),
        attachment(signed("gid://campfire/Room/42")),
        attachment(signed("gid://elsewhere/User/42")),
        attachment(signed("gid://campfire/User/42/x")),
        attachment(signed("gid://campfire/User/٣")),
        attachment(signed("gid://campfire/User/" + "9" * 5000)),
        attachment(base64.b64encode(b"[" * 2000).decode()),
    ],
)
def test_no_mention(html: str) -> None:
    """What only looks like a mention, or cannot be read, mentions nobody."""
    assert mentioned(html) == frozenset()


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        '<a "',
        "<a '\"",
        "<a ",
        "<action-text-attachment ",
        "<action-text-attachment sgid=",
        '<action-text-attachment sgid="',
        "a=' ",
        "<x y>",
    ],
)
def test_long_text_is_read_once(piece: str) -> None:
    """A megabyte of anything takes no more than one walk through it."""
    assert mentioned(piece * (1_000_000 // len(piece))) == frozenset()
    whole = f"<action-text-attachment {piece.replace('<', '') * (1_000_000 // len(piece))}>"
    assert mentioned(whole) == frozenset()


PIECES = st.sampled_from(
    [
        "<action-text-attachment",
        " sgid=",
        '"',
        "'",
        ">",
        "<",
        "/",
        signed(),
        marshalled(),
        "--",
        " ",
    ]
)


@given(st.text() | st.lists(PIECES | st.text(max_size=3), max_size=20).map("".join))
def test_any_html_is_read(html: str) -> None:
    """Whatever stands in a message, reading it ends with ids."""
    assert mentioned(html) <= {"42"}


@given(
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.dictionaries(st.sampled_from(["_rails", "data", "message"]), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_sgid_is_read(claim: bytes) -> None:
    """Whatever an sgid holds, reading it ends."""
    for text in (base64.b64encode(claim), base64.urlsafe_b64encode(claim).rstrip(b"=")):
        assert mentioned(attachment(text.decode() + "--x")) == frozenset()
