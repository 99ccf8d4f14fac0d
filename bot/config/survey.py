"""Settings and bot files looked at together, so that wrong settings do not hide wrong files."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.config.bots_dir import Reading, read_bots
from bot.config.resolve import NO_ADDRESS
from bot.config.settings import Settings, load_settings
from bot.errors import ConfigError, Mistake


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Everything an operator has configured, and everything that is wrong with it."""

    #: A wrong setting counts as one that is not set.
    settings: Settings
    reading: Reading
    #: Of the settings first, then of the files.
    mistakes: tuple[Mistake, ...]


def survey(environ: Mapping[str, str]) -> Survey:
    """Read the settings and the bot files they name. Nothing is raised for mistakes."""
    settings, wrong = _settings(environ)
    reading = read_bots(settings.bots_dir, environ=environ, settings=settings)
    found: tuple[Mistake, ...] = reading.mistakes
    if any(mistake.where == "HEARTH_CAMPFIRE_URL" for mistake in wrong):  # it is set, and said
        found = tuple(mistake for mistake in found if mistake.what != NO_ADDRESS.what)
    return Survey(settings=settings, reading=reading, mistakes=(*wrong, *found))


def _settings(environ: Mapping[str, str]) -> tuple[Settings, tuple[Mistake, ...]]:
    try:
        return load_settings(environ), ()
    except ConfigError as error:
        wrong = {mistake.where for mistake in error.mistakes}
        right = {name: value for name, value in environ.items() if name not in wrong}
        return load_settings(right), error.mistakes
