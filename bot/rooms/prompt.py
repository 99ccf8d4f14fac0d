"""What the agent reads: a message as data, with who said it and when, never as an instruction."""

from collections.abc import Sequence

from bot.records import Exchange, Message, MessageKind, RoomMessage
from bot.rooms.element import element, moment, text, upload
from bot.rooms.overheard import write_context
from bot.rooms.recap import write_recap

#: Half of what a bot's conversation holds by default: an answer to it must fit, too.
MESSAGE_TOKENS = 50_000


def compose_prompt(
    messages: Sequence[Message],
    recap: Sequence[Exchange] = (),
    context: Sequence[RoomMessage] = (),
    *,
    files: bool = False,
) -> str:
    """Return the prompt for *messages*, after what a lost session knew and was said meanwhile.

    *files* says whether files of the first message come before it. The elements are explained to
    every agent, in `bot.agent.preamble`.
    """
    before = [write_recap(recap)] if recap else []
    if context:
        before.append(write_context(context))
    first, *others = messages
    asked = [write_message(first, files=files), *map(write_message, others)]
    return "\n\n".join([*before, *asked])


def write_message(message: Message, *, files: bool = False) -> str:
    """Return the element of one message that is asked."""
    attributes = {
        "from": message.author.name,
        "user": message.author.id,
        "id": message.id,
        "room": message.room_name,
        "direct": "yes" if message.direct else None,
        "record": "off" if message.off_record else None,
        "at": moment(message.received_at),
    }
    return element("message", attributes, _body(message, files=files))


def _body(message: Message, *, files: bool) -> str:
    if message.kind is MessageKind.UPLOAD:
        return upload(message.text, given=files)
    return text(message.text, tokens=MESSAGE_TOKENS)
