"""The settings: one TOML file, and the environment before it. Frozen."""

import contextlib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config_resolvers import Resolvers
from bot.section import FROZEN, Positive, at_home

_ADDRESS = re.compile(r"https?://[^/\s?#]+(?:/[^\s?#]*)?/bot")
_SITE = re.compile(r"https?://[^/\s?#@]+/?", re.IGNORECASE)
_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+", re.ASCII)


class BadSettings(Exception):
    """The settings cannot be used; *lines* say where to look, then for each key what is wrong with it."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class Telegram(BaseModel):
    """``[telegram]``."""

    model_config = FROZEN
    token: SecretStr = SecretStr("")
    """The bot's token, from @BotFather in Telegram (/newbot). Without one there is the page of [web] alone."""
    base_url: str = "https://api.telegram.org/bot"
    """Where the Bot API is; must end in /bot."""
    base_file_url: str = "https://api.telegram.org/file/bot"
    """Where the Bot API's files are; must end in /file/bot."""
    owners: tuple[int, ...] = ()
    """Your own numeric user ids: may do everything. Empty: the program prints a /start CODE that makes one an owner."""
    allowed_users: tuple[int, ...] = ()
    """User ids that are served in their private chats (the bot tells strangers theirs). In the chat: /allow."""
    allowed_chats: tuple[int, ...] = ()
    """Group ids (negative; an owner's /start there shows it): who may write there is served there. There: /allow."""
    poll_interval: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Seconds between two getUpdates; they wait at the server by themselves, so 0 is right."""
    status_interval: Positive = 0.5
    """Seconds between two looks of the live status at what has changed."""

    @field_validator("token")
    @classmethod
    def _without_blanks_around(cls, value: SecretStr) -> SecretStr:
        return SecretStr(value.get_secret_value().strip())

    @field_validator("base_url", "base_file_url")
    @classmethod
    def _ends_in_bot(cls, value: str) -> str:
        if not _ADDRESS.fullmatch(value):
            raise ValueError("must be an http or https address that ends in /bot")
        return value


class Database(BaseModel):
    """``[database]``."""

    model_config = FROZEN
    path: Path = Path("data/calibot.db")
    """The notes and tasks; its folder is made when missing."""

    @field_validator("path")
    @classmethod
    def _names_a_file(cls, value: Path) -> Path:
        if value.name in {"", ".."} or "\0" in str(value):
            raise ValueError("must name a file")
        return at_home(value)


class Calibration(BaseModel):
    """``[calibration]``."""

    model_config = FROZEN
    max_workers: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Lookups at once; one costs about 20 KB and no thread, among peers that lie up to 12 MB."""
    timeout: Positive = 60.0
    """Seconds that one lookup may take."""
    task_ttl_seconds: Positive = 3600.0
    """Seconds that an ended task is answered for."""
    tasks_per_person: Annotated[int, Field(ge=0)] = 20
    """How many tasks one person may have under way; 0 is no bound."""
    lookups_per_hour: Annotated[int, Field(ge=0)] = 20_000
    """How many lookups one person may ask for in an hour; 0 is no bound."""
    async_enabled: bool = True
    """Whether programs may begin over HTTP what goes on while nobody waits for it, and listen to what changes."""


class Web(BaseModel):
    """``[web]``."""

    model_config = FROZEN
    enabled: bool = True
    """Whether people's browsers (/login) and programs (docs/api.md) may ask, too, and whoever watches the process."""
    host: str = "127.0.0.1"
    """The address of this machine to listen at; others reach it through a proxy."""
    port: Annotated[int, Field(ge=0, lt=2**16)] = 8080
    """The port to listen at; 0 is any that is free, which the log tells."""
    public_url: str = ""
    """Where people reach it, such as https://notes.example.org: the links that /login sends begin so."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses, and networks such as 10.0.0.0/8, of proxies whose X-Forwarded-For is believed; of others it is not."""
    rate_limit: Annotated[int, Field(ge=0)] = 600
    """How many requests one client may send in a minute; 0 is no bound."""
    front_end: Literal["push", "poll", "sync"] = "push"
    """How the page learns what changes: it is told (push), asks each second (poll), or waits for each lookup (sync)."""

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError("must be an address of this machine, such as 127.0.0.1 or ::1") from None

    @field_validator("public_url")
    @classmethod
    def _site(cls, value: str) -> str:
        if value and not _SITE.fullmatch(value):
            raise ValueError("must be an http or https address without a path, such as https://notes.example.org")
        return _as_browsers_say(value) if value else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ipaddress.ip_network(one)) for one in value)
        except ValueError:
            raise ValueError("each must be an address or a network, such as 10.0.0.1 or 10.0.0.0/8") from None


def _as_browsers_say(site: str) -> str:
    """Return the origin of *site* as the URL standard (WHATWG) spells it: lower case, IDNA, no port of its scheme."""
    parts = urlsplit(site)
    try:
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except (UnicodeError, ValueError):
        raise ValueError("must have a host and a port that there can be") from None
    own = {"http": 80, "https": 443}[parts.scheme.lower()]
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{host}" + (f":{port}" if port not in {None, own} else "")


class Sections(BaseModel):
    """What the file may have."""

    model_config = FROZEN
    telegram: Telegram = Telegram()
    database: Database = Database()
    calibration: Calibration = Calibration()
    resolvers: Resolvers = Resolvers()
    web: Web = Web()


class _Environment(EnvSettingsSource):
    """Variables such as ``CALIBOT_TELEGRAM__TOKEN``; lists are JSON."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value  # no JSON: refused when it is validated, which names its key


class Settings(Sections, BaseSettings):
    """All settings: what it is made of, and the environment before that; unknown keys and wrong types are refused."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix="CALIBOT_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings


def is_token(text: str) -> bool:
    """Whether *text* looks like what @BotFather gives; what does not would become part of another address."""
    return _TOKEN.fullmatch(text) is not None


def load(path: Path | None) -> Settings:
    """Read the settings from the TOML file at *path*, where one is named, and the environment.

    Raises:
        BadSettings: the file is missing, no TOML, or has keys or values that are not ours; or the environment has.
    """
    document = {} if path is None else _read(path)
    with _refused(f"{path} cannot be used:"):
        # As JSON, so that the types are those written down: there a text is no number, and a list may be a tuple.
        Sections.model_validate_json(json.dumps(document, default=_of_no_type_of_ours), strict=True)
    if strangers := [name for name in sorted(os.environ) if _is_none_of_ours(name)]:
        raise BadSettings("The environment cannot be used:", *(f"{name}: there is no such key" for name in strangers))
    right = "The environment cannot be used:"
    if path is not None:
        right = f"{path} is right by itself, but variables of the environment (CALIBOT_...) go before it:"
    with _refused(right):
        return Settings(**document)


def _is_none_of_ours(variable: str) -> bool:
    """Whether it looks like one of our variables and names no section; pydantic sees to the keys within."""
    prefix, _, rest = variable.lower().partition("_")
    return prefix == "calibot" and rest.partition("__")[0] not in Sections.model_fields


def _read(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise BadSettings(f"{path} is a folder. Name the file in it with --config.")
    if not path.exists():
        raise BadSettings(f"There is no file {path}. Copy config.example.toml to it, or name another with --config.")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors begin it with a BOM
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    except UnicodeDecodeError:
        raise BadSettings(f"{path} is not text in UTF-8.") from None  # it holds the whole file, the token too
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _refused(where: str) -> Iterator[None]:
    """Turn pydantic's errors into lines under *where*."""
    try:
        yield
    except ValidationError as error:
        raise BadSettings(where, *(_line(one["loc"], one["type"], one["msg"]) for one in error.errors())) from error


def _line(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location)
    match kind:
        case "extra_forbidden":
            return f"{key}: there is no such key"
        case "tuple_type":
            return f'{key}: must be a list, such as [1, 2] or ["a", "b"]'
        case "model_type" | "model_attributes_type":
            return f"{key}: must be a section with keys of its own"
        case _:
            return f"{key}: {message.removeprefix('Value error, ')}"


def _of_no_type_of_ours(_date_or_time: object) -> None:
    """Stand in for what TOML has and none of our keys takes."""
