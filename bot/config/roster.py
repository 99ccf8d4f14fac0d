"""Who is served now: the bots of the last good reading of every file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bot.config.bot import Bot
from bot.config.bots_dir import Reading, read_bots
from bot.config.settings import Settings
from bot.errors import Mistake


@dataclass(frozen=True, kw_only=True, slots=True)
class Reload:
    """What a reading of the folder changed. Ids are in alphabetical order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    #: Their files are gone; they are retiring until they are dropped.
    removed: tuple[str, ...]
    #: Everything that is wrong now, whether or not it was before.
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether any bot is another one than before."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Snapshot:
    """One state of the roster. Replaced as a whole, so that no reader sees half a change."""

    bots: Mapping[str, Bot]
    retiring: Mapping[str, Bot]


_EMPTY: Mapping[str, Bot] = MappingProxyType({})


class Roster:
    """The bots by id. Starts empty; `reload` fills it.

    A broken file keeps its last good version. The bot of a removed file takes no deliveries any
    more and goes on with its turns until `drop`. Used from the event loop only, except `read`.
    """

    def __init__(self, folder: Path, *, environ: Mapping[str, str], settings: Settings) -> None:
        self.folder = folder
        self._environ = environ
        self._settings = settings
        self._now = _Snapshot(bots=_EMPTY, retiring=_EMPTY)
        self._last: Reading | None = None
        self._subscribers: list[Callable[[Reload], None]] = []

    @property
    def bots(self) -> Mapping[str, Bot]:
        """The bots that take deliveries. The mapping itself never changes."""
        return self._now.bots

    @property
    def retiring(self) -> Mapping[str, Bot]:
        """The last versions of bots whose files are gone and that may still owe an answer."""
        return self._now.retiring

    @property
    def prompt_files(self) -> frozenset[Path]:
        """Files beside the bot files that a change may come from."""
        return self._last.prompt_files if self._last else frozenset()

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What was wrong at the last reading."""
        return self._last.mistakes if self._last else ()

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """What was unwise at the last reading."""
        return self._last.warnings if self._last else ()

    def get(self, bot_id: str) -> Bot | None:
        """Find the bot that a delivery is for; None as soon as its file is gone."""
        return self._now.bots.get(bot_id)

    def serving(self, bot_id: str) -> Bot | None:
        """Find the bot that a turn is run with; it may be retiring."""
        return self._now.bots.get(bot_id) or self._now.retiring.get(bot_id)

    def drop(self, bot_id: str) -> None:
        """Forget a retiring bot that owes nothing any more. Says nothing of unknown ids."""
        retiring = {id_: bot for id_, bot in self._now.retiring.items() if id_ != bot_id}
        self._now = _Snapshot(bots=self._now.bots, retiring=MappingProxyType(retiring))

    def on_change(self, callback: Callable[[Reload], None]) -> Callable[[], None]:
        """Call *callback* after every reload that changed a bot; gives what ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def reload(self) -> Reload:
        """Read the folder, secrets included, and serve what it says."""
        return self.apply(self.read())

    def read(self) -> Reading:
        """Read the folder and change nothing: files are slow, so this may run in a thread."""
        return read_bots(self.folder, environ=self._environ, settings=self._settings)

    def apply(self, reading: Reading) -> Reload:
        """Serve what *reading* says, and tell the subscribers."""
        before = self._now
        self._now = _after(before, reading)
        self._last = reading
        reload = _difference(before.bots, self._now.bots, reading)
        for tell in tuple(self._subscribers) if reload.changes_anything else ():
            tell(reload)
        return reload


def _after(before: _Snapshot, reading: Reading) -> _Snapshot:
    """Decide who serves: right files as they are, broken ones as they were, others retire."""
    # Without the folder nothing can be said of any bot; it may be back in a moment.
    broken = frozenset(before.bots) if reading.broken is None else reading.broken
    kept = {id_: bot for id_, bot in before.bots.items() if id_ in broken}
    bots = dict(sorted((kept | dict(reading.bots)).items()))
    retiring = {
        id_: bot
        for id_, bot in (dict(before.retiring) | dict(before.bots)).items()
        if id_ not in bots
    }
    return _Snapshot(bots=MappingProxyType(bots), retiring=MappingProxyType(retiring))


def _difference(before: Mapping[str, Bot], now: Mapping[str, Bot], reading: Reading) -> Reload:
    return Reload(
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(id_ for id_ in now.keys() & before.keys() if now[id_] != before[id_])),
        removed=tuple(sorted(before.keys() - now.keys())),
        mistakes=reading.mistakes,
        warnings=reading.warnings,
    )
