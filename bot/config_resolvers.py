"""The settings of the sources of names: ``[resolvers]`` and the sections in it."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from bot.section import FROZEN, Positive, at_home
from services.resolvers.addresses import AddressPolicy, can_be_asked, literal, tracker_host
from services.resolvers.socks import Proxy, can_be_looked_up, proxy_of

_INTERFACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", re.ASCII)


def _can_be(interface: str) -> bool:
    """Whether it is a device's name, or an address that there may be."""
    if not (interface.startswith("[") or re.fullmatch(r"[0-9.]+", interface, re.ASCII)):
        return True
    try:
        ipaddress.ip_address(interface.strip("[]"))
    except ValueError:
        return False
    return True


class Libtorrent(BaseModel):
    """``[resolvers.libtorrent]``."""

    model_config = FROZEN
    listen_interfaces: str = "0.0.0.0:6881,[::]:6881"
    """Where the swarm reaches this machine; an open port finds more peers. Addresses or devices instead of 0.0.0.0 and
    [::] bind what goes out, too."""
    dht: bool = True
    """Whether to ask the DHT as well as a magnet's trackers."""
    dht_bootstrap_nodes: tuple[str, ...] = (
        "dht.libtorrent.org:25401",
        "router.bittorrent.com:6881",
        "dht.transmissionbt.com:6881",
    )
    """Where the DHT is entered at the first start."""
    extra_trackers: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Trackers that are asked for every torrent, beside its own: http, https or udp addresses."""
    proxy: SecretStr = SecretStr("")
    """A SOCKS5 proxy: trackers, peers and DHT are asked through it or not at all. "socks5://host:port", or with
    user:password@ before the host; see docs/resolvers.md."""
    sessions: Annotated[int, Field(ge=1, le=3)] = 3
    """How many sessions race for each name, 1 to 3, each in a way of its own; fewer find less, and cost less."""
    allow_private_peers: bool = False
    """Whether private, loopback and link-local addresses may be contacted; leave it off unless all users are yours."""

    @field_validator("listen_interfaces")
    @classmethod
    def _addresses_and_ports(cls, value: str) -> str:
        places = [_INTERFACE.fullmatch(one.strip()) for one in value.split(",")]
        if not all(one and _can_be(one[1]) and int(one[2]) < 2**16 for one in places):
            raise ValueError('must be "address:port", or several with commas between: "0.0.0.0:6881,[::]:6881"')
        return value

    @field_validator("extra_trackers")
    @classmethod
    def _trackers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            host, port = tracker_host(url), urlsplit(url).port if tracker_host(url) else None
            if not host or port == 0 or (port is None and url.lower().startswith("udp:")):
                raise ValueError("each must be an http, https or udp address: udp://tracker.example:6969/announce")
        return value

    @field_validator("proxy")
    @classmethod
    def _socks5(cls, value: SecretStr) -> SecretStr:
        if url := value.get_secret_value():
            proxy_of(url)
        return value

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        bound, wild = self._bound
        if bound and wild:
            raise ValueError(
                "listen_interfaces must not name 0.0.0.0 or [::] beside others: what goes out is bound or not"
            )
        if bound and self.through:
            raise ValueError(
                "proxy and a listen_interfaces but 0.0.0.0 and [::] exclude each other; see docs/resolvers.md"
            )
        policy = AddressPolicy(self.allow_private_peers)
        if len(list(policy.trackers(self.extra_trackers))) < len(self.extra_trackers):
            raise ValueError("extra_trackers has a private address, and allow_private_peers is not true")
        if self.through and any(not one.lower().startswith("udp:") for one in self.extra_trackers):
            raise ValueError("extra_trackers must be udp ones behind a proxy; see docs/resolvers.md")
        return self

    @property
    def through(self) -> Proxy | None:
        """The proxy, if there is one."""
        url = self.proxy.get_secret_value()
        return proxy_of(url) if url else None

    @property
    def _bound(self) -> tuple[bool, bool]:
        """Whether an address or a device is named to listen at, and whether a wildcard is."""
        hosts = [literal(one.strip().rpartition(":")[0]) for one in self.listen_interfaces.split(",")]
        wild = [host is not None and host.is_unspecified for host in hosts]
        return not all(wild), any(wild)

    @field_validator("dht_bootstrap_nodes")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for node in value:
            host, colon, port = node.rpartition(":")
            if not colon or not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 2**16:
                raise ValueError('each must be "host:port"')
            if not can_be_looked_up(host.strip("[]")):
                raise ValueError("each must have a host of ASCII letters, of each part between dots 63 at most")
        return value


class Command(BaseModel):
    """``[resolvers.command]``."""

    model_config = FROZEN
    argv: tuple[str, ...] = ()
    """A program of yours and its arguments; {info_hash} stands for what is looked for. No shell reads it."""
    timeout: Positive = 30.0
    """Seconds that it may take for one name."""
    at_once: Annotated[int, Field(ge=1, le=1_000)] = 5
    """How many of it may run at once."""

    @field_validator("argv")
    @classmethod
    def _names_what_is_looked_for(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            return value
        program, *arguments = value
        if not program.strip() or not any("{info_hash}" in one for one in arguments):
            raise ValueError('must be a program and its arguments, with {info_hash} in one: ["/path", "{info_hash}"]')
        if program.startswith("~"):  # else as it is: without its "./" it would be another one
            program = str(at_home(Path(program)))
        return program, *arguments


class Files(BaseModel):
    """``[resolvers.files]``."""

    model_config = FROZEN
    folders: tuple[Path, ...] = ()
    """Folders with .torrent files of yours, which are read with all folders in them."""

    @field_validator("folders")
    @classmethod
    def _named(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        # An empty text is the program's own folder, too, and no file's name has a NUL.
        if any(not str(one).strip(" .") or "\0" in str(one) for one in value):
            raise ValueError("each must name a folder")
        return tuple(map(at_home, value))


class Http(BaseModel):
    """``[resolvers.http]``."""

    model_config = FROZEN
    templates: tuple[str, ...] = ()
    """Addresses such as https://cache.example/{info_hash}.torrent; whoever runs them learns what you look for."""
    timeout: Positive = 10.0
    """Seconds that each of them may take for one name."""
    at_once: Annotated[int, Field(ge=1, le=1_000)] = 10
    """How many names each of them is asked for at once."""

    @field_validator("templates")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            parts = urlsplit(one) if can_be_asked(one) else None
            asks = parts and any(word in parts.path + parts.query for word in ("{info_hash}", "{INFO_HASH}"))
            if not parts or not asks or "@" in parts.netloc:
                raise ValueError(
                    "each must be an http or https address of ASCII letters, with {info_hash} or {INFO_HASH} in its "
                    "path or query, and no password"
                )
        return value


class Qbittorrent(BaseModel):
    """``[resolvers.qbittorrent]``."""

    model_config = FROZEN
    url: str = ""
    """The address of a qBittorrent's Web UI (4.5 or newer), such as http://127.0.0.1:8080; it is asked for names. Its
    port and that of [web] are both 8080 unless told otherwise: change one."""
    username: str = ""
    """Who logs in there; nobody does where it asks for no login from here."""
    password: SecretStr = SecretStr("")
    """Their password."""
    api_key: SecretStr = SecretStr("")
    """Instead of both an API key, where it has them (5.2)."""
    timeout: Annotated[Positive, Field(le=3_600)] = 5.0
    """Seconds that it may take for one answer."""
    at_once: Annotated[int, Field(ge=1, le=1_000)] = 30
    """How many names it is asked for at once."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value) if value and can_be_asked(value) else None
        if value and (not parts or "@" in parts.netloc or parts.query or parts.fragment):
            raise ValueError('must be an http or https address without a password: "http://127.0.0.1:8080"')
        return value.rstrip("/")

    @field_validator("api_key")
    @classmethod
    def _one_word(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("must be one word of ASCII letters")
        return SecretStr(key)


class Resolvers(BaseModel):
    """``[resolvers]``."""

    model_config = FROZEN
    order: tuple[Literal["cache", "libtorrent", "command", "files", "http", "qbittorrent"], ...] = (
        "cache",
        "libtorrent",
    )
    """Who is asked, in which order: cache (earlier claims), libtorrent (swarm), files, command, http, qbittorrent."""
    hedge_after: Positive = 6.0
    """Seconds of silence after which the next one is asked, too."""
    libtorrent: Libtorrent = Libtorrent()
    files: Files = Files()
    command: Command = Command()
    http: Http = Http()
    qbittorrent: Qbittorrent = Qbittorrent()

    @model_validator(mode="after")
    def _has_what_it_names(self) -> Self:
        if not self.order or len(set(self.order)) < len(self.order):
            raise ValueError("order must name at least one source, and each once")
        if set(self.order) == {"cache"}:
            raise ValueError("order must name a source beside cache, which has only what others claimed before")
        for source, (setting, value) in self.given.items():
            if source in self.order and not value:
                raise ValueError(f"order names {source}, and resolvers.{source}.{setting} is empty")
        return self

    @property
    def given(self) -> Mapping[str, tuple[str, Sequence[object]]]:
        """What each source needs, by the setting that has it; nothing where it is not set up."""
        return {
            "command": ("argv", self.command.argv),
            "files": ("folders", self.files.folders),
            "http": ("templates", self.http.templates),
            "qbittorrent": ("url", self.qbittorrent.url),
        }
