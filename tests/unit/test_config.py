"""The settings: what is refused, in which words, and that the example says what is."""

import os
import re
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from bot.config import BadSettings, Sections, Settings, Web, load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"
TOKEN = "123456:ABC-secret_token"  # noqa: S105 - no real one


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set where the tests run is none of theirs."""
    for name in [name for name in os.environ if name.upper().startswith("CALIBOT")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(config: Path, text: str | bytes) -> tuple[str, ...]:
    """Return the lines that refuse *text*; however it is shown, the token is not among them."""
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadSettings) as refused:
        load(config)
    shown = "".join(traceback.format_exception(refused.value))
    assert TOKEN not in shown
    assert TOKEN not in repr(refused.value) + repr(refused.value.__cause__)
    return refused.value.lines


def loaded(config: Path, text: str) -> Settings:
    config.write_text(text, encoding="utf-8")
    return load(config)


# What is refused.


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("surprise = 1", "surprise"),
        ("[surprise]", "surprise"),
        ("[telegram]\ntokn = 'x'", "telegram.tokn"),
        ("[telegram.deep]\nx = 1", "telegram.deep"),
        ("[database]\npth = 'x'", "database.pth"),
        ("[calibration]\nworkers = 1", "calibration.workers"),
        ("[resolvers]\ntransmission = 1", "resolvers.transmission"),
        ("[resolvers.libtorrent]\nport = 1", "resolvers.libtorrent.port"),
    ],
)
def test_a_key_that_is_none_of_ours_is_refused_by_its_full_name(text: str, key: str, config: Path) -> None:
    assert refusal(config, text) == (f"{config} cannot be used:", f"{key}: there is no such key")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("telegram", "1"),
        ("telegram.token", "5"),
        ("telegram.token", "1979-05-27"),
        ("telegram.token", "[]"),
        ("telegram.owners", "1"),
        ("telegram.owners", "'1'"),
        ("telegram.owners.0", "['1']"),
        ("telegram.owners.1", "[1, true]"),
        ("telegram.allowed_users.0", "[1.5]"),
        ("telegram.allowed_chats", "{}"),
        ("telegram.poll_interval", "'0'"),
        ("telegram.poll_interval", "-1"),
        ("telegram.poll_interval", "true"),
        ("telegram.status_interval", "0"),
        ("telegram.status_interval", "inf"),
        ("telegram.base_url", "'api.telegram.org/bot'"),
        ("telegram.base_url", "'https://api.telegram.org/'"),
        ("telegram.base_file_url", "'ftp://x/bot'"),
        ("database.path", "5"),
        ("database.path", "''"),
        ("database.path", "'/'"),
        ("database.path", "'..'"),
        ("database.path", "'~nobody-is-called-so/x'"),
        ("calibration.max_workers", "0"),
        ("calibration.max_workers", "10_001"),
        ("calibration.max_workers", "1.5"),
        ("calibration.max_workers", "'5'"),
        ("calibration.max_workers", "true"),
        ("calibration.timeout", "0"),
        ("calibration.timeout", "nan"),
        ("calibration.timeout", "-inf"),
        ("calibration.timeout", "12:00:00"),
        ("calibration.task_ttl_seconds", "'1 h'"),
        ("resolvers.order", "'libtorrent'"),
        ("resolvers.order.0", "['swarm']"),
        ("resolvers.hedge_after", "0"),
        ("resolvers.command.argv", "'/bin/helper'"),
        ("resolvers.command.argv", "['/bin/helper']"),
        ("resolvers.command.argv", "['/bin/{info_hash}', 'x']"),
        ("resolvers.command.argv", "['', '{info_hash}']"),
        ("resolvers.command.argv", "[' ', '{info_hash}']"),
        ("resolvers.command.argv", "['~nobody-is-called-so/x', '{info_hash}']"),
        ("resolvers.command.timeout", "0"),
        ("resolvers.command.at_once", "0"),
        ("resolvers.files.folders", "'/folder'"),
        ("resolvers.http.templates", "['https://a.example/']"),
        ("resolvers.http.templates", "['ftp://a.example/{info_hash}']"),
        ("resolvers.http.templates", "['https:///{info_hash}']"),
        ("resolvers.qbittorrent.url", "'127.0.0.1:8080'"),
        ("resolvers.qbittorrent.url", "'http://me:secret@127.0.0.1:8080'"),
        ("resolvers.qbittorrent.url", "'http://127.0.0.1:8080/?x=1'"),
        ("resolvers.qbittorrent.api_key", "'two words'"),
        ("resolvers.qbittorrent.timeout", "0"),
        ("resolvers.qbittorrent.timeout", "1e12"),
        ("resolvers.qbittorrent.at_once", "0"),
        ("resolvers.libtorrent", "true"),
        ("resolvers.libtorrent.listen_interfaces", "6881"),
        ("resolvers.libtorrent.listen_interfaces", "'999.1.1.1:6881'"),
        ("resolvers.libtorrent.listen_interfaces", "'[1::2::3]:6881'"),
        ("resolvers.files.folders", "['/a', ' ']"),
        ("resolvers.files.folders", "['~nobody-is-called-so/x']"),
        ("resolvers.files.folders", '["/a\\u0000b"]'),
        ("resolvers.libtorrent.dht", "'true'"),
        ("resolvers.libtorrent.dht", "1"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "'router.bittorrent.com:6881'"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['router.bittorrent.com']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['router.bittorrent.com:0']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['router.bittorrent.com:65536']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['router.bittorrent.com:６８８１']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "[':6881']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['[]:6881']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['b\u00fccher.example:6881']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['router..example:6881']"),
        ("resolvers.libtorrent.dht_bootstrap_nodes", "['a.example,b.example:6881']"),
        ("resolvers.libtorrent.allow_private_peers", "0"),
        ("resolvers.libtorrent.extra_trackers", "'udp://t.example:1'"),
        ("resolvers.libtorrent.extra_trackers", "['t.example']"),
        ("resolvers.libtorrent.extra_trackers", "['ws://t.example/announce']"),
        ("resolvers.libtorrent.extra_trackers", "['udp://t.example/announce']"),
        ("resolvers.libtorrent.extra_trackers", "['udp://t.example:0']"),
        ("resolvers.libtorrent.extra_trackers", "['http://t.example:99999/']"),
        ("resolvers.libtorrent.extra_trackers", "['http:///announce']"),
        ("resolvers.libtorrent.extra_trackers", "[" + "'http://t.example'," * 51 + "]"),
        ("resolvers.libtorrent.proxy", "1080"),
        ("resolvers.libtorrent.proxy", "'http://hush@proxy.example:3128'"),
        ("resolvers.libtorrent.proxy", "'socks4://proxy.example:1080'"),
        ("resolvers.libtorrent.proxy", "'proxy.example:1080'"),
        ("resolvers.libtorrent.proxy", "'socks5://proxy..example:1080'"),
        ("resolvers.libtorrent.sessions", "0"),
        ("resolvers.libtorrent.sessions", "4"),
        ("resolvers.libtorrent.sessions", "'2'"),
    ],
)
def test_a_wrong_value_is_refused_by_its_keys_full_name(key: str, value: str, config: Path) -> None:
    where, what = refusal(config, f"{re.sub('[.][0-9]$', '', key)} = {value}")
    assert where == f"{config} cannot be used:"
    name, _, reason = what.partition(": ")
    assert (name, bool(reason)) == (key, True)
    assert "Value error" not in reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order = []", "order must name at least one source, and each once"),
        ('order = ["libtorrent", "libtorrent"]', "order must name at least one source, and each once"),
        ('order = ["cache"]', "order must name a source beside cache, which has only what others claimed before"),
        ('order = ["command"]', "order names command, and resolvers.command.argv is empty"),
        ('order = ["files", "libtorrent"]', "order names files, and resolvers.files.folders is empty"),
        ('order = ["http"]', "order names http, and resolvers.http.templates is empty"),
        ('order = ["qbittorrent"]', "order names qbittorrent, and resolvers.qbittorrent.url is empty"),
    ],
)
def test_an_order_of_sources_that_cannot_be_kept_is_refused(text: str, said: str, config: Path) -> None:
    assert refusal(config, f"[resolvers]\n{text}")[1] == f"resolvers: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('listen_interfaces = "10.8.0.2:1,[::]:1"', "listen_interfaces must not name 0.0.0.0 or [::] beside others"),
        ('listen_interfaces = "tun0:1"\nproxy = "socks5://p:1"', "proxy and a listen_interfaces but 0.0.0.0 and [::]"),
        (
            'extra_trackers = ["udp://10.0.0.1:1"]',
            "extra_trackers has a private address, and allow_private_peers is not",
        ),
        (
            'extra_trackers = ["http://t.example"]\nproxy = "socks5://p:1"',
            "extra_trackers must be udp ones behind a proxy",
        ),
    ],
)
def test_what_the_swarm_cannot_be_asked_together_is_refused(text: str, said: str, config: Path) -> None:
    (_, line) = refusal(config, f"[resolvers.libtorrent]\n{text}")
    assert line.startswith(f"resolvers.libtorrent: {said}")


def test_the_swarms_proxy_is_read_and_its_password_never_shown(config: Path) -> None:
    settings = loaded(config, "[resolvers.libtorrent]\nproxy = 'socks5://me:hush@p.example:1080'\nsessions = 2")
    proxy = settings.resolvers.libtorrent.through
    assert proxy is not None
    assert (str(proxy), proxy.password, settings.resolvers.libtorrent.sessions) == ("p.example:1080", "hush", 2)
    assert "hush" not in f"{settings!r} {settings} {proxy!r}"


def test_a_private_tracker_of_the_operators_needs_private_addresses_allowed(config: Path) -> None:
    text = '[resolvers.libtorrent]\nextra_trackers = ["udp://10.0.0.1:1/announce"]\nallow_private_peers = true'
    assert loaded(config, text).resolvers.libtorrent.extra_trackers == ("udp://10.0.0.1:1/announce",)


@pytest.mark.parametrize(
    "template",
    [
        "https://a.example:65536/{info_hash}",
        "https://a.example:0/{info_hash}",
        "https://a.example:x/{info_hash}",
        "https://bücher.example/{info_hash}",
        "https://a..example/{info_hash}",
        f"https://{'a' * 64}.example/{{info_hash}}",
        "https://[::1/{info_hash}",
        "https://a.example/é/{info_hash}",
        "https://a.example/a b/{info_hash}",
        " https://a.example/{info_hash}",
        "https://a.example/#{info_hash}",
        "https://{info_hash}.example/",
        "https://me:secret@a.example/{info_hash}",
        "https://me@a.example/{info_hash}",
    ],
)
def test_the_address_of_a_web_cache_that_can_never_work_is_refused_in_one_line(template: str, config: Path) -> None:
    _, line = refusal(config, f"[resolvers.http]\ntemplates = ['{template}']")
    assert line == (
        "resolvers.http.templates: each must be an http or https address of ASCII letters, with {info_hash} or "
        "{INFO_HASH} in its path or query, and no password"
    )


@pytest.mark.parametrize(
    "template",
    ["https://a.example:8443/x?of={INFO_HASH}", "http://[::1]:80/{info_hash}.torrent", "http://a_b/{info_hash}"],
)
def test_the_address_of_a_web_cache_is_taken_as_it_is(template: str, config: Path) -> None:
    assert loaded(config, f"[resolvers.http]\ntemplates = ['{template}']").resolvers.http.templates == (template,)


def test_a_tilde_that_a_path_begins_with_is_a_home(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    settings = loaded(
        config,
        "database.path = '~/calibot.db'\n[resolvers]\nfiles.folders = ['~/torrents', 'a/~']\n"
        "command.argv = ['~/find-name', '~', '{info_hash}']",
    )
    assert settings.database.path == Path("/home/me/calibot.db")
    assert settings.resolvers.files.folders == (Path("/home/me/torrents"), Path("a/~"))
    assert settings.resolvers.command.argv == ("/home/me/find-name", "~", "{info_hash}")


@pytest.mark.parametrize("program", ["find-name", "./find-name", "/a//b/../find name"])
def test_a_program_is_called_as_it_is_written(program: str, config: Path) -> None:
    argv = loaded(config, f"[resolvers.command]\nargv = ['{program}', '{{info_hash}}']").resolvers.command.argv
    assert argv == (program, "{info_hash}")


def test_all_that_is_wrong_is_told_at_once(config: Path) -> None:
    lines = refusal(config, "a = 1\n[telegram]\nowners = 1\n[calibration]\ntimeout = 0")
    assert [line.partition(":")[0] for line in lines[1:]] == ["telegram.owners", "calibration.timeout", "a"]


@pytest.mark.parametrize(
    "text",
    [
        f"telegram = '{TOKEN}'",
        f"[telegram]\nowners = ['{TOKEN}']",
        f"[telegram]\nowners = '{TOKEN}'",
        f"[telegram]\nbase_url = 'https://api.telegram.org/bot{TOKEN}'",
        f"[telegram]\ntokn = '{TOKEN}'",
        f"[telegram]\ntoken = '{TOKEN}'\npoll_interval = -1",
        f"[telegram]\ntoken = ['{TOKEN}']",
        f"[database]\npath = ['{TOKEN}']",
        f"[telegram]\ntoken = {TOKEN}",
        f"[telegram]\ntoken = '{TOKEN}",
        f"[telegram]\ntoken = '{TOKEN}'\ntoken = '{TOKEN}'",
        f"[telegram]\ntoken = '{TOKEN}'\n\xff".encode("latin-1"),
    ],
)
def test_a_token_in_any_place_is_told_to_nobody(text: str | bytes, config: Path) -> None:
    assert refusal(config, text)


def test_the_token_is_in_no_repr_of_the_settings(config: Path) -> None:
    settings = loaded(config, f"[telegram]\ntoken = '{TOKEN}'")
    assert settings.telegram.token.get_secret_value() == TOKEN
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert TOKEN not in shown


# Files that are none.


def test_a_missing_file_says_what_to_do(config: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        load(config)
    (line,) = refused.value.lines
    assert str(config) in line
    assert "config.example.toml" in line


def test_a_folder_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="is a folder"):
        load(tmp_path)


def test_broken_toml_says_in_which_line(config: Path) -> None:
    (line,) = refusal(config, "[telegram]\ntoken = \n")
    assert line.startswith(f"{config} is not valid TOML")
    assert "line 2" in line


def test_what_is_not_utf8_says_so(config: Path) -> None:
    assert refusal(config, b"[telegram]\n# \xff") == (f"{config} is not text in UTF-8.",)


def test_a_file_that_cannot_be_read_says_why(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    config.touch()
    with pytest.raises(BadSettings, match="cannot be read: Permission denied"):
        load(config)


# The environment.


def test_the_environment_goes_before_the_file_and_leaves_the_rest_of_its_section(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBOT_TELEGRAM__TOKEN", TOKEN)
    monkeypatch.setenv("CALIBOT_TELEGRAM__OWNERS", "[1, 2]")
    monkeypatch.setenv("CALIBOT_CALIBRATION__TIMEOUT", "5")
    monkeypatch.setenv("CALIBOT_RESOLVERS__LIBTORRENT__DHT", "false")
    monkeypatch.setenv("CALIBOT_RESOLVERS__LIBTORRENT__DHT_BOOTSTRAP_NODES", '["a:1"]')
    monkeypatch.setenv("CALIBOT_DATABASE__PATH", "here.db")
    settings = loaded(
        config,
        "[telegram]\ntoken = 'of the file'\nallowed_users = [7]\n"
        "[calibration]\ntimeout = 9\nmax_workers = 3\n[resolvers.libtorrent]\nallow_private_peers = true",
    )
    assert settings.telegram.token.get_secret_value() == TOKEN
    assert (settings.telegram.owners, settings.telegram.allowed_users) == ((1, 2), (7,))
    assert (settings.calibration.timeout, settings.calibration.max_workers) == (5.0, 3)
    assert settings.resolvers.libtorrent.dht is False
    assert settings.resolvers.libtorrent.dht_bootstrap_nodes == ("a:1",)
    assert settings.resolvers.libtorrent.allow_private_peers is True
    assert settings.database.path == Path("here.db")


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("CALIBOT_TELEGRAM__TOKN", TOKEN, "telegram.tokn"),
        ("CALIBOT_TELEGRAM", TOKEN, "telegram"),
        ("CALIBOT_TELEGRAM__OWNERS", "1, 2", "telegram.owners"),
        ("CALIBOT_TELEGRAM__OWNERS", TOKEN, "telegram.owners"),
        ("CALIBOT_TELEGRAM__POLL_INTERVAL", TOKEN, "telegram.poll_interval"),
        ("CALIBOT_CALIBRATION__MAX_WORKERS", "many", "calibration.max_workers"),
        ("CALIBOT_RESOLVERS__LIBTORRENT__DHT", "perhaps", "resolvers.libtorrent.dht"),
    ],
)
def test_what_is_wrong_in_the_environment_is_not_blamed_on_the_file(
    variable: str, value: str, key: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    where, *what = refusal(config, "[telegram]\ntoken = 'x'")
    assert str(config) in where
    assert "environment" in where
    assert "cannot be used" not in where
    assert [line.partition(": ")[0] for line in what] == [key]


@pytest.mark.parametrize("variable", ["CALIBOT_TELEGRAM_TOKEN", "CALIBOT_FOO", "CALIBOT_DEMO__X"])
def test_a_variable_that_names_no_section_is_refused(
    variable: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, TOKEN)
    assert refusal(config, "")[1:] == (f"{variable}: there is no such key",)


@pytest.mark.parametrize("token", [f" {TOKEN}", f"{TOKEN}\n", f"\t{TOKEN} \r\n"])
def test_blanks_around_the_token_do_not_matter(token: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBOT_TELEGRAM__TOKEN", token)
    assert loaded(config, "").telegram.token.get_secret_value() == TOKEN


def test_settings_do_not_change(config: Path) -> None:
    settings = loaded(config, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.telegram = settings.telegram
    with pytest.raises(ValueError, match="frozen"):
        settings.telegram.token = SecretStr("x")


# The example.


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield the full name of every key."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def test_the_example_is_the_defaults() -> None:
    assert load(EXAMPLE).model_dump() == Sections().model_dump()
    assert tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["telegram"]["token"] == ""


def test_the_example_has_every_key_once_in_order_and_a_comment_line_above_each() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named, section = [], ""
    for above, line in zip(["", *lines], lines, strict=False):
        if heading := re.fullmatch(r"\[([a-z.]+)\]", line):
            section = heading[1]
        elif key := re.match(r"([a-z_]+) = ", line):
            named.append(f"{section}.{key[1]}")
            assert re.fullmatch(r"# \S.*\S", above), f"{named[-1]} has no comment line above it"
    assert named == list(keys(Sections))


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Notes.Example.org/", "https://notes.example.org"),
        ("HTTPS://notes.example.org:443", "https://notes.example.org"),
        ("http://notes.example.org:8443", "http://notes.example.org:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:80", "http://[::1]"),
        ("", ""),
    ],
)
def test_the_public_address_is_spelled_as_browsers_spell_an_origin(written: str, origin: str) -> None:
    assert Web(public_url=written).public_url == origin


@pytest.mark.parametrize(
    "written", ["notes.example.org", "https://a/path", "https://a:99999", "https://me@a", "ftp://a"]
)
def test_what_is_no_public_address_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        Web(public_url=written)
