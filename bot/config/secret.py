"""Secrets in bot files: where they are, and how they are looked up. None is ever shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import PlainValidator, SecretStr, ValidationInfo, WithJsonSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Where a bot file is read; the context of its validation."""

    environ: Mapping[str, str]
    #: The folder of the bot files; relative paths are relative to it.
    folder: Path


def surroundings_of(validation: ValidationInfo) -> Surroundings:
    """Give the context that the validation was started with."""
    if not isinstance(validation.context, Surroundings):
        raise TypeError("a bot file is validated with its Surroundings as the context")
    return validation.context


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LARGEST_FILE_BYTES = 64 * 1024
#: NUL, and surrogates, which JSON lets through and UTF-8 does not.
_UNFIT = re.compile(r"[\0\ud800-\udfff]")
_WAYS = '{ env = "NAME" }, { file = "/path" } or text in quotes'


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretReference:
    """Where a secret is to be found."""

    source: Literal["env", "file", "literal"]
    #: Name of the variable, path of the file, or the secret itself.
    value: str = field(repr=False)

    def look_up(self, surroundings: Surroundings) -> str:
        """Give the secret, without the blanks and line ends around it.

        Raises `ValueError` with the end of a sentence that starts with the key.
        """
        match self.source:
            case "env":
                secret = self._from_environment(surroundings.environ)
            case "file":
                secret = self._from_file(surroundings.folder / self.value)
            case "literal":
                secret = self.value
        if _UNFIT.search(secret):
            raise ValueError("contains a character that cannot be sent: NUL, or half a pair")
        return secret

    def _from_environment(self, environ: Mapping[str, str]) -> str:
        secret = environ.get(self.value, "").strip()
        if not secret:
            state = "empty" if self.value in environ else "not set"
            raise ValueError(f"names the environment variable {self.value}, which is {state}")
        return secret

    def _from_file(self, path: Path) -> str:
        try:
            secret = _read_text(path).strip()
        except OSError as error:
            why = (error.strerror or "unreadable").lower()
            raise ValueError(f"names the file {self.value}, which cannot be read: {why}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"names the file {self.value}, which is not UTF-8 text") from error
        if not secret:
            raise ValueError(f"names the file {self.value}, which is empty")
        return secret


def _read_text(path: Path) -> str:
    # Anything but a file may block for ever (a pipe) or never end (a device).
    if path.exists() and not path.is_file():
        raise OSError(None, "not a regular file")
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise OSError(None, "larger than 64 KiB")
    return content.decode()


def parse_reference(written: object) -> SecretReference:
    """Read ``{ env = … }``, ``{ file = … }`` or the secret itself.

    Raises `ValueError` with the end of a sentence; it never repeats what may be a secret.
    """
    match written:
        case str() if written.strip():
            return SecretReference(source="literal", value=written.strip())
        case {"env": str(name), **rest} if not rest:
            return _environment_reference(name)
        case {"file": str(path), **rest} if not rest and path and path.isprintable():
            return SecretReference(source="file", value=path)
    raise ValueError(f"must be {_WAYS}, and not empty")


def _environment_reference(name: str) -> SecretReference:
    # A key pasted here by mistake must not come back as the name of a missing variable.
    if not _NAME.fullmatch(name):
        raise ValueError(
            "names no environment variable: a name has letters, digits and "
            '"_" only, as in { env = "ADA_BOT_KEY" }',
        )
    return SecretReference(source="env", value=name)


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "minLength": 1, "description": "The secret itself; better not."},
            {
                "type": "object",
                "properties": {
                    "env": {"type": "string", "description": "Name of an environment variable."}
                },
                "required": ["env"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"file": {"type": "string", "description": "Path of a file."}},
                "required": ["file"],
                "additionalProperties": False,
            },
        ]
    }
)


def _looked_up(written: object, validation: ValidationInfo) -> SecretStr:
    return SecretStr(parse_reference(written).look_up(surroundings_of(validation)))


#: A key of a bot file that holds a secret; its value is the secret itself.
Secret = Annotated[SecretStr, PlainValidator(_looked_up), _SCHEMA]
