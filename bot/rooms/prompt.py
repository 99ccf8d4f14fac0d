"""What the agent reads: a message as data, with who said it and when, never as an instruction."""

import html
import re
from collections.abc import Sequence

from bot.records import Exchange, Message, MessageKind

#: Our own element names, and the child's, in a room's text: broken up, so that nobody can end one
#: or open another.
_OWN_TAGS = re.compile(
    r"<(?=\s*/?\s*(?:message|recap|question|answer|system-reminder)\b)", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_NAME_CHARACTERS = 80
#: A recap is a reminder, not the conversation: what is longer is cut.
_RECAP_CHARACTERS = 600


def compose_prompt(message: Message, recap: Sequence[Exchange] = (), *, files: bool = False) -> str:
    """Return the prompt for *message*, after a recap of what a lost session knew.

    *files* says whether files of the message come before it.
    """
    attributes = {
        "from": message.author.name,
        "user": message.author.id,
        "id": message.id,
        "room": message.room_name,
        "direct": "yes" if message.direct else None,
        "at": message.received_at.isoformat(timespec="seconds"),
    }
    element = f"<message{_attributes(attributes)}>\n{_body(message, files=files)}\n</message>"
    return f"{_recap(recap)}\n\n{element}" if recap else element


def _recap(exchanges: Sequence[Exchange]) -> str:
    turns = "\n".join(
        f"<question{_attributes({'from': turn.author.name, 'user': turn.author.id})}>"
        f"{_text(_cut(turn.question))}</question>\n"
        f"<answer>{_text(_cut(turn.answer))}</answer>"
        for turn in exchanges
    )
    return (
        "<recap>\nThese last turns are missing from the memory of this conversation, oldest first;"
        f" the answers are yours.\n{turns}\n</recap>"
    )


def _body(message: Message, *, files: bool) -> str:
    if message.kind is MessageKind.UPLOAD and files:
        return f'(uploaded the file "{_text(message.text)}", which stands above)'
    if message.kind is MessageKind.UPLOAD:
        return f'(uploaded the file "{_text(message.text)}"; its content is not available)'
    return _text(message.text)


def _text(text: str) -> str:
    return _OWN_TAGS.sub("<\u2060", text)


def _attributes(named: dict[str, str | None]) -> str:
    return "".join(f' {name}="{_value(value)}"' for name, value in named.items() if value)


def _value(text: str) -> str:
    """Make a name fit for an attribute: one line, no quotes, nothing that turns text around."""
    plain = html.escape(_CONTROL.sub("", text)[:_NAME_CHARACTERS], quote=False)
    return plain.replace('"', "&quot;")


def _cut(text: str) -> str:
    return text if len(text) <= _RECAP_CHARACTERS else f"{text[:_RECAP_CHARACTERS]} […]"
