"""Telegram's HTML in the sandbox, input by input with Telegram's own answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.botapi.markup import UnparsableHtml, parse_html
from sandbox.botapi.text import Entity, Formatted

_STYLES = {
    "bold": ["b", "strong"],
    "italic": ["i", "em"],
    "underline": ["u", "ins"],
    "strikethrough": ["s", "strike", "del"],
    "spoiler": ["tg-spoiler"],
    "code": ["code"],
    "pre": ["pre"],
    "blockquote": ["blockquote"],
}


@pytest.mark.parametrize(("kind", "tag"), [(kind, tag) for kind, tags in _STYLES.items() for tag in tags])
def test_each_documented_tag_becomes_its_entity(kind: str, tag: str) -> None:
    assert parse_html(f"a <{tag}>bc</{tag}> d") == Formatted("a bc d", (Entity(kind, 2, 2),))


def test_tags_are_read_in_any_case_and_closed_by_an_empty_end_tag() -> None:
    assert parse_html("<B>x</b ><i >y</>") == Formatted("xy", (Entity("bold", 0, 1), Entity("italic", 1, 1)))


def test_outer_entities_come_before_inner_ones() -> None:
    parsed = parse_html("<b>one<i>two</i></b>")
    assert parsed.entities == (Entity("bold", 0, 6), Entity("italic", 3, 3))


def test_offsets_are_utf16_units() -> None:
    assert parse_html("🎬<b>三体🎬</b>") == Formatted("🎬三体🎬", (Entity("bold", 2, 4),))


def test_an_empty_tag_makes_no_entity() -> None:
    assert parse_html("a<b></b>") == Formatted("a")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("&lt;b&gt; &amp;&quot;", '<b> &"'),
        ("&#60;&#x3c;&#x1F3AC;", "<<🎬"),
        ("&lt", "<"),
        ("&#0; &#x110000; &#00000000060;", "&#0; &#x110000; &#00000000060;"),
        ("&nbsp; &apos; & &; &ltx; &LT;", "&nbsp; &apos; & &; &ltx; &LT;"),
        ("&amp;lt;", "&lt;"),
        ("a > b", "a > b"),
    ],
)
def test_only_four_names_and_numbers_are_characters_and_the_rest_stays_as_typed(html: str, text: str) -> None:
    assert parse_html(html) == Formatted(text)


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<a href="https://example.org/?a=1&amp;b=2">x</a>', "https://example.org/?a=1&b=2"),
        ("<a href='tg://user?id=5'>x</a>", "tg://user?id=5"),
        ("<a>example.org</a>", "example.org"),
    ],
)
def test_a_link_keeps_its_address(html: str, url: str) -> None:
    assert [entity.url for entity in parse_html(html).entities] == [url]


@pytest.mark.parametrize(
    "url", ["magnet:?xt=urn:btih:" + 40 * "a", "javascript:alert(1)", "ftp://example.org", "nowhere"]
)
def test_a_link_that_telegram_does_not_make_is_dropped_without_a_word(url: str) -> None:
    assert parse_html(f'<a href="{url}">x</a>') == Formatted("x")


def test_code_in_pre_gives_its_language_and_alone_loses_it() -> None:
    assert parse_html('<pre><code class="language-python">x</code></pre>').entities == (
        Entity("pre", 0, 1, language="python"),
    )
    assert parse_html('<code class="language-python">x</code>').entities == (Entity("code", 0, 1),)


def test_a_quote_may_be_expandable_and_a_span_is_a_spoiler() -> None:
    assert parse_html("<blockquote expandable>x</blockquote>").entities == (Entity("expandable_blockquote", 0, 1),)
    assert parse_html('<span class="tg-spoiler">x</span>').entities == (Entity("spoiler", 0, 1),)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("三 <script>", 'Unsupported start tag "script" at byte offset 4'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<", "Unclosed start tag at byte offset 0"),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<b ", 'Empty attribute name in the tag "b" at byte offset 0'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href=x/y>x</a>", "Unexpected end of name token at byte offset 8"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        (
            "&#xD83C;&#xDFAC;",
            (
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate "
                "code units"
            ),
        ),
    ],
)
def test_what_telegram_cannot_parse_is_refused_in_its_words(html: str, reason: str) -> None:
    with pytest.raises(UnparsableHtml) as refused:
        parse_html(html)
    assert str(refused.value) == reason


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_escaped_text_always_comes_back(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse_html(f"<b>{escaped}</b>").text == text


@given(st.text(alphabet="<>/&;#x= \"'\0abi"))
def test_no_input_breaks_the_parser_otherwise_than_by_a_refusal(html: str) -> None:
    try:
        parsed = parse_html(html)
    except UnparsableHtml:
        return
    assert all(entity.length > 0 for entity in parsed.entities)
