"""Watching ``bots.d/``: what changes there takes effect without a restart."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

import structlog
from watchfiles import Change, awatch

# Not exported at the top, and what is raised when the system gives no more watches.
from watchfiles._rust_notify import WatchfilesRustInternalError

from bot.config.roster import Roster
from bot.errors import Mistake

#: So long after a watch began, the folder is read once: for what changed just before.
_CATCH_UP_MS = 500

_log = structlog.get_logger(__name__)


#: What `watchfiles.awatch` is: paths in, sets of changes out.
Notices = Callable[..., AsyncGenerator[set[tuple[Change, str]], None]]


async def watch(
    roster: Roster,
    *,
    stop: asyncio.Event | None = None,
    debounce_ms: int = 100,
    retry_s: float = 5.0,
    notices: Notices = awatch,
) -> None:
    """Reload *roster* whenever a file in its folder changes, until *stop* is set.

    *stop* belongs to the watch alone: watchfiles sets it, too, when the watch is cancelled.
    A change is taken once nothing else has changed for *debounce_ms*: editors write in steps.
    The folder may vanish and come back. Files with secrets that lie elsewhere are not watched;
    they are read again with every reload. Where the system gives no notices, the folder is polled.
    """
    stop = stop or asyncio.Event()
    polling = None
    while not stop.is_set():
        try:
            folders = _folders(roster)
            changes = notices(
                *sorted(folders),
                watch_filter=None,
                debounce=debounce_ms * 10,
                step=debounce_ms,
                stop_event=stop,
                rust_timeout=_CATCH_UP_MS,
                yield_on_timeout=True,
                recursive=False,
                force_polling=polling,
            )
            async with contextlib.aclosing(changes):
                await _follow(roster, changes, folders)
        except FileNotFoundError:
            continue  # a folder went away while the watch began: see which ones there are now
        except (OSError, WatchfilesRustInternalError) as error:
            _log.warning("bots_not_watched", folder=str(roster.folder), why=str(error))
            polling = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), retry_s)


def _folders(roster: Roster) -> frozenset[Path]:
    """Name the folders to watch: that of the bots, those of their prompts, and the one around.

    The one around tells when the folder itself is replaced. None is watched with what is below
    it: that could be a whole disk.
    """
    folder = roster.folder.absolute()
    around = next((parent for parent in folder.parents if parent.is_dir()), folder)
    inside = {folder, *(path.absolute().parent for path in roster.prompt_files)}
    return frozenset({around, *(path for path in inside if path.is_dir())})


async def _follow(
    roster: Roster,
    changes: AsyncGenerator[set[tuple[Change, str]], None],
    folders: frozenset[Path],
) -> None:
    """Reload after each change, until other folders have to be watched."""
    folder = roster.folder.absolute()
    caught_up = False
    async for found in changes:
        paths = [Path(path) for _, path in found]
        if caught_up and not any(_concerns(path, folder) for path in paths):
            continue
        caught_up = True
        await _reload(roster)
        # A watch is bound to the folder, not to its name: a new one of that name needs a new watch.
        if _folders(roster) != folders or any(folder.is_relative_to(path) for path in paths):
            return


def _concerns(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) or folder.is_relative_to(path)


async def _reload(roster: Roster) -> None:
    reading = await asyncio.to_thread(roster.read)
    wrong, known = bool(roster.mistakes), {*roster.mistakes, *roster.warnings}
    reload = roster.apply(reading)
    _tell("bot_file_wrong", (mistake for mistake in reload.mistakes if mistake not in known))
    _tell("bot_file_unwise", (warning for warning in reload.warnings if warning not in known))
    if reload.changes_anything:
        _log.info(
            "bots_reloaded", added=reload.added, changed=reload.changed, removed=reload.removed
        )
    # Whoever undoes a mistake changes no bot, and still wants to know.
    if wrong and not reload.mistakes:
        _log.info("bot_files_right", folder=str(roster.folder))


def _tell(event: str, mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        _log.warning(event, where=mistake.where, line=mistake.line, what=mistake.what)
