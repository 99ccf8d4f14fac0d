"""What a session's transcript says of a prompt: answered, left without an answer, or never there.

The child writes one JSON object a line; those with a ``uuid`` form a chain by ``parentUuid``. A
prompt's entry carries the uuid that it was sent with (measured with the pinned version).
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.agent.start import Orphan

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
        for line in lines:
            self._read(line)

    def answer_to(self, prompt_uuid: str) -> str | None:
        """Return the whole answer to a prompt; None when it has none, or never arrived."""
        for index, entry in enumerate(self._entries):
            if entry["uuid"] == prompt_uuid:
                return self._answer(index)
        return None

    def orphan(self) -> Orphan | None:
        """Return the last prompt when the agent did not answer it."""
        by_uuid = {entry["uuid"]: index for index, entry in enumerate(self._entries)}
        uuid = self._entries[-1]["uuid"] if self._entries else None
        while (index := by_uuid.get(uuid)) is not None:
            entry = self._entries[index]
            if _is_prompt(entry):
                unanswered = self._answer(index) is None
                after = entry.get("parentUuid")
                return Orphan(prompt_uuid=entry["uuid"], after=after) if unanswered else None
            uuid = entry.get("parentUuid")
        return None

    def _read(self, line: str) -> None:
        # Most of a transcript are copies of requests; only what is in the chain is parsed.
        if '"parentUuid"' in line:
            entry = _parse(line)
            if entry is not None:
                self._entries.append(entry)
        elif line.startswith('{"type":"cost-state"'):
            self.cost_usd = _cost(line)

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
    """Read a session's transcript below a CLAUDE_CONFIG_DIR; None when there is none.

    Lines that a crash cut short are passed over, as the child itself does.
    """
    path = find_transcript(config, session_id)
    if path is None:
        return None
    with path.open(encoding="utf-8", errors="replace") as lines:
        return Transcript(lines)


def find_transcript(config: Path, session_id: str) -> Path | None:
    """Return where the session's transcript is; its folder is named after a working directory."""
    if not is_session_id(session_id):
        return None
    return next((config / "projects").glob(f"*/{session_id}.jsonl"), None)


def delete_transcript(config: Path, session_id: str) -> None:
    """Remove the session's transcript and what its tools left beside it."""
    path = find_transcript(config, session_id)
    if path is not None:
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("uuid"), str):
        return None
    if entry.get("type") == "assistant" and not isinstance(entry.get("message"), dict):
        return None
    return entry if isinstance(entry.get("type"), str) else None


def _cost(line: str) -> float:
    try:
        cost = json.loads(line).get("totalCostUSD")
    except ValueError:
        return 0.0
    return float(cost) if isinstance(cost, int | float) else 0.0


def _is_prompt(entry: dict[str, Any]) -> bool:
    return entry["type"] == "user" and entry.get("promptSource") is not None


def _texts(entry: dict[str, Any]) -> Iterator[str]:
    content = entry["message"].get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "text" and block.get("text"):
            yield block["text"]
