"""A .torrent's bytes, where there is more than one way to read them."""

import pytest

from services.errors import NotFound
from services.resolvers.libtorrent import read_torrent

HUGE = b"6:lengthi1e6:lengthi4611686018427387904e"
FILES = b"5:filesl" + b"".join(b"d%b4:pathl1:%dee" % (HUGE, number) for number in range(4)) + b"e"


def torrent(files: bytes = b"6:lengthi100e", name: bytes = b"4:name3:one") -> bytes:
    return b"d4:infod" + files + name + b"12:piece lengthi16384e6:pieces20:" + bytes(20) + b"ee"


def test_what_is_there_once_is_read() -> None:
    info = read_torrent(torrent(), "file")
    assert (info.name.text, info.size) == ("one", 100)


@pytest.mark.parametrize(
    "odd",
    [
        b"3:odei18446744073709551615e",
        b"3:odei007e",
        b"3:oded1:ad1:ai1eee",
        b"3:odeld1:ai1eed1:ai1eee",
        b"1:y0:",
        b"0:0:",
        b"2:\xff\xfe03:e:e",
    ],
)
def test_what_is_odd_and_there_once_is_read(odd: bytes) -> None:
    assert read_torrent(torrent(name=b"4:name3:one" + odd), "file").name.text == "one"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(torrent(name=b"4:name3:one4:name3:two"), id="another name"),
        pytest.param(torrent(name=b"4:name3:one4:namei5e"), id="no name"),
        pytest.param(torrent(files=FILES), id="sizes that no number holds"),
        pytest.param(torrent(files=b"6:lengthi100e6:lengthi7e"), id="another size"),
        pytest.param(torrent(name=b"4:name3:one1:xd1:yle1:ylee"), id="within another"),
    ],
)
def test_what_is_there_twice_is_refused_since_others_may_read_the_other(content: bytes) -> None:
    with pytest.raises(NotFound):
        read_torrent(content, "file")
