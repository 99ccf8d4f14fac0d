"""The folder of bot files: every bot, and everything that is wrong, in one reading."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bot.config.bot import Bot
from bot.config.document import Document, read_document
from bot.config.resolve import NO_ADDRESS, resolve
from bot.config.rules import cautions
from bot.config.secret import Surroundings
from bot.config.sentences import Wrong, shown
from bot.config.settings import Settings
from bot.errors import ConfigError, Mistake

_BOT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_ENDINGS = {".toml", ".json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the folder says at one moment."""

    #: The bots whose files are right, by id.
    bots: Mapping[str, Bot]
    mistakes: tuple[Mistake, ...]
    #: What works and is unwise.
    warnings: tuple[Mistake, ...]
    #: Ids whose files are there and wrong; None when the folder itself cannot be read.
    broken: frozenset[str] | None
    #: Prompt files that bots refer to; they lie in the folder or below it.
    prompt_files: frozenset[Path]


@dataclass(frozen=True, kw_only=True, slots=True)
class _BotReading:
    """What one file says."""

    id: str
    where: str
    bot: Bot | None = None
    document: Document | None = None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()


def read_bots(folder: Path, *, environ: Mapping[str, str], settings: Settings) -> Reading:
    """Read every bot file in *folder*. Mistakes are part of the result, nothing is raised."""
    try:
        files = sorted(path for path in folder.iterdir() if not _is_byproduct(path.name))
    except OSError as error:
        return _no_folder(folder, (error.strerror or "unknown").lower())
    surroundings = Surroundings(environ=environ, folder=folder)
    readings = [_read(path, surroundings, settings) for path in files if path.suffix in _ENDINGS]
    clashes = [*_same_id(readings), *_same_key(readings)]
    broken = {reading.id for reading in readings if not reading.bot} | {id_ for id_, _ in clashes}
    mistakes = list(_once(mistake for reading in readings for mistake in reading.mistakes))
    warnings = [warning for reading in readings for warning in reading.warnings]
    return Reading(
        bots=MappingProxyType({r.id: r.bot for r in readings if r.bot and r.id not in broken}),
        mistakes=_in_order(mistakes + [mistake for _, mistake in clashes]),
        warnings=_in_order(warnings + list(_remarks(folder, files))),
        broken=frozenset(broken),
        prompt_files=frozenset(_prompt_files(readings, folder)),
    )


def _no_folder(folder: Path, why: str) -> Reading:
    what = f"cannot be read as the folder of bot files: {why}; create it, or set HEARTH_BOTS_DIR"
    mistake = Mistake(where=str(folder), line=None, what=what)
    return Reading(
        bots=MappingProxyType({}),
        mistakes=(mistake,),
        warnings=(),
        broken=None,
        prompt_files=frozenset(),
    )


def _is_byproduct(name: str) -> bool:
    """Tell what editors, package managers and Kubernetes leave behind."""
    return name.startswith((".", "#")) or name.endswith(
        ("~", ".swp", ".swo", ".bak", ".tmp", ".orig", ".dpkg-dist", ".rpmnew")
    )


def _read(path: Path, surroundings: Surroundings, settings: Settings) -> _BotReading:
    bot_id, where = path.stem, str(path)
    if not _BOT_ID.fullmatch(bot_id):
        what = (
            f"{shown(bot_id)} cannot be the id of a bot: rename the file, with lower-case "
            'letters, digits, "-" and "_", at most 64'
        )
        mistake = Mistake(where=where, line=None, what=what)
        return _BotReading(id=bot_id, where=where, mistakes=(mistake,))
    try:
        document = read_document(path)
    except ConfigError as error:
        return _BotReading(id=bot_id, where=where, mistakes=error.mistakes)
    found = resolve(document.raw, bot_id=bot_id, surroundings=surroundings, settings=settings)
    return _BotReading(
        id=bot_id,
        where=where,
        bot=found if isinstance(found, Bot) else None,
        document=document,
        mistakes=() if isinstance(found, Bot) else _placed(document, found),
        warnings=_placed(document, cautions(document.raw, bot_id)),
    )


def _placed(document: Document, wrongs: Iterable[Wrong]) -> tuple[Mistake, ...]:
    return tuple(document.mistake(wrong) for wrong in wrongs)


def _once(mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Leave out what is the same for each file, and not to be mended in any of them."""
    said = False
    for mistake in mistakes:
        if mistake.what != NO_ADDRESS.what or not said:
            yield mistake
        said = said or mistake.what == NO_ADDRESS.what


def _in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    return tuple(sorted(mistakes, key=lambda mistake: (mistake.where, mistake.line or 0)))


def _same_id(readings: Iterable[_BotReading]) -> Iterator[tuple[str, Mistake]]:
    first: dict[str, str] = {}
    for reading in readings:
        if reading.id in first:
            what = f"is bot {shown(reading.id)} a second time: remove it, or {first[reading.id]}"
            yield reading.id, Mistake(where=reading.where, line=None, what=what)
        first.setdefault(reading.id, reading.where)


def _same_key(readings: Iterable[_BotReading]) -> Iterator[tuple[str, Mistake]]:
    """Refuse every bot of those that share a key: nobody can say whose it is."""
    holders: dict[tuple[str, str], list[_BotReading]] = {}
    for reading in readings:
        if reading.bot:
            holder = (reading.bot.platform, reading.bot.credentials.key)
            holders.setdefault(holder, []).append(reading)
    for sharing in holders.values():
        for reading in sharing:
            other = next((other for other in sharing if other.id != reading.id), None)
            if other and reading.document:
                what = f"key is also that of {other.where}: every bot needs a key of its own"
                yield reading.id, reading.document.mistake(Wrong(path=("key",), what=what))


def _remarks(folder: Path, files: Iterable[Path]) -> Iterator[Mistake]:
    if not any(path.suffix in _ENDINGS for path in files):
        what = "holds no bot file yet: a bot is a file such as ada.toml"
        yield Mistake(where=str(folder), line=None, what=what)
    for path in files:
        if path.suffix not in _ENDINGS and path.suffix.lower() in {*_ENDINGS, ".yaml", ".yml"}:
            what = "is not read: bot files end in .toml or .json"
            yield Mistake(where=str(path), line=None, what=what)


def _prompt_files(readings: Iterable[_BotReading], folder: Path) -> Iterator[Path]:
    for reading in readings:
        name = reading.document and reading.document.raw.get("system_prompt_file")
        if isinstance(name, str) and "\0" not in name:
            yield folder / name
