from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operate.redaction import MARK, Redaction

KEY = "4-adaAdaAda123"


def redaction(*secrets: str) -> Redaction:
    """Give a redaction that knows *secrets*."""
    return Redaction(lambda: secrets)


def test_a_known_secret_goes_wherever_it_stands() -> None:
    """All of its places are marked, the rest is as it was."""
    assert redaction(KEY)(f"a {KEY}, b({KEY})") == f"a {MARK}, b({MARK})"


@pytest.mark.parametrize(
    "secret", ['say "when"', "back\\slash", "zwölf+drei=fünfzehn", "a b/c?d&e"]
)
def test_a_secret_is_known_in_every_form(secret: str) -> None:
    """A repr, JSON, an address: each writes special characters in its own way."""
    redact = redaction(secret)
    for text in (secret, repr(secret), repr([secret]), f"?x={quote(secret, safe='')}"):
        assert secret[:6] not in redact(text).replace("\\\\", "\\")
        assert MARK in redact(text)


def test_the_longer_of_two_secrets_goes_first() -> None:
    """Nothing of a secret stays because a part of it is one as well."""
    assert redaction("tomato", "tomatoes-and-salt")("tomatoes-and-salt") == MARK


def test_a_short_secret_counts_as_a_word_only() -> None:
    """A secret like "true" does not blot out other words."""
    assert redaction("true")("construed, true, true!") == f"construed, {MARK}, {MARK}!"


@pytest.mark.parametrize("secret", ["", "a", "abc", "   "])
def test_what_is_too_short_to_be_secret_is_left_alone(secret: str) -> None:
    """One letter or nothing at all would make every line unreadable."""
    assert redaction(secret)("a cab, abc") == "a cab, abc"


def test_the_lines_of_a_secret_count_too() -> None:
    """A private key is printed line by line."""
    redact = redaction("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhki\n-----END KEY-----\n")
    assert redact("| MIIEvQIBADANBgkqhki |") == f"| {MARK} |"


def test_the_token_in_a_header_counts_alone() -> None:
    """An MCP server's header is "Bearer …"; its token may turn up without that word."""
    assert redaction("Token abcdefghijkl")("got abcdefghijkl") == f"got {MARK}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("POST http://c/rooms/7/9-Zz_abc123456/messages", f"POST http://c/rooms/7/{MARK}/messages"),
        ("/webhook/ada?secret=hush&x=1", f"/webhook/ada?secret={MARK}&x=1"),
        ("{'Authorization': 'Bearer abc.def'}", f"{{'Authorization': 'Bearer {MARK}'}}"),
        ("key sk-ant-api03-xyz_1.", f"key {MARK}."),
    ],
)
def test_what_looks_like_a_secret_goes_without_being_known(text: str, left: str) -> None:
    """The key of a bot that is gone, a mistyped secret: nobody told us of them."""
    assert redaction()(text) == left


@pytest.mark.parametrize("text", ["/rooms/7/messages", "rooms/7/9", "secrets=3"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Addresses without a key stay readable."""
    assert redaction()(text) == text


def test_a_new_secret_is_known_at_once_and_the_old_one_for_ever() -> None:
    """A key was changed in a bot file while requests with the old one are on their way."""
    known = ["first-secret"]
    redact = Redaction(lambda: known)
    redact("")
    known[:] = ["second-secret"]
    assert redact("first-secret second-secret") == f"{MARK} {MARK}"


@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8), max_size=8),
    st.lists(st.text(max_size=10), max_size=5),
)
def test_no_secret_survives(secrets: list[str], rest: list[str]) -> None:
    """Whatever stands around it, a secret of eight characters or more is gone."""
    text = " ".join([*rest, *secrets])
    left = redaction(*secrets)(text).replace(MARK, "\0")
    assert not [secret for secret in secrets if secret in left]
