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
) -> str:
    """Return the prompt for *messages*, after what a lost session knew and was said meanwhile.

    The elements are explained to every agent, in `bot.agent.preamble`.
    """
    before = [write_recap(recap)] if recap else []
    if context:
        before.append(write_context(context))
    return "\n\n".join([*before, *map(write_message, messages)])


def write_message(message: Message) -> str:
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
    return element("message", attributes, _body(message))


def _body(message: Message) -> str:
    if message.kind is MessageKind.UPLOAD:
        return upload(message.text)
    return text(message.text, tokens=MESSAGE_TOKENS)
