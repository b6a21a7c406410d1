"""What a rename writes, byte for byte."""

import pytest

from services.magnets.parse import find_magnets
from services.magnets.rewrite import magnet_link, rename
from services.torrents import Hints, InfoHash, TorrentId

V1 = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
V2 = "ab" * 32
A = TorrentId(v1=InfoHash(V1))
HYBRID = TorrentId(v1=InfoHash(V1), v2=InfoHash(V2))

BARE = f"magnet:?xt=urn:btih:{V1}"
FOREIGN = f"magnet:?xt=urn:btih:{OTHER}&dn=18"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The name is set.
        (f"{BARE}&dn=18", f"{BARE}&dn=True%20Name"),
        (f"{BARE}&dn=18&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"magnet:?dn=18&xt=urn:btih:{V1}", f"magnet:?dn=True%20Name&xt=urn:btih:{V1}"),
        (f"MAGNET:?XT=urn:btih:{V1}&DN=18", f"MAGNET:?XT=urn:btih:{V1}&DN=True%20Name"),
        (f"{BARE}&%64n=18&tr=x", f"{BARE}&%64n=True%20Name&tr=x"),
        (f"{BARE}&amp;dn=18&amp;tr=x", f"{BARE}&amp;dn=True%20Name&amp;tr=x"),
        (f"{BARE}&dn=&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"{BARE}&dn=True%20Name&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"{BARE}&dn=true+name", f"{BARE}&dn=True%20Name"),
        (f"{BARE}&dn=三体 全集 (2023)&tr=x 好", f"{BARE}&dn=True%20Name&tr=x 好"),
        (f"{BARE}&dn=Tom & Jerry&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"({BARE}&dn=18).", f"({BARE}&dn=True%20Name)."),
        (f"看{BARE}&dn=18，好", f"看{BARE}&dn=True%20Name，好"),
        # It is added after the last xt, with the link's own separator.
        (BARE, f"{BARE}&dn=True%20Name"),
        (f"{BARE}&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"magnet:?tr=x&xt=urn:btih:{V1}", f"magnet:?tr=x&xt=urn:btih:{V1}&dn=True%20Name"),
        (f"{BARE}&tr=x&xt=urn:btih:{OTHER}&xl=1", f"{BARE}&tr=x&xt=urn:btih:{OTHER}&dn=True%20Name&xl=1"),
        (f"{BARE}&amp;tr=x", f"{BARE}&amp;dn=True%20Name&amp;tr=x"),
        (f"{BARE}&#038;tr=x", f"{BARE}&#038;dn=True%20Name&#038;tr=x"),
        (f'<a href="{BARE}">', f'<a href="{BARE}&dn=True%20Name">'),
        (f"{BARE}.", f"{BARE}&dn=True%20Name."),
        (f"{BARE}\r\n{FOREIGN}", f"{BARE}&dn=True%20Name\r\n{FOREIGN}"),
        (f"{BARE}&dn", f"{BARE}&dn=True%20Name&dn"),
        # Several are folded into the first.
        (f"{BARE}&dn=a&dn=b", f"{BARE}&dn=True%20Name"),
        (f"{BARE}&dn=a b&dn=c & d&a=1&dn=&#39;&#39;", f"{BARE}&dn=True%20Name&a=1&#39;&#39;"),
        (f"{BARE}" + "&dn=a b" * 250 + "&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        (f"{BARE}&dn=a&tr=x&dn=b&xl=1&dn=c", f"{BARE}&dn=True%20Name&tr=x&xl=1"),
        (f"{BARE}&amp;dn=a&amp;tr=x&amp;dn=b", f"{BARE}&amp;dn=True%20Name&amp;tr=x"),
        (f"magnet:?dn=a&dn=b&xt=urn:btih:{V1}", f"magnet:?dn=True%20Name&xt=urn:btih:{V1}"),
        (f"{BARE}&&dn=a&&dn=b&&tr=x", f"{BARE}&&dn=True%20Name&&&tr=x"),
        # Every link of the torrent, and no other.
        (f"{BARE} {FOREIGN} {BARE}&dn=x", f"{BARE}&dn=True%20Name {FOREIGN} {BARE}&dn=True%20Name"),
        (f"{BARE}{FOREIGN}", f"{BARE}&dn=True%20Name{FOREIGN}"),
        (f"{FOREIGN}&xt=urn:btih:{V1}", f"{FOREIGN}&xt=urn:btih:{V1}"),
        (f"magnet:?xt=urn:btih:{V1}0", f"magnet:?xt=urn:btih:{V1}0"),
        # A sign that no word has is not a raw name's: it stays.
        (f"{BARE}&dn=18🧲", f"{BARE}&dn=True%20Name🧲"),
        (f"{BARE}&dn=18\u200f", f"{BARE}&dn=True%20Name\u200f"),
        (f"{BARE}&dn=18🧲下载", f"{BARE}&dn=True%20Name🧲下载"),
        (f"{BARE}&dn=哈利·波特 后面", f"{BARE}&dn=True%20Name 后面"),
        (f"{BARE}&dn=01～12", f"{BARE}&dn=True%20Name"),
        (f"{BARE}&dn=मूवी🎬", f"{BARE}&dn=True%20Name🎬"),
        (f"{BARE}&dn=A🎬B&tr=x", f"{BARE}&dn=True%20Name&tr=x"),
        # Nor is a bracket that is opened at its end.
        (f"{BARE}&dn=18《{BARE}》", f"{BARE}&dn=True%20Name《{BARE}&dn=True%20Name》"),
        (f"{BARE}&dn=18（", f"{BARE}&dn=True%20Name（"),
        # Where the name would be read on into what stands behind, a separator closes the link.
        (f"{BARE}快下载", f"{BARE}&dn=True%20Name快下载"),
        (f"{BARE} and a&tr=x", f"{BARE}&dn=True%20Name& and a&tr=x"),
        (f"{BARE}快下载&tr=x", f"{BARE}&dn=True%20Name&快下载&tr=x"),
        (f"{BARE}./x&tr=y", f"{BARE}&dn=True%20Name&./x&tr=y"),
        (f"{BARE}.=x", f"{BARE}.=x&dn=True%20Name"),
        (f"{BARE}#top", f"{BARE}&dn=True%20Name&#top"),
        # One that makes no character reference of that text.
        (f"{BARE}#38;dn=x", f"{BARE}&dn=True%20Name&amp;#38;dn=x"),
        (f"{BARE}#x26;tr=x", f"{BARE}&dn=True%20Name&amp;#x26;tr=x"),
        (f"{BARE}#39;s", f"{BARE}&dn=True%20Name&amp;#39;s"),
        (f"{BARE}#34; x", f"{BARE}&dn=True%20Name&amp;#34; x"),
        (f"{BARE}三&a=b", f"{BARE}&dn=True%20Name&三&a=b"),
        (f"{BARE}(1)", f"{BARE}&dn=True%20Name&(1)"),
        (f"{BARE}&tr=x,&dn=a", f"{BARE}&tr=x,&dn=True%20Name"),
        (f"{BARE}&dn=a&tr=x,&dn=b", f"{BARE}&dn=True%20Name&tr=x,&"),
        (f"{BARE}&amp;dn=a&amp;tr=(&amp;dn=b)", f"{BARE}&amp;dn=True%20Name&amp;tr=(&amp;)"),
        (f"magnet:?dn=a&amp;xt=urn:btih:{V1}.&amp;dn=b", f"magnet:?dn=True%20Name&amp;xt=urn:btih:{V1}.&amp;"),
    ],
)
def test_renames(before: str, after: str) -> None:
    assert rename(before, A, "True Name") == after
    assert rename(after, A, "True Name") == after
    assert [one.hints for one in find_magnets(after)] == [one.hints for one in find_magnets(before)]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("AZaz09-._~z", "AZaz09-._~z"),
        ("a b+c&d=e%f#g/h?i", "a%20b%2Bc%26d%3De%25f%23g%2Fh%3Fi"),
        ("!'()*;:@$,[]<>\"`", "%21%27%28%29%2A%3B%3A%40%24%2C%5B%5D%3C%3E%22%60"),
        ("三体", "%E4%B8%89%E4%BD%93"),
        ("🎬é", "%F0%9F%8E%AC%C3%A9"),
        ("a\x00b\r\nc\u2028d\ufffde", "a%00b%0D%0Ac%E2%80%A8d%EF%BF%BDe"),
        ("\u202egnp.exe", "%E2%80%AEgnp.exe"),
        ("a\ud83db", "a%3Fb"),
        ("a%20b&amp;c", "a%2520b%26amp%3Bc"),
    ],
)
def test_a_name_is_written_in_percent_encoded_utf8(name: str, written: str) -> None:
    assert rename(f"{BARE}&dn=18&tr=x", A, name) == f"{BARE}&dn={written}&tr=x"


@pytest.mark.parametrize("name", ["Etc.", "...", "."])
def test_a_name_keeps_its_full_stop_at_the_end_of_a_link(name: str) -> None:
    text = rename(f"See {BARE}.", A, name)
    assert text == f"See {BARE}&dn={name}&."
    assert find_magnets(text)[0].name == name


def test_a_name_keeps_its_full_stop_before_what_would_be_a_character_reference() -> None:
    text = rename(f"{BARE}#34; x", A, "Etc.")
    assert text == f"{BARE}&dn=Etc.&amp;#34; x"
    assert rename(text, A, "Etc.") == text


def test_a_name_keeps_the_mark_that_also_encloses_the_link() -> None:
    text = rename(f"_{BARE}&dn=a_", A, "b_")
    assert text == f"_{BARE}&dn=b_&_"
    assert find_magnets(text)[0].name == "b_"


def test_a_name_that_ends_in_a_mark_does_not_enclose_the_link_glued_to_it() -> None:
    text = rename(f"{BARE}&dn=a{FOREIGN}_", A, "b_")
    assert text == f"{BARE}&dn=b_{FOREIGN}_"
    assert [one.name for one in find_magnets(text)] == ["b_", "18_"]


def test_a_plain_name_is_kept_apart_from_words_glued_to_the_link() -> None:
    assert rename(f"{BARE}快下载", A, "Name") == f"{BARE}&dn=Name&快下载"


def test_nothing_to_rename_gives_the_text_itself() -> None:
    for text in ("", "no link", FOREIGN, f"{FOREIGN}&xt=urn:btih:{V1}", V1):
        assert rename(text, A, "True Name") is text


def test_a_hybrid_answers_for_each_of_its_hashes_and_for_both() -> None:
    v1, v2, both = BARE, f"magnet:?xt=urn:btmh:1220{V2}", f"{BARE}&xt=urn:btmh:1220{V2}"
    assert rename(f"{v1} {v2} {both}", HYBRID, "n") == f"{v1}&dn=n {v2}&dn=n {both}&dn=n"


def test_half_a_hybrid_does_not_answer_for_the_whole() -> None:
    text = f"{BARE}&xt=urn:btmh:1220{V2}"
    assert rename(text, A, "n") is text


def test_a_magnet_link_has_all_that_is_known() -> None:
    hints = Hints(trackers=("udp://a.example:80/announce?x=1&y=2",), peers=(("10.0.0.1", 6881), ("::1", 80)))
    assert magnet_link(HYBRID, "Some Name", hints) == (
        f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}&dn=Some%20Name"
        "&tr=udp%3A%2F%2Fa.example%3A80%2Fannounce%3Fx%3D1%26y%3D2&x.pe=10.0.0.1:6881&x.pe=[::1]:80"
    )


@pytest.mark.parametrize("torrent", [A, TorrentId(v2=InfoHash(V2)), HYBRID])
@pytest.mark.parametrize("hints", [Hints(), Hints(("http://a.example/?b=1&c",), (("h", 1), ("2001:db8::1", 2)))])
def test_a_magnet_link_reads_back(torrent: TorrentId, hints: Hints) -> None:
    (magnet,) = find_magnets(magnet_link(torrent, "三 & 体.", hints))
    assert (magnet.torrents, magnet.name, magnet.hints) == ((torrent,), "三 & 体.", hints)
