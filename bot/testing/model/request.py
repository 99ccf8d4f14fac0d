"""One request to the stand-in model, and how its texts are read."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: What the server wraps a person's words in: ``<message from="Kim" id="100">…</message>``, or
#: ``<question from="Kim">…</question>`` when it reminds the agent of them.
_WRAPPER = re.compile(
    r"<(?P<element>message|question)\b(?P<attributes>[^>]*)>(?P<said>.*?)</(?P=element)>",
    re.DOTALL,
)
_SPEAKER = re.compile(r'\bfrom="(?P<name>[^"]*)"')
#: What the agent's child adds on its own account; nobody said it.
_REMINDER = re.compile(
    r"<system-reminder>.*?</system-reminder>\s*|\[Image: source: [^\]]*\]", re.DOTALL
)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """Something a person said somewhere in the conversation."""

    #: Name in the wrapper; None when the text came without one.
    speaker: str | None
    #: What was said, without wrapper and tags.
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A recorded request. The body is as it came; treat it as read-only."""

    method: str
    path: str
    #: Without the credentials, names in lower case.
    headers: Mapping[str, str]
    #: The parsed JSON; empty when there was none.
    body: Mapping[str, Any]

    @property
    def streaming(self) -> bool:
        """Whether the answer is wanted as events."""
        return self.body.get("stream") is True

    @property
    def turns(self) -> tuple[str, ...]:
        """Each text block of the user messages, oldest first, exactly as given.

        A block a prompt: the child joins prompts that got no answer into one message.
        """
        messages = [m for m in self.body.get("messages", ()) if m["role"] == "user"]
        texts = (text for message in messages for text in _texts_of(message["content"]))
        return tuple(text for text in texts if _REMINDER.sub("", text).strip())

    @property
    def last_text(self) -> str:
        """The last text that a user message holds: tool results are looked past."""
        return self.turns[-1] if self.turns else ""

    @property
    def question(self) -> Utterance:
        """What was said last: the last wrapped message, else the last text without tags."""
        return list(utterances(self.last_text))[-1]

    @property
    def conversation(self) -> tuple[Utterance, ...]:
        """Everything that people said, oldest first."""
        return tuple(said for turn in self.turns for said in utterances(turn))

    @property
    def tool_result(self) -> str | None:
        """What a tool gave back in the last message; None when that ends with a prompt.

        A prompt comes after a result when the call was interrupted.
        """
        content = self.body["messages"][-1]["content"]
        blocks = content if isinstance(content, list) else []
        results = [b for b in blocks if b.get("type") == "tool_result"]
        if not results or any(map(_is_said, blocks[blocks.index(results[-1]) + 1 :])):
            return None
        return "\n".join(text for b in results for text in _texts_of(b.get("content", "")))


def utterances(text: str) -> Iterator[Utterance]:
    """Split the text of one user message into what was said in it; at least one."""
    text = _REMINDER.sub("", text)
    wrapped = list(_WRAPPER.finditer(text))
    for match in wrapped:
        speaker = _SPEAKER.search(match["attributes"])
        name = html.unescape(speaker["name"]) if speaker else None
        yield Utterance(speaker=name, text=_plain(match["said"]))
    if not wrapped:
        yield Utterance(speaker=None, text=_plain(text))


def _is_said(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and bool(_REMINDER.sub("", block["text"]).strip())


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text)).strip()


def _texts_of(content: Any) -> list[str]:  # noqa: ANN401 -- the API takes a string or a list
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content if block.get("type") == "text"]
