"""One element of a prompt: what somebody typed stands in it as text, and cannot leave it."""

import html
import re
from collections.abc import Mapping
from datetime import datetime

from bot.rooms.tokens import cut

#: Shown by nobody, wherever they stand: controls, marks that turn text around, and whole alphabets
#: of invisible letters. A model reads them all.
_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180b-\u180f\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
)
#: They join emoji and the letters of some scripts; in a name, they only make it look like another.
_JOINERS = r"\u200c\u200d"
_HIDDEN_IN_TEXT = re.compile(f"[{_HIDDEN}]")
_HIDDEN_IN_NAME = re.compile(
    rf"[{_HIDDEN}{_JOINERS}\ufe00-\ufe0f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]"
)
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\u0085\u2028\u2029]")
#: Elements that only the server writes, and how those begin that the agent's program uses.
_OURS = ("message", "context", "said", "recap", "question", "answer", "file")
_THE_PROGRAMS = ("system", "command-", "local-command-", "user-prompt-", "task-notification")


def _spelled(names: tuple[str, ...]) -> str:
    return "|".join(f"[{_JOINERS}]*".join(name) for name in names)


#: A start or end of such an element, with what is hardly seen in between.
_OUR_TAG = re.compile(
    rf"<(?=[\s/{_JOINERS}]*(?:(?:{_spelled(_OURS)})\b|{_spelled(_THE_PROGRAMS)}))", re.IGNORECASE
)
_NAME_CHARACTERS = 80
_FILE_CHARACTERS = 255


def element(
    tag: str, attributes: Mapping[str, str | None], body: str, *, flat: bool = False
) -> str:
    """Return an element around *body*, which is safe already; *flat* puts it on one line."""
    between = "" if flat else "\n"
    return f"<{tag}{_attributes(attributes)}>{between}{body}{between}</{tag}>"


def text(typed: str, *, tokens: int) -> str:
    """Return what somebody typed, of *tokens* at most, so that it ends no element and begins none.

    What is cut off is said so.
    """
    shown = _LINE_END.sub("\n", typed)
    shown = _OUR_TAG.sub("<\u2060", _HIDDEN_IN_TEXT.sub("", shown))
    kept = cut(shown, tokens)
    if len(kept) == len(shown):
        return shown
    return f"{kept} […]\n(cut: {len(kept):,} of {len(shown):,} characters are shown)"


def upload(name: str, *, given: bool = False) -> str:
    """Say that somebody put a file into the room; *given*: the prompt begins with it."""
    what = "which stands above" if given else "its content is not available"
    return f'(uploaded the file "{one_line(name, _FILE_CHARACTERS)}"; {what})'


def moment(at: datetime) -> str:
    """Return a time for an attribute."""
    return at.isoformat(timespec="seconds")


def one_line(name: str, characters: int = _NAME_CHARACTERS) -> str:
    """Make a name one line of what can be seen; people choose names to look like something else."""
    return _OUR_TAG.sub("<\u2060", visible(name)[:characters]) or "(no name)"


def visible(name: str) -> str:
    """Return what can be seen of *name*, on one line."""
    return " ".join(_HIDDEN_IN_NAME.sub("", _LINE_END.sub(" ", name)).split())


def _attributes(named: Mapping[str, str | None]) -> str:
    return "".join(
        f' {name}="{html.escape(one_line(value), quote=False).replace(chr(34), "&quot;")}"'
        for name, value in named.items()
        if value is not None
    )
