"""What all tables of a bot file have in common, and the names that stand in several of them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bot.config.secret import Secret


class Table(BaseModel):
    """A table of a bot file."""

    # Strict: TOML has types, and max_turns = "20" is a slip that should not pass in silence.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def _model(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/\[\]-]*", name):
        raise ValueError('is not the name of a model: write for example "claude-sonnet-4-5"')
    return name


def _one_line(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable():
        raise ValueError("must be one line of printable text")
    return secret


#: A model, as its maker calls it.
ModelName = Annotated[str, Field(max_length=200), AfterValidator(_model)]
#: A secret that fits into a header or an address.
LineSecret = Annotated[Secret, AfterValidator(_one_line)]
