"""The folder of all state."""

from pathlib import Path

from bot.errors import ConfigError, Mistake


def make_cache(folder: Path) -> Path:
    """Return the session cache, absolute: the child runs in another working directory.

    Raises ConfigError when it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        what = f"{folder} cannot be made: {error.strerror}; choose a folder that can be written"
        raise ConfigError((Mistake(where="HEARTH_SESSION_CACHE", line=None, what=what),)) from error
    return folder.absolute()
