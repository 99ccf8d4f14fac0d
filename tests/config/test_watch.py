"""The real watcher on real files. Every test waits for what must happen, and for no time."""

# ruff: noqa: ASYNC240 - the tests touch files as an operator does, and nothing waits for them

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs
from watchfiles import Change, awatch

from bot.config.bots_dir import Reading
from bot.config.roster import Reload, Roster
from bot.config.settings import Settings
from bot.config.watch import Notices, watch
from tests.config.conftest import ADA, BO, ENVIRON

#: What a watcher says at a time.
Changes = set[tuple[Change, str]]

#: Longer than any of the waits can take unless something is broken.
PATIENCE_S = 20


class HeardRoster(Roster):
    """A roster that tells the test when it has read the folder."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder, environ=ENVIRON, settings=settings)
        self._reloads: asyncio.Queue[Reload] = asyncio.Queue()
        self.reload()

    def apply(self, reading: Reading) -> Reload:
        """Serve what was read, and note it."""
        reload = super().apply(reading)
        self._reloads.put_nowait(reload)
        return reload

    @property
    def unheard(self) -> int:
        """How many readings nobody has waited for."""
        return self._reloads.qsize()

    async def next_reload(self) -> Reload:
        """Wait for the next reading, the one at the start included."""
        return await asyncio.wait_for(self._reloads.get(), PATIENCE_S)

    async def changed(self) -> Reload:
        """Wait for the next reading that changed a bot."""
        while not (reload := await self.next_reload()).changes_anything:
            pass
        return reload

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until a reading has made *reached* true."""
        while not reached():
            await self.next_reload()


@asynccontextmanager
async def watching(roster: Roster, notices: Notices = awatch) -> AsyncIterator[None]:
    """Watch *roster* for the time of a test."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            watch(roster, stop=stop, debounce_ms=10, retry_s=0, notices=notices), name="watch"
        )
        try:
            yield
        finally:
            stop.set()


@pytest.fixture
async def roster(folder: Path, settings: Settings) -> HeardRoster:
    """Give a roster that serves Ada, and has told so."""
    (folder / "ada.toml").write_text(ADA)
    roster = HeardRoster(folder, settings)
    await roster.next_reload()
    return roster


async def test_files_take_effect_without_a_restart(roster: HeardRoster, folder: Path) -> None:
    """Added, changed and removed: each is one reload."""
    async with watching(roster):
        (folder / "bo.toml").write_text(BO)
        assert (await roster.changed()).added == ("bo",)
        (folder / "ada.toml").write_text(ADA.replace("sonnet", "haiku"))
        assert (await roster.changed()).changed == ("ada",)
        (folder / "bo.toml").unlink()
        assert (await roster.changed()).removed == ("bo",)
        assert list(roster.retiring) == ["bo"]


async def test_a_file_that_is_replaced_is_seen(roster: HeardRoster, folder: Path) -> None:
    """Editors write a new file and rename it."""
    async with watching(roster):
        (folder / ".ada.toml.new").write_text(ADA.replace("sonnet", "haiku"))
        (folder / ".ada.toml.new").rename(folder / "ada.toml")
        assert (await roster.changed()).changed == ("ada",)


async def test_a_mistake_is_logged_once_and_nothing_stops(
    roster: HeardRoster, folder: Path
) -> None:
    """The log has file, line and sentence; the bot goes on; the next change is taken."""
    with capture_logs() as logs:
        async with watching(roster):
            (folder / "ada.toml").write_text(ADA.replace("model =", "modle ="))
            await roster.until(lambda: len(roster.mistakes) == 2)
            (folder / "bo.toml").write_text(BO)
            await roster.changed()
            assert roster.get("ada") is not None
    assert [entry for entry in logs if entry["event"] == "bot_file_wrong"] == [
        {
            "event": "bot_file_wrong",
            "log_level": "warning",
            "where": "bots.d/ada.toml",
            "line": None,
            "what": 'model is missing: add for example model = "claude-sonnet-4-5"',
        },
        {
            "event": "bot_file_wrong",
            "log_level": "warning",
            "where": "bots.d/ada.toml",
            "line": 4,
            "what": 'unknown key "modle" (did you mean "model"?)',
        },
    ]
    assert [entry for entry in logs if entry["event"] == "bots_reloaded"] == [
        {
            "event": "bots_reloaded",
            "log_level": "info",
            "added": ("bo",),
            "changed": (),
            "removed": (),
        }
    ]


async def test_a_mistake_that_is_undone_is_logged(roster: HeardRoster, folder: Path) -> None:
    """Once, when nothing is wrong any more, although no bot has changed."""
    with capture_logs() as logs:
        async with watching(roster):
            (folder / "ada.toml").write_text(f'{ADA}\nmodle = "x"')
            await roster.until(lambda: len(roster.mistakes) == 1)
            (folder / "ada.toml").write_text(ADA)
            await roster.until(lambda: not roster.mistakes)
            (folder / "bo.toml").write_text(BO)
            await roster.changed()
    events = [entry["event"] for entry in logs]
    assert events == ["bot_file_wrong", "bot_files_right", "bots_reloaded"]


async def test_a_prompt_file_counts_as_its_bot(roster: HeardRoster, folder: Path) -> None:
    """Also in a folder below, and also when that is named only after the watch began."""
    (folder / "prompts").mkdir()
    prompt = folder / "prompts/bo.md"
    prompt.write_text("You are Bo.")
    lines = [line for line in BO.splitlines() if not line.startswith("system_prompt")]
    async with watching(roster):
        (folder / "bo.toml").write_text("\n".join([*lines, 'system_prompt_file = "prompts/bo.md"']))
        assert (await roster.changed()).added == ("bo",)
        prompt.write_text("You are Bo, who keeps the minutes.")
        assert (await roster.changed()).changed == ("bo",)


async def test_what_changed_before_the_watch_began_is_caught_up(
    roster: HeardRoster, folder: Path
) -> None:
    """Between the first reading and the watch there is a gap; nothing falls into it."""
    (folder / "bo.toml").write_text(BO)
    async with watching(roster):
        assert (await roster.changed()).added == ("bo",)


async def test_a_folder_that_is_replaced_is_watched_again(
    roster: HeardRoster, folder: Path
) -> None:
    """Its bots go on while it is away; the new folder of that name counts from then on."""
    async with watching(roster):
        folder.rename("aside")
        await roster.until(lambda: bool(roster.mistakes))
        assert list(roster.bots) == ["ada"]
        shutil.copytree("aside", "copied")
        Path("copied").rename(folder)
        await roster.until(lambda: not roster.mistakes)
        (folder / "bo.toml").write_text(BO)
        assert (await roster.changed()).added == ("bo",)


async def test_a_link_to_the_folder_may_be_turned(folder: Path, settings: Settings) -> None:
    """A release that is switched by a link is a change of all its files."""
    (folder / "ada.toml").write_text(ADA)
    Path("next").mkdir()
    Path("next/bo.toml").write_text(BO)
    link = Path("current")
    link.symlink_to(folder)
    roster = HeardRoster(link, settings)
    await roster.next_reload()
    async with watching(roster):
        Path("new").symlink_to("next")
        Path("new").replace(link)
        reload = await roster.changed()
        assert (reload.added, reload.removed) == (("bo",), ("ada",))
        Path("next/bo.toml").write_text(BO.replace("sonnet", "haiku"))
        assert (await roster.changed()).changed == ("bo",)


async def test_a_deleted_folder_stops_nothing(roster: HeardRoster, folder: Path) -> None:
    """With the folder around it gone as well, the nearest one that is there is watched."""
    deep = Path("a/b/bots.d")
    deep.parent.mkdir(parents=True)
    folder.rename(deep)
    roster.folder = deep
    async with watching(roster):
        await roster.next_reload()
        shutil.rmtree("a")
        await roster.until(lambda: bool(roster.mistakes))
        assert roster.serving("ada") is not None
        deep.mkdir(parents=True)
        (deep / "bo.toml").write_text(BO)
        await roster.until(lambda: "bo" in roster.bots)


async def test_what_lies_around_the_folder_is_not_a_change(
    roster: HeardRoster, folder: Path
) -> None:
    """The folder around is watched for the name of ours only."""
    around = folder.absolute().parent
    (folder / "bo.toml").write_text(BO)

    async def notices(*_: Path, **__: object) -> AsyncGenerator[Changes, None]:
        yield set()
        for path in (around / "noise", around / "bots.d.old", folder.absolute() / "bo.toml"):
            yield {(Change.added, str(path))}
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(roster, notices=notices), name="watch")
        assert (await roster.next_reload()).added == ("bo",)  # the one at the beginning
        await roster.next_reload()
        await anyio.wait_all_tasks_blocked()
        assert roster.unheard == 0
        task.cancel()


async def test_without_notices_the_folder_is_polled(roster: HeardRoster, folder: Path) -> None:
    """When the system has no watches left, changes are still seen, and the log says how."""
    tries: list[object] = []

    def scarce(*paths: Path, **options: object) -> AsyncGenerator[Changes, None]:
        tries.append(options["force_polling"])
        if not options["force_polling"]:
            raise OSError(28, os.strerror(28))
        return awatch(*paths, **options, poll_delay_ms=10)  # type: ignore[arg-type]  # as given

    with capture_logs() as logs:
        async with watching(roster, scarce):
            (folder / "bo.toml").write_text(BO)
            assert (await roster.changed()).added == ("bo",)
    assert tries[:2] == [None, True]
    assert [entry["event"] for entry in logs] == ["bots_not_watched", "bots_reloaded"]


async def test_the_watch_can_be_cancelled(roster: HeardRoster) -> None:
    """It is a task like others: whoever owns it may end it."""
    started = asyncio.Event()

    async def endless(*_: Path, **__: object) -> AsyncGenerator[Changes, None]:
        started.set()
        await asyncio.Event().wait()
        yield set()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watch(roster, notices=endless), name="watch")
        await started.wait()
        task.cancel()
    assert task.cancelled()
