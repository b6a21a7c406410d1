"""Every sentence of the code is in every catalogue, and nothing else is; what a catalogue may look like."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import NamedTuple

import pytest

from handlers.cards import card
from handlers.text import units
from services.calibration.task import State
from services.catalogue import Catalogue, Entry, entries
from services.i18n import ENGLISH, codes, sentence
from tests.languages import ALL, CATALOGUES, CHINESE
from tests.unit.test_cards import item, seen, snapshot
from tests.unit.test_i18n import COUNTS, GIVEN

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "services" / "locale").glob("*.po"))
FOUND = {path.stem: entries(path.read_text(encoding="utf-8")) for path in FILES}
SOURCES = [path for folder in ("bot", "handlers", "web", "services") for path in sorted((ROOT / folder).rglob("*.py"))]
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
MARKS = {"gettext": 1, "ngettext": 2, "_": 1}
"""What marks a sentence, and how many of its arguments are sentences."""
CJK = re.compile(r"[\u4e00-\u9fff]")
COMMAND = re.compile(r"(?<![\w<}])/[a-z_{}]+")

each_catalogue = pytest.mark.parametrize("language", FOUND)


class Marked(NamedTuple):
    where: str
    arguments: tuple[ast.expr, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(str(one.value) for one in self.arguments if isinstance(one, ast.Constant))


def marked_in(name: str, tree: ast.AST) -> Iterator[Marked]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            mark = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if mark in MARKS:
                yield Marked(f"{name}:{node.lineno}", tuple(node.args[: MARKS[mark]]))


MARKED = [
    one
    for name, tree in TREES.items()
    if name != "services/catalogue.py"  # which is what is called
    for one in marked_in(name, tree)
]
SENTENCES = {one.sentences[0]: one.sentences[1:] for one in MARKED if one.sentences}


# Of the code.


def test_what_is_marked_is_a_sentence_and_no_variable() -> None:
    """`_say` is handed sentences that are marked where they stand."""
    others = {
        one.where.partition(":")[0]
        for one in MARKED
        if not all(isinstance(argument, ast.Constant) for argument in one.arguments)
    }
    said = next(
        node for node in TREES["services/i18n.py"].body if isinstance(node, ast.FunctionDef) and node.name == "_say"
    )
    assert others == {"services/i18n.py"}
    assert len([one for one in MARKED if not one.sentences]) == len(list(marked_in("_say", said))) == 1


def test_no_sentence_is_marked_inside_an_f_string_where_extractors_do_not_look() -> None:
    hidden = [
        one.where
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for one in marked_in(name, node)
    ]
    assert hidden == []


def test_a_sentence_is_for_many_the_same_wherever_it_stands() -> None:
    assert [one.where for one in MARKED if one.sentences and SENTENCES[one.sentences[0]] != one.sentences[1:]] == []


# Of the catalogues.


@each_catalogue
def test_no_sentence_is_missing(language: str) -> None:
    there = {one.english for one in FOUND[language]}
    missing = [(one.where, one.sentences[0]) for one in MARKED if one.sentences and one.sentences[0] not in there]
    assert missing == []


@each_catalogue
def test_no_sentence_is_stale(language: str) -> None:
    stale = [one.english for one in FOUND[language] if one.english not in SENTENCES]
    assert stale == []


@each_catalogue
def test_a_sentence_counts_where_the_code_counts(language: str) -> None:
    wrong = [
        one.english
        for one in FOUND[language]
        if one.english in SENTENCES and SENTENCES[one.english] != ((one.many,) if one.many else ())
    ]
    assert wrong == []


@each_catalogue
def test_no_translation_is_empty(language: str) -> None:
    assert [one.english for one in FOUND[language] if not one.translation.strip()] == []


@each_catalogue
def test_a_translation_has_the_gaps_of_its_sentence(language: str) -> None:
    wrong = [one.english for one in FOUND[language] if gaps(one.translation) != gaps(one.many or one.english)]
    assert wrong == []


def gaps(text: str) -> set[str]:
    return {gap for _, gap, _, _ in Formatter().parse(text) if gap is not None}


@each_catalogue
def test_a_translation_names_the_commands_of_its_sentence(language: str) -> None:
    wrong = [
        one.english
        for one in FOUND[language]
        if set(COMMAND.findall(one.translation)) != set(COMMAND.findall(one.many or one.english))
    ]
    assert wrong == []


@each_catalogue
def test_the_words_of_states_stand_in_cards_alone(language: str) -> None:
    translated = {one.english: one.translation for one in FOUND[language]}
    wrong = [
        (state, english)
        for state in State
        for english, text in translated.items()
        if translated[state] in text and state not in english  # as in "Retry failed"
    ]
    assert wrong == []
    assert len({translated[state] for state in State}) == len(State)


# Chinese.


def test_chinese_is_punctuated_as_chinese() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,.;:!?()]|[,;:!?()][\u4e00-\u9fff]")
    assert [one.translation for one in FOUND["zh"] if half.search(one.translation)] == []


def test_chinese_is_as_short_as_english_by_which_it_was_reckoned_what_fits_into_a_message() -> None:
    assert [one for one in FOUND["zh"] if units(one.translation) > units(one.many or one.english) + 1] == []


@pytest.mark.parametrize("code", sorted(codes()))
@pytest.mark.parametrize("count", [0, 1, 2])
def test_every_code_is_said_in_chinese(code: str, count: int) -> None:
    parameters = {**dict.fromkeys(COUNTS, count), **GIVEN.get(code, {})}
    said = sentence(code, parameters, CHINESE)
    assert CJK.search(said)
    assert said != sentence(code, parameters, ENGLISH)
    assert not set("{}?") & set(said)


@pytest.mark.parametrize("state", State)
def test_a_card_begins_with_its_state_in_chinese(state: State) -> None:
    one = snapshot(item(state))
    words = seen(card(one, state, 1_700_000_000.0, CHINESE)).text
    assert words.partition(" ")[0] == CHINESE.gettext(state)
    assert CJK.match(words)


# Who is served by which.


@pytest.mark.parametrize("language", ["zh", "zh-hans", "zh-hant", "zh-CN", "zh_TW", "ZH-Hant-HK"])
def test_any_kind_of_chinese_is_served_by_the_one_that_there_is(language: str) -> None:
    assert CATALOGUES.of(language) is CHINESE
    assert CATALOGUES.known(language) == "zh"


@pytest.mark.parametrize("language", ["de", "zha", "", "-", "x" * 1000, "\0"])
def test_a_language_without_a_catalogue_is_answered_in_english(language: str) -> None:
    assert CATALOGUES.of(language) is ENGLISH
    assert CATALOGUES.known(language) is None


def test_english_is_a_language_that_is_known() -> None:
    assert CATALOGUES.known("en-GB") == "en"
    assert CATALOGUES.languages == tuple(ALL)


# The file.

HEAD = 'msgid ""\nmsgstr "Language: xx\\n"\n\n'


def test_a_catalogue_is_read_as_it_stands() -> None:
    text = HEAD + (
        "# a translator's word\n"
        "#: handlers/one.py\n"
        "#, python-brace-format\n"
        'msgid "one {gap}"\n'
        'msgstr "un {gap}"\n'
        "\n"
        'msgid ""\n'
        '"two\\n"\n'
        '"lines of \\"this\\" \\\\n\\t."\n'
        'msgid_plural "many"\n'
        'msgstr[0] ""\n'
        '"deux "\n'
        '"lignes"\n'
    )
    assert entries(text) == [
        Entry("one {gap}", None, "un {gap}"),
        Entry('two\nlines of "this" \\n\t.', "many", "deux lignes"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        'msgid "no head"\nmsgstr "x"',
        HEAD + 'msgid "a"',
        HEAD + 'msgstr "a"\nmsgid "b"',
        HEAD + 'msgid "a"\nmsgstr "b"\nmsgstr "c"',
        HEAD + 'msgid "a"\nmsgid_plural "as"\nmsgstr "b"',
        HEAD + 'msgid "a"\nmsgid_plural "as"\nmsgstr[0] "b"\nmsgstr[1] "c"',
        HEAD + 'msgctxt "menu"\nmsgid "a"\nmsgstr "b"',
        HEAD + '#, fuzzy\nmsgid "a"\nmsgstr "b"',
        HEAD + '#~ msgid "a"\n#~ msgstr "b"',
        HEAD + 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"',
        HEAD + 'msgid ""\nmsgstr "a second head"',
        HEAD + 'msgid "a"\nmsgstr "open',
        HEAD + 'msgid "a"\nmsgstr "b" more',
        HEAD + 'msgid "a"\nmsgstr "\\x41"',
        HEAD + "words",
    ],
)
def test_what_is_not_read_here_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(no |not |the head|a sentence)"):
        entries(text)


def test_what_a_catalogue_does_not_have_is_said_in_english() -> None:
    catalogue = Catalogue([Entry("one", "many", ""), Entry("two", None, "deux")])
    assert catalogue.gettext("three") == "three"
    assert catalogue.gettext("two") == "deux"
    assert [catalogue.ngettext("one", "many", count) for count in (1, 2)] == ["one", "many"]
