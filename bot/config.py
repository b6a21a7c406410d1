"""The settings: one TOML file, and the environment before it. Frozen."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

_FROZEN = ConfigDict(extra="forbid", frozen=True, strict=False)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BadSettings(Exception):
    """The settings cannot be used; each of *lines* says which key, what is wrong, and where to look."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class Telegram(BaseModel):
    """``[telegram]``."""

    model_config = _FROZEN
    token: SecretStr = SecretStr("")
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    owners: tuple[int, ...] = ()
    allowed_users: tuple[int, ...] = ()
    allowed_chats: tuple[int, ...] = ()
    poll_interval: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    status_interval: Positive = 0.5

    @field_validator("base_url", "base_file_url")
    @classmethod
    def _ends_in_bot(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or not value.endswith("/bot"):
            raise ValueError("must be an http or https address that ends in /bot")
        return value


class Database(BaseModel):
    """``[database]``."""

    model_config = _FROZEN
    path: Path = Path("data/calibot.db")


class Calibration(BaseModel):
    """``[calibration]``."""

    model_config = _FROZEN
    max_workers: Annotated[int, Field(ge=1, le=10_000)] = 100
    timeout: Positive = 60.0
    task_ttl_seconds: Positive = 3600.0


class Libtorrent(BaseModel):
    """``[resolvers.libtorrent]``."""

    model_config = _FROZEN
    listen_interfaces: str = "0.0.0.0:6881,[::]:6881"
    dht: bool = True
    dht_bootstrap_nodes: tuple[str, ...] = (
        "dht.libtorrent.org:25401",
        "router.bittorrent.com:6881",
        "dht.transmissionbt.com:6881",
    )
    allow_private_peers: bool = False

    @field_validator("dht_bootstrap_nodes")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for node in value:
            host, colon, port = node.rpartition(":")
            if not colon or not host or not port.isdecimal() or not 0 < int(port) < 2**16:
                raise ValueError('each must be "host:port"')
        return value


class Resolvers(BaseModel):
    """``[resolvers]``."""

    model_config = _FROZEN
    libtorrent: Libtorrent = Libtorrent()


class Settings(BaseSettings):
    """All settings; unknown keys and wrong types are refused."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="CALIBOT_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )
    telegram: Telegram = Telegram()
    database: Database = Database()
    calibration: Calibration = Calibration()
    resolvers: Resolvers = Resolvers()


def load(path: Path) -> Settings:
    """Read the settings from the TOML file at *path* and the environment.

    Raises:
        BadSettings: the file is missing, no TOML, or has keys or values that are not ours.
    """

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, path)

    if not path.is_file():
        raise BadSettings(f"There is no file {path}. Copy config.example.toml to it, or name another with --config.")
    try:
        return FromFile()
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        # The values stay out: one of them may be the token in the wrong place.
        raise BadSettings(
            *(f"{path}: {_line(one['loc'], one['type'], one['msg'])}" for one in error.errors())
        ) from error


def _line(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"{key}: there is no such key"
    return f"{key}: {message.removeprefix('Value error, ')}"
