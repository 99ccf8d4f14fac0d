"""What a session's transcript says of a prompt: answered, left without an answer, or never there.

The child writes one JSON object a line; those with a ``uuid`` form a chain by ``parentUuid``. A
prompt's entry carries the uuid that it was sent with (measured with the pinned version). Crashes
cut lines short and disks fill up: what is not an entry is passed over, as the child itself does.
"""

import json
import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from bot.agent.start import Orphan

log = structlog.get_logger(__name__)

#: Stop reasons of a message after which the agent goes on by itself.
_UNFINISHED = (None, "tool_use", "pause_turn")


def is_session_id(text: str) -> bool:
    """Tell whether *text* is a UUID: anything else would be matched against session titles."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


class Transcript:
    """The entries of one session, read once."""

    def __init__(self, lines: Iterable[str]) -> None:
        #: US dollars that the child had counted when it last ended in order; a resumed one goes on
        #: from there.
        self.cost_usd = 0.0
        self._entries: list[dict[str, Any]] = []
        #: By the uuid of a prompt that the model was given in the middle of a turn: its entry.
        self._absorbed: dict[str, str] = {}
        for line in lines:
            self._read(line)

    @property
    def empty(self) -> bool:
        """Whether the child has written nothing yet that it could resume."""
        return not self._entries

    @property
    def torn(self) -> str | None:
        """The entry that begins a summary which was never written: a resume would know nothing."""
        boundary: str | None = None
        for entry in self._entries:
            if entry.get("subtype") == "compact_boundary":
                boundary = entry["uuid"]
            elif entry.get("parentUuid") == boundary:
                boundary = None
        return boundary

    def answer_to(self, prompt_uuid: str) -> str | None:
        """Return the whole answer to a prompt; None when it has none, or never arrived."""
        for index, entry in enumerate(self._entries):
            if entry["uuid"] == prompt_uuid:
                return self._answer(index)
        return None

    def answered_with(self, prompt_uuid: str, added: Sequence[str]) -> tuple[str, ...]:
        """Name the prompts that got one answer with this one; the transcript has it under the last.

        *added* are those that were sent while another ran, in order, this one perhaps among them.
        What the child has merged it keeps under the uuid of the last; what it gave to the model
        while a tool ran, it keeps within that turn. See `bot.agent.prompts`.
        """
        here = {entry["uuid"]: index for index, entry in enumerate(self._entries)}
        merged: list[str] = []
        for one in added:
            if one in here or one not in self._absorbed:
                merged.append(one)
            if one in here:
                if prompt_uuid in merged:
                    break
                merged = []
        if prompt_uuid not in merged:
            merged = [prompt_uuid]
        if (index := here.get(merged[-1])) is None:
            return (prompt_uuid,)
        family = {entry["uuid"] for entry in self._descendants(index)}
        within = (one for one in added if self._absorbed.get(one) in family)
        return (*within, *merged)

    def orphan(self) -> Orphan | None:
        """Return the last prompt when the agent did not answer it."""
        for index in self._chain():
            entry = self._entries[index]
            if _is_prompt(entry):
                unanswered = self._answer(index) is None
                after = entry.get("parentUuid")
                return Orphan(prompt_uuid=entry["uuid"], after=after) if unanswered else None
        return None

    def _read(self, line: str) -> None:
        # Most of a transcript are copies of requests; only what is in the chain is parsed.
        if '"parentUuid"' in line:
            entry = _parse(line)
            if _is_entry(entry):
                self._entries.append(entry)
                if (source := _added(entry)) is not None:
                    self._absorbed[source] = entry["uuid"]
        elif line.startswith('{"type":"cost-state"'):
            self.cost_usd = _dollars(_parse(line).get("totalCostUSD"))

    def _chain(self) -> Iterator[int]:
        """Yield where the last entry and its ancestors are, youngest first."""
        where = {entry["uuid"]: index for index, entry in enumerate(self._entries)}
        uuid = self._entries[-1]["uuid"] if self._entries else None
        while (index := where.pop(uuid, None)) is not None:  # popped: damage may close a ring
            yield index
            uuid = self._entries[index].get("parentUuid")

    def _answer(self, index: int) -> str | None:
        said = [entry for entry in self._descendants(index) if entry["type"] == "assistant"]
        if not said or any(entry.get("isApiErrorMessage") for entry in said):
            return None
        if said[-1]["message"].get("stop_reason") in _UNFINISHED:
            return None
        return "\n\n".join(text for entry in said for text in _texts(entry))

    def _descendants(self, index: int) -> Iterator[dict[str, Any]]:
        """Yield what hangs on a prompt, up to the next one."""
        family = {self._entries[index]["uuid"]}
        for entry in self._entries[index + 1 :]:
            if entry.get("parentUuid") in family and not _is_prompt(entry):
                family.add(entry["uuid"])
                yield entry


def read_transcript(config: Path, session_id: str) -> Transcript | None:
    """Read a session's transcript below a CLAUDE_CONFIG_DIR; None when there is none to be read."""
    path = find_transcript(config, session_id)
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return Transcript(lines)
    except OSError as error:
        log.warning("transcript_unreadable", session=session_id, why=str(error))
        return None


def find_transcript(config: Path, session_id: str) -> Path | None:
    """Return where the session's transcript is; its folder is named after a working directory."""
    if not is_session_id(session_id):
        return None
    folders: list[Path] = []
    with suppress(OSError):
        folders.extend((config / "projects").iterdir())
    # Ours end with the session's id; the others are looked into only for what came from elsewhere,
    # or has so long a path that the child shortened it. By hand: a pattern would be compiled for
    # each session, and hundreds of them kept.
    folders.sort(key=lambda folder: not folder.name.endswith(session_id))
    paths = (folder / f"{session_id}.jsonl" for folder in folders)
    return next((path for path in paths if path.exists()), None)


def delete_transcript(config: Path, session_id: str) -> None:
    """Remove the session's transcript and what its tools left beside it."""
    path = find_transcript(config, session_id)
    if path is not None:
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        with suppress(OSError):  # not empty: other sessions had the same working directory
            path.parent.rmdir()


def _parse(line: str) -> dict[str, Any]:
    """Return the object that a line holds; an empty one when it holds none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_entry(found: dict[str, Any]) -> bool:
    """Tell whether an object is a part of the chain, with all that is read of it later."""
    named = isinstance(found.get("uuid"), str) and isinstance(found.get("type"), str)
    placed = isinstance(found.get("parentUuid"), str | None)
    spoken = found.get("type") != "assistant" or isinstance(found.get("message"), dict)
    return named and placed and spoken


def _dollars(found: object) -> float:
    try:
        cost = float(found) if isinstance(found, int | float) else 0.0
    except OverflowError:
        return 0.0
    return cost if math.isfinite(cost) else 0.0


def _is_prompt(entry: dict[str, Any]) -> bool:
    return entry["type"] == "user" and entry.get("promptSource") is not None


def _added(entry: dict[str, Any]) -> str | None:
    """Return the uuid of the prompt that an entry hands to the model in the middle of a turn."""
    attachment = entry.get("attachment")
    source = attachment.get("source_uuid") if isinstance(attachment, dict) else None
    return source if isinstance(source, str) else None


def _texts(entry: dict[str, Any]) -> Iterator[str]:
    content = entry["message"].get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "text":
            text = block.get("text")
            if isinstance(text, str) and text:
                yield text
