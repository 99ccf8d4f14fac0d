"""Dead letters in an operator's hands: listed, shown, retried, dropped. JSON's shapes come out."""

from collections.abc import Callable
from typing import Protocol

from bot.errors import BotError
from bot.journal.views import DeadLetter
from bot.operate.statistics import Shown
from bot.records import Attempt, Entry, Part

#: A list is looked through; what was said is for whoever opens the letter.
_LINE = 60
#: Stands for a text that nobody may read.
_OFF_RECORD = "(off the record)"
_TRACEBACK = "Traceback ("
#: SQLite counts no further.
_LAST = 2**63 - 1


class NoSuchMessage(BotError):
    """No message has that number, or none any more."""


class NotDead(BotError):
    """The message was not given up, or is owed again already."""


class Letters(Protocol):
    """The journal's dead letters."""

    async def listed(self, *, limit: int = ..., before: int | None = ...) -> tuple[DeadLetter, ...]:
        """Read what was given up and not dropped, newest first."""
        ...

    async def read(self, seq: int) -> DeadLetter | None:
        """Read one, dropped or not."""
        ...

    async def retry(self, seq: int) -> bool:
        """Owe it again."""
        ...

    async def drop(self, seq: int) -> bool:
        """Take it off the list."""
        ...


class Journal(Protocol):
    """The journal, as far as dead letters go."""

    @property
    def letters(self) -> Letters:
        """What was given up."""
        ...

    async def entry(self, seq: int) -> Entry | None:
        """Read a message, however it ended."""
        ...


class DeadLetters:
    """What can be done about them. Raises NoSuchMessage and NotDead."""

    def __init__(
        self,
        journal: Journal,
        *,
        enqueue: Callable[[str], None],
        redact: Callable[[str], str],
    ) -> None:
        self._journal = journal
        self._enqueue = enqueue
        #: For reasons: they quote exceptions, which quote anything.
        self._redact = redact

    async def page(self, *, limit: int, before: int | None) -> Shown:
        """Return a page of the list, newest first."""
        letters = await self._journal.letters.listed(limit=limit, before=before)
        more = letters[-1].entry.seq if letters and len(letters) == limit else None
        return {"dead_letters": [self._summary(letter) for letter in letters], "before": more}

    async def show(self, seq: int) -> Shown:
        """Return everything about one, dropped ones too."""
        letter = await self._find(seq)
        entry, message = letter.entry, letter.entry.message
        return self._summary(letter) | {
            "platform": message.platform,
            "message_id": message.id,
            "author_id": message.author.id,
            "kind": message.kind,
            "text": message.text,
            "accepted_at": entry.accepted_at.isoformat(),
            "dropped_at": letter.dropped_at.isoformat() if letter.dropped_at else None,
            "reason": self._redact(letter.reason or ""),
            "retry": _retry(letter),
            "attempts": [_attempt(attempt) for attempt in entry.attempts],
            "parts": [self._part(part) for part in entry.parts],
        }

    async def retry(self, seq: int) -> Shown:
        """Have it answered after all."""
        letter = await self._find(seq)
        if letter.entry.message.off_record:
            raise NotDead(
                f"message {seq} was off the record: its text is gone, only its author knows it"
            )
        if not await self._journal.letters.retry(seq):
            raise _not_dead(seq)  # somebody else was faster
        self._enqueue(letter.entry.lane)
        return {"seq": seq, "retry": _retry(letter)}

    async def drop(self, seq: int) -> Shown:
        """Take it off the list: nothing more is to be done about it."""
        await self._find(seq)
        if not await self._journal.letters.drop(seq):
            raise _not_dead(seq)
        return {"seq": seq, "dropped": True}

    async def _find(self, seq: int) -> DeadLetter:
        if not 0 < seq <= _LAST:
            raise NoSuchMessage(
                "no message has the number that was asked for: they are whole, from 1 on"
            )
        letter = await self._journal.letters.read(seq)
        if letter is not None:
            return letter
        if await self._journal.entry(seq) is None:
            raise NoSuchMessage(f"no message has the number {seq}")
        raise _not_dead(seq)

    def _summary(self, letter: DeadLetter) -> Shown:
        message = letter.entry.message
        return {
            "seq": letter.entry.seq,
            "bot": message.bot,
            "room": message.room,
            "room_name": message.room_name,
            "author": message.author.name,
            "received_at": message.received_at.isoformat(),
            "settled_at": letter.settled_at.isoformat(),
            "first_line": _OFF_RECORD if message.off_record else _first_line(message.text),
            "reason": self._redact(headline(letter.reason or "")),
        }

    def _part(self, part: Part) -> Shown:
        return {
            "number": part.number,
            "kind": part.kind,
            "state": part.state,
            "html": part.html,
            "file": part.file,
            "possible_duplicate": part.possible_duplicate,
            "error": None if part.error is None else self._redact(part.error),
        }


def headline(reason: str) -> str:
    """Return the first line of a reason; of a traceback, the line that names the exception."""
    lines = [line for line in reason.splitlines() if line.strip()]
    if lines and lines[0].startswith(_TRACEBACK):
        lines = [line for line in lines[1:] if not line.startswith(" ")]
    return lines[0] if lines else ""


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if len(lines) == 1 and len(lines[0]) <= _LINE else _shortened(lines)


def _shortened(lines: list[str]) -> str:
    return f"{lines[0][: _LINE - 1]}…" if lines else ""


def _retry(letter: DeadLetter) -> str:
    """Say what a retry does: ``post`` the frozen answer, ``ask`` the agent, or ``no``."""
    if letter.entry.message.off_record:
        return "no"
    return "post" if letter.has_answer else "ask"


def _attempt(attempt: Attempt) -> Shown:
    return {
        "number": attempt.number,
        "state": attempt.state,
        "session_id": attempt.session_id,
        "started_at": attempt.started_at.isoformat(),
    }


def _not_dead(seq: int) -> NotDead:
    return NotDead(f"message {seq} is no dead letter: it ended otherwise, or is owed again")
