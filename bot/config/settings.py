"""The settings of the server: environment variables that start with ``HEARTH_``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config.address import base_address, web_address
from bot.config.sentences import guess, predicate_of, shown
from bot.config.units import format_bytes, format_duration
from bot.config.values import Database, Duration, Host, Lifetime, Port, Size, Token
from bot.errors import ConfigError, Mistake

_PREFIX = "HEARTH_"

#: Their values stand in no sentence. Addresses are among them: they may carry a password.
_SECRET = {
    "HEARTH_ADMIN_TOKEN",
    "HEARTH_DATABASE_URL",
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
}

#: For when there is nothing to log in to the model with.
NO_ACCESS_CURE = "the bots cannot think: set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN"

#: Largest body of a delivery that is read; not a setting.
BODY_LIMIT_BYTES = 1024 * 1024


def _variable(field_name: str) -> str:
    """Name the variable of a field; the unit in the field's name is for readers of the code."""
    return _PREFIX + re.sub(r"_(s|bytes)$", "", field_name).upper()


def _enough(size_bytes: int) -> int:
    if size_bytes < 128 * 1024 * 1024:
        raise ValueError("is too little: one open conversation takes about 128MiB")
    return size_bytes


_Lower = BeforeValidator(lambda written: str(written).lower())


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentAccess:
    """What lets the agent reach its model. It goes to the agent and to nothing else."""

    api_key: str | None = field(default=None, repr=False)
    #: For when there is no key.
    oauth_token: str | None = field(default=None, repr=False)
    #: Hidden as well: an address may carry a password.
    base_url: str | None = field(default=None, repr=False)

    @property
    def complete(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self.api_key or self.oauth_token)

    def environment(self) -> dict[str, str]:
        """Give the child's environment variables; those that are not set are left out."""
        named = {
            "ANTHROPIC_API_KEY": self.api_key,
            "CLAUDE_CODE_OAUTH_TOKEN": self.oauth_token,
            "ANTHROPIC_BASE_URL": self.base_url,
        }
        return {name: value for name, value in named.items() if value is not None}


class Settings(BaseSettings):
    """Everything the environment decides. Made by `load_settings`, in tests also by hand."""

    model_config = SettingsConfigDict(
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        alias_generator=_variable,
        hide_input_in_errors=True,
    )

    bots_dir: Path = Field(Path("bots.d"), description="Folder with one file per bot.")
    session_cache: Path = Field(
        Path("session_cache"),
        description="Folder of all state: journal, session files, transcripts. One volume to keep.",
    )
    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    campfire_url: Annotated[str, AfterValidator(base_address)] | None = Field(
        None,
        description="Address of your Campfire, such as `https://chat.example.com`; "
        'needed by bots with `platform = "campfire"`.',
    )
    admin_token: Token | None = Field(
        None,
        description="Bearer token of the statistics and admin routes; "
        "unset: one is generated into `session_cache/admin.token`.",
    )
    database_url: Database | None = Field(
        None,
        repr=False,
        description="Unset, or `sqlite://`: the journal is a file in the session cache. "
        "Nothing else yet.",
    )
    session_ttl_s: Lifetime = Field(
        86_400.0,
        description="How long a session is remembered after its last turn; a bot may say its own.",
    )
    memory_budget_bytes: Annotated[Size, AfterValidator(_enough)] | None = Field(
        None,
        description="Memory for open conversations, such as `4GiB`; "
        "unset: derived from the container or machine.",
    )
    child_limit_bytes: Annotated[Size, AfterValidator(_enough)] = Field(
        400 * 2**20,
        description="Memory of one conversation beyond which it is replaced by a fresh one, "
        "between two turns.",
    )
    spares: int | None = Field(
        None,
        ge=0,
        le=64,
        description="Conversations that each bot keeps ready for rooms that are new; 0 keeps none; "
        "unset: 1 to 3, by the memory there is.",
    )
    warm_rooms: int = Field(
        16,
        ge=0,
        le=1000,
        description="How many rooms, those used last, are taken up again ahead of time after a "
        "start, as far as the memory goes; 0 for none.",
    )
    grace_s: Duration = Field(
        30.0, description="How long running turns may take to finish when the server stops."
    )
    catch_up_s: Duration = Field(
        3600.0,
        description="How old a message that never arrived may be to be answered still; "
        "`0s` looks for none.",
    )
    dedupe_s: Lifetime = Field(604_800.0, description="How long a repeat is recognised as one.")
    history_s: Lifetime = Field(
        2_592_000.0, description="How long settled turns are kept for the recap."
    )
    log_format: Annotated[Literal["auto", "json", "console"], _Lower] = Field(
        "auto", description="`json`, `console`, or `auto`: console on a terminal, else JSON."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _Lower] = Field(
        "info", description="`debug`, `info`, `warning` or `error`: the least that is logged."
    )
    anthropic_api_key: Token | None = Field(
        None,
        validation_alias="ANTHROPIC_API_KEY",
        description="Passed to the agent and to nothing else.",
    )
    claude_code_oauth_token: Token | None = Field(
        None,
        validation_alias="CLAUDE_CODE_OAUTH_TOKEN",
        description="Passed to the agent and to nothing else; for when there is no API key.",
    )
    anthropic_base_url: Annotated[str, AfterValidator(web_address)] | None = Field(
        None,
        validation_alias="ANTHROPIC_BASE_URL",
        repr=False,
        description="Passed to the agent and to nothing else; unset: the public service.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the arguments: no ``os.environ``, no ``.env`` file."""
        return (init_settings,)

    @property
    def agent_access(self) -> AgentAccess:
        """What the agent needs to reach its model."""
        return AgentAccess(
            api_key=_revealed(self.anthropic_api_key),
            oauth_token=_revealed(self.claude_code_oauth_token),
            base_url=self.anthropic_base_url,
        )


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


class _GivenEnvironment(PydanticBaseSettingsSource):
    """The variables of a mapping, where pydantic-settings would read ``os.environ``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self._environ = environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = str(field.validation_alias or field_name)
        return self._environ.get(name, "").strip(), name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        values = (self.get_field_value(field, field_name) for field_name, field in fields)
        return {name: value for value, name, _ in values if value}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from *environ* and from nowhere else.

    An empty variable counts as one that is not set. Raises `ConfigError` with every mistake.
    """
    mistakes = list(_unknown(environ))
    given = _GivenEnvironment(environ)()
    try:
        settings = Settings(**given)
        mistakes += _contradictions(settings, given)
    except ValidationError as error:
        mistakes += [_mistake(details, given) for details in error.errors(include_url=False)]
    if mistakes:
        raise ConfigError(tuple(mistakes))
    return settings


def _unknown(environ: Mapping[str, str]) -> Iterator[Mistake]:
    known = [row.name.removeprefix(_PREFIX) for row in settings_table()]
    for name in sorted(environ):
        prefix, rest = name[: len(_PREFIX)], name[len(_PREFIX) :]
        if prefix.upper() == _PREFIX and (prefix != _PREFIX or rest not in known):
            suggestion = guess(rest, known).replace('"', f'"{_PREFIX}', 1)
            what = f"is not a setting{suggestion}; names that start with {_PREFIX} are Hearth's own"
            yield Mistake(where=name, line=None, what=what)


def _contradictions(settings: Settings, given: Mapping[str, str]) -> Iterator[Mistake]:
    """Yield a mistake for each of the settings that do not go together, if it was given."""
    if settings.catch_up_s > settings.dedupe_s:
        what = (
            f"HEARTH_CATCH_UP ({format_duration(settings.catch_up_s)}) is longer than"
            f" HEARTH_DEDUPE ({format_duration(settings.dedupe_s)}): what was answered and"
            " forgotten since would be answered again; change one of them"
        )
        for name in ("HEARTH_CATCH_UP", "HEARTH_DEDUPE"):
            if name in given:
                yield Mistake(where=name, line=None, what=what)


def _mistake(details: ErrorDetails, given: Mapping[str, str]) -> Mistake:
    name = str(details["loc"][0])
    # An address with an "@" may carry a password, whichever setting it was meant for.
    hidden = name in _SECRET or "@" in given[name]
    subject = "its value" if hidden else shown(given[name])
    return Mistake(where=name, line=None, what=f"{subject} {predicate_of(details)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingRow:
    """One setting, as the README's table has it."""

    #: The environment variable.
    name: str
    #: The default as an operator would write it; "" when unset is the default.
    default: str
    meaning: str


def settings_table() -> tuple[SettingRow, ...]:
    """List every setting with its default and meaning, in the order of `Settings`."""
    return tuple(
        SettingRow(
            name=str(field.validation_alias),
            default=_written(field_name, field.default),
            meaning=field.description or "",
        )
        for field_name, field in Settings.model_fields.items()
    )


def _written(field_name: str, default: object) -> str:
    if isinstance(default, float) and field_name.endswith("_s"):
        return format_duration(default)
    if isinstance(default, int) and field_name.endswith("_bytes"):
        return format_bytes(default)
    return "" if default is None else str(default)
