"""The system prompt of a bot: in its file, or in one beside it."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from bot.config.secret import surroundings_of

#: The prompt travels as one argument of the child; the kernel takes none beyond 128 KiB.
LONGEST_PROMPT_BYTES = 100_000
_LARGEST_FILE_BYTES = 1024 * 1024


def checked_prompt(text: str) -> str:
    """Check that *text* can be a prompt, and give it back as it is."""
    if not text.strip():
        raise ValueError("must not be blank: say who the bot is")
    if "\0" in text:
        raise ValueError("contains a NUL character, which no prompt may")
    length = len(text.encode())
    if length > LONGEST_PROMPT_BYTES:
        raise ValueError(
            f"is {length:,} bytes long; at most {LONGEST_PROMPT_BYTES:,} are allowed, "
            "because it travels as an argument of the agent's program",
        )
    return text


def _prompt_path(name: str, folder: Path) -> Path:
    """Find a prompt file, which must really lie in *folder*, links followed."""
    if "\0" in name or not name.strip():
        raise ValueError('is not the name of a file, as "ada.md" is')
    path = folder / name
    # Unlike Path.resolve, realpath also gives an answer for links that go in circles.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError("leads out of the folder of the bot files, where it must be")
    if not path.exists():
        raise ValueError(f"does not exist; it is looked for in {folder}")
    if not path.is_file():
        raise ValueError("is not a regular file")
    return path


def _read_prompt(name: str, validation: ValidationInfo) -> str:
    try:
        path = _prompt_path(name, surroundings_of(validation).folder)
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
        if len(content) > _LARGEST_FILE_BYTES:
            raise ValueError(f"is larger than 1 MiB; at most {LONGEST_PROMPT_BYTES:,} bytes fit")
        return checked_prompt(content.decode("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or 'unknown').lower()}") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text: save it as UTF-8") from error


#: A prompt that stands in the bot file.
Prompt = Annotated[str, AfterValidator(checked_prompt)]
#: The name of a file; its value is the prompt that stands there.
PromptFile = Annotated[str, AfterValidator(_read_prompt)]
