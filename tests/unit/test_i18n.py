"""Every code has a sentence, and every sentence can be said."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

import pytest

import services
import web
from services.calibration.task import verdict
from services.errors import CalibotError
from services.i18n import ENGLISH, Translation, codes, sentence, source_word
from services.resolvers.libtorrent.evidence import DhtSightings, Sightings, step
from services.torrents import Step
from tests.languages import ALL

ROOT = Path(__file__).parents[2]
STATE_WORD = re.compile(r"\b(pending|running|completed|failed|cancelled)\b", re.IGNORECASE)
COUNTS = ("trackers", "trackers_answered", "dht", "dht_nodes", "peers", "connected")

GIVEN: Mapping[str, Mapping[str, int | float | str]] = {
    "note_not_found": {"note_id": 12},
    "all_undone": {"number": 12},
    "note_changed": {"note_id": 12, "expected": 3},
    "kept_already": {"number": 12},
    "too_many": {"most": 5000},
    "search_too_long": {"most": 200},
    "bad_request": {"where": "body.note_id"},
    "not_in_time": {"task_id": "3f2a"},
    "text_too_long": {"most": 1_000_000},
    "too_large": {"most": 6_500_000},
    "too_many_listeners": {"most": 50},
    "too_many_requests": {"seconds": 7},
    "token_name_unfit": {"most": 40},
    "too_many_tokens": {"most": 20},
    "web_unavailable": {"reason": "Address already in use"},
    "export_failed": {"reason": "disk full"},
    "too_many_tasks": {"most": 20},
    "allowance_used_up": {"most": 1000, "minutes": 7},
    "file_too_large": {"most": 1_000_000},
    "cannot_cancel": {"state": "completed"},
    "cannot_retry": {"state": "running"},
    "store_unavailable": {"reason": "disk full"},
    "database_in_use": {"path": "data/calibot.db"},
    "newer_schema": {"path": "data/calibot.db"},
    "database_damaged": {"path": "data/calibot.db"},
    "not_found": {"reason": "another torrent"},
    "resolver_down": {"reason": "closed"},
    "source_failed": {"source": "command", "reason": "no such torrent"},
    "no_turn": {"sources": "command"},
}
"""What each error is raised with, where it is raised with anything; and a verdict that has no other words."""


for _package in (services, web):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)  # an error is found when its module is there


def _errors(kind: type[CalibotError] = CalibotError) -> Iterator[type[CalibotError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.split(".")[0] in {"services", "web"}:
            yield from _errors(child)


def _steps() -> Iterator[Step]:
    """Yield every kind of step that the embedded source reports, and a chain of sources, and every verdict on them."""
    yield verdict(None)
    yield Step("asking_others", {"sources": "command,files", "down": "http"})
    yield Step("asking", {"trackers": 1, "dht": 1, "beside": "http,new", "down": "command"})
    waiting = Step("asking", {"trackers": 1, "dht": 1, "waiting": "command,http"})
    yield from (waiting, verdict(waiting), verdict(Step("asking_others", {"waiting": "command,http"})))
    yield verdict(Step("asking", {"trackers": 1, "dht": 1, "down": "command,http"}))
    for asked in (0, 1, 2):
        for answered in range(asked + 1):
            for dht in (DhtSightings(asked=False), DhtSightings(asked=True), DhtSightings(asked=True, nodes=9)):
                for peers, connected, comes in ((0, 0, False), (1, 0, False), (2, 1, False), (3, 3, True)):
                    others = frozenset(("203.0.113.9", port) for port in range(connected))
                    urls = [f"http://{number}/" for number in range(asked)]
                    seen = Sightings(set(urls), set(urls[:answered]), listed=peers, standing=others, receiving=comes)
                    for gone in (0.0, 10.0, 30.0):
                        seen.last_seen = 0.0 if connected else None
                        seen.standing = others if not gone else frozenset()
                        one = step([seen], dht, gone)
                        yield from (one, verdict(one))


in_each_language = pytest.mark.parametrize("t", ALL.values(), ids=ALL)
STEPS = {f"{one.code} {dict(one.parameters)}": one for one in _steps()}


def said(code: str, t: Translation = ENGLISH, /, **parameters: float | str) -> str:
    return sentence(code, parameters, t)


@in_each_language
@pytest.mark.parametrize("error", list(_errors()), ids=lambda error: error.__name__)
def test_every_error_has_a_sentence_that_is_filled_with_what_it_is_raised_with(
    error: type[CalibotError], t: Translation
) -> None:
    text = sentence(error.code, GIVEN.get(error.code, {}), t)
    assert text
    assert not set("{}?") & set(text)


@in_each_language
@pytest.mark.parametrize("one", list(STEPS.values()), ids=list(STEPS))
def test_every_step_and_every_verdict_has_a_sentence(one: Step, t: Translation) -> None:
    text = sentence(one.code, one.parameters, t)
    assert text
    assert not set("{}?") & set(text)


def test_who_had_no_turn_is_named() -> None:
    words = {"sources": "command,http"}
    assert said("no_turn", **words) == "No name in time, and the owner's program, a web cache had no turn. Try again."
    assert said("asking", trackers=1, waiting="command") == "asking 1 tracker; in line for the owner's program"


@in_each_language
@pytest.mark.parametrize("waited_for", ["waiting", "down"])
def test_where_nobody_is_asked_nobody_is_told_to_be(waited_for: str, t: Translation) -> None:
    others = said("asking", t, **{waited_for: "command"}).removeprefix(said("asking", t))
    assert said("asking_others", t, **{waited_for: "command"}) == t.gettext("asking nobody now") + others
    assert said("asking_others", t, sources="http", **{waited_for: "command"}).startswith(
        said("asking_others", t, sources="http")
    )


@in_each_language
@pytest.mark.parametrize("code", ["cut_off", "dead", "lookup_failed", "no_turn", "not_found", "slow", "timed_out"])
def test_who_could_not_be_asked_is_named_once_after_the_words_of_a_failure(code: str, t: Translation) -> None:
    parameters = {"trackers": 1, "peers": 2, **GIVEN.get(code, {})}
    after = t.gettext(" Could not be asked: {sources}.").format(sources=f"{source_word(t, 'command')}, new")
    assert said(code, t, **parameters, unasked="command,new") == said(code, t, **parameters) + after


def test_who_had_no_turn_is_named_after_the_words_of_another_failure() -> None:
    dead = said("dead", trackers=1, nodes=0)
    assert said("dead", trackers=1, nodes=0, turnless="command") == f"{dead} Had no turn: the owner's program."


def test_who_failed_is_named_after_the_words_of_another_failure() -> None:
    dead = said("dead", trackers=1, nodes=0)
    assert said("dead", trackers=1, nodes=0, failed="command") == f"{dead} Ended with an error: the owner's program."


def test_what_a_program_said_ends_before_who_could_not_be_asked_is_named() -> None:
    for reason in ("no such torrent", "no such torrent.", "no such torrent。"):
        words = said("source_failed", source="command", reason=reason, unasked="http")
        assert words == "No name from the owner's program: no such torrent. Could not be asked: a web cache."


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"beside": "http"}, "; a web cache too"),
        ({"beside": "http,new"}, "; a web cache, new too"),
        ({"down": "command"}, "; the owner's program cannot be asked now"),
        (
            {"down": "http", "beside": "files", "waiting": "command"},
            "; the owner's torrent files too; in line for the owner's program; a web cache cannot be asked now",
        ),
    ],
)
def test_who_is_asked_beside_the_swarm_and_who_is_down_is_told(others: dict[str, str], words: str) -> None:
    assert said("asking", trackers=1, dht=0, **others) == f"asking 1 tracker{words}"


def test_no_sentence_is_written_for_a_code_that_nobody_gives() -> None:
    assert codes() == {error.code for error in _errors()} | {one.code for one in STEPS.values()}


@in_each_language
@pytest.mark.parametrize("code", sorted(codes()))
def test_a_missing_parameter_does_not_keep_a_sentence_from_being_said(code: str, t: Translation) -> None:
    assert said(code, t)


@pytest.mark.parametrize("code", sorted(codes()))
@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_sentence_has_a_word_that_is_a_state(code: str, count: int) -> None:
    parameters = {**GIVEN.get(code, {}), **dict.fromkeys(COUNTS, count)}
    assert not STATE_WORD.search(sentence(code, parameters, ENGLISH))


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "handlers").glob("*.py"), *(ROOT / "web").glob("*.py")]), ids=lambda path: path.name
)
def test_no_front_end_has_words_of_its_own_for_states(path: Path) -> None:
    marked = [
        argument.value
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and "gettext" in call.func.attr
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    words = {word.lower() for text in marked for word in STATE_WORD.findall(text)}
    assert words == ({"failed"} if path.name == "cards.py" else set()), "but for a button's: Show failed"


@in_each_language
@pytest.mark.parametrize("hostile", ["<b>&", "\u202e", "{path} {0} {", "%s %(x)s", "two\nlines", "completed"])
@pytest.mark.parametrize("code", sorted(codes()))
def test_a_word_from_outside_is_left_out_or_stands_as_it_is_for_its_reader_to_escape(
    code: str, hostile: str, t: Translation
) -> None:
    text = said(code, t, reason=hostile, state=hostile, path=hostile, note_id=hostile)
    assert text.replace(hostile, "") == said(code, t, reason="", state="", path="", note_id="")


_OPERATORS = {"database_damaged", "database_in_use", "newer_schema", "source_failed"}
"""What operators are told, or what a program of theirs has said."""


@in_each_language
@pytest.mark.parametrize("code", sorted(codes() - _OPERATORS))
def test_no_word_from_outside_is_shown_in_a_chat(code: str, t: Translation) -> None:
    assert "hostile" not in said(code, t, reason="hostile", state="hostile", note_id="hostile", path="hostile")


@pytest.mark.parametrize(
    ("code", "parameters", "words"),
    [
        ("asking", {"trackers": 1, "dht": 0}, "asking 1 tracker"),
        ("asking", {"trackers": 2, "dht": 0}, "asking 2 trackers"),
        ("asking", {"trackers": 2, "dht": 1}, "asking 2 trackers and the DHT"),
        ("asking", {"trackers": 0, "dht": 1}, "asking the DHT"),
        ("asking", {"trackers": 0, "dht": 0}, "looking for peers"),
        ("connecting", {"peers": 0}, "0 peers, none has answered yet"),
        ("connecting", {"peers": 1}, "1 peer, it has not answered yet"),
        ("connecting", {"peers": 4}, "4 peers, none has answered yet"),
        ("connecting", {"peers": 1, "ever_connected": 1}, "1 peer, it has not given the name yet"),
        ("connecting", {"peers": 4, "ever_connected": 2}, "4 peers, none has given the name yet"),
        ("receiving", {"peers": 4}, "receiving metadata"),
    ],
)
def test_progress_is_told_in_numbers(code: str, parameters: dict[str, int], words: str) -> None:
    assert said(code, **parameters) == words


DEAD = ", and nobody has this torrent now. Try again later, or add a tracker to the link."
SLOW = "Trying again often helps."
UNREACHED = "Trying again helps, and so does an open port of the bot's computer."
LATER = "Trying again later may help."
CUT_OFF = (
    "Cut off: no tracker and no DHT node answered. Look at the network and firewall of the bot's computer, "
    "then try again."
)


@pytest.mark.parametrize(
    ("code", "parameters", "words"),
    [
        ("dead", {"trackers": 1, "nodes": 0}, "Dead, as it seems: 1 tracker answered" + DEAD),
        ("dead", {"trackers": 2, "nodes": 7}, "Dead, as it seems: 2 trackers answered" + DEAD),
        ("dead", {"trackers": 0, "nodes": 7}, "Dead, as it seems: the DHT answered" + DEAD),
        ("slow", {"peers": 1}, "Slow: 1 peer seen, but it did not give the name in time. " + SLOW),
        ("slow", {"peers": 2}, "Slow: 2 peers seen, but none gave the name in time. " + SLOW),
        ("slow", {"peers": 2, "met": 1}, "Slow: 2 peers seen, but none gave the name in time. " + SLOW),
        ("slow", {"peers": 1, "met": 0}, "Slow: 1 peer is named, but could not be reached. " + UNREACHED),
        ("slow", {"peers": 2, "met": 0}, "Slow: 2 peers are named, but none could be reached. " + UNREACHED),
        (
            "slow",
            {"peers": 1, "met": 1, "gone_for": 30},
            "Slow: 1 peer seen, but it left more than 30 s ago without giving the name. " + LATER,
        ),
        (
            "slow",
            {"peers": 2, "met": 1, "gone_for": 30},
            "Slow: 2 peers seen, but the last left more than 30 s ago, and none gave the name. " + LATER,
        ),
        ("cut_off", {"trackers": 2, "dht": 1}, CUT_OFF),
        ("cut_off", {"trackers": 0, "dht": 1}, CUT_OFF),
        (
            "cut_off",
            {"trackers": 0, "dht": 0},
            "Nobody who has it was found: no tracker is known, and the DHT is off. Add a tracker to the link.",
        ),
        (
            "not_found",
            {"reason": "metadata_unusable"},
            "The torrent's metadata is damaged, or too large to be read. Trying again will not help.",
        ),
        (
            "not_found",
            {"reason": "output_unusable"},
            "What the owner's program printed cannot be used. Tell the bot's owner.",
        ),
        (
            "not_found",
            {"reason": "another torrent"},
            "What was found is not this torrent, or could not be used. Try again later.",
        ),
    ],
)
def test_a_failure_says_what_it_was_and_what_to_try(code: str, parameters: dict[str, int | str], words: str) -> None:
    assert said(code, **parameters) == words


def test_every_reason_that_the_embedded_source_gives_is_told_in_words_of_its_own() -> None:
    modules = sorted((ROOT / "services/resolvers/libtorrent").glob("*.py"))
    source = "\n".join(module.read_text(encoding="utf-8") for module in modules)
    reasons = set(re.findall(r'NotFound(?:, |\()reason="(\w+)"', source))
    assert reasons
    general = said("not_found")
    assert all(said("not_found", reason=reason) != general for reason in reasons)


def test_an_unknown_code_is_a_bug_that_is_heard() -> None:
    with pytest.raises(KeyError):
        said("no such code")


def test_the_words_of_a_sentence_have_no_gaps_but_those_of_their_parameters() -> None:
    """Each sentence that is a constant is filled by names, never by position: translators may turn it round."""
    tree = ast.parse((ROOT / "services/i18n.py").read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    gaps = [gap for text in texts for _, gap, _, _ in Formatter().parse(text) if gap is not None]
    assert gaps
    assert all(gap.isidentifier() for gap in gaps)
