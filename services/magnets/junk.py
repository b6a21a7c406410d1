"""Names that tell nothing of a torrent: what people want to see corrected first."""

import re

_LETTERS = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"[0-9]+ \((?:19|20)[0-9]{2}\).*", re.ASCII | re.DOTALL)
"""A film whose title is a number: 300 (2006)."""

_LONGEST = 1000
"""Characters that are looked at: no name that tells something tells it beyond."""

_HASH = re.compile(r"(?:[0-9a-f]{16,64}|[a-z2-7]{32})", re.IGNORECASE | re.ASCII)
_EXTENSION = r"\.?(?:mkv|mp4|avi|wmv|mov|m4v|ts|m2ts|flv|rmvb|webm|iso|zip|rar|7z|tar|gz|mp3|flac|pdf|epub|exe|torrent)"
_EXTENSION_ALONE, _EXTENSION_LAST = re.compile(_EXTENSION), re.compile(rf"(?<=.){_EXTENSION}\Z")

_TOP_LEVEL = (
    "com|net|org|info|biz|cc|tv|me|io|xyz|top|club|vip|win|site|online|link|live|pro|fun|app|co|to|la|ws|in|cn|ru|jp"
    "|tw|hk|us|uk|eu"
)
_DOMAIN = rf"(?:[a-z0-9](?:[a-z0-9-]{{0,62}}[a-z0-9])?\.)+(?:{_TOP_LEVEL})(?![a-z0-9-])"
_URL = rf"(?:https?|ftp)://\S+|www\.\S+|(?:t|telegram)\.(?:me|dog)/\S*|{_DOMAIN}(?:/\S*)?"
_HANDLE = r"@[a-z0-9_]{4,32}"
# An advert in brackets: a domain, a channel, or the words that adverts are made of.
_BRACKETS = re.compile(r"[【\[(（「《<{]([^】\])）」》>}]*)[】\])）」》>}]")
_CALL = (
    "最新|地址|发布|發佈|關注|关注|频道|頻道|加群|福利|论坛|論壇|首发|首發|更多|资源|請|请|下载|下載|免费|免費|官网|官網"
    r"|\b(?:visit|join|channel|download|downloaded|free|more|at|by|from)\b"
)
_ADVERT = re.compile(rf"{_URL}|{_HANDLE}", re.IGNORECASE | re.ASCII)
_CALLING = re.compile(_CALL, re.IGNORECASE)
_QUALITY = re.compile(
    r"(?<![a-z0-9])(?:[fu]?hd(?: ?(?:480|576|720|1080|1440|2160|4320)p?)?"
    r"|[0-9]{3,4}[pi]|[48]k|blu ?ray|(?:bd|br|dvd|hd|web) ?rip|web ?dl|hdtv)"
    r"(?![a-z0-9])|高清|超清",
    re.ASCII,
)
"""How sharp a film is, and where it was taken from: that alone tells nothing of it."""
_SEPARATORS = re.compile(r"[\W_]+")
_PLACEHOLDERS = frozenset({
    "untitled", "unknown", "noname", "no name", "name", "none", "null", "undefined", "nan", "magnet", "torrent",
    "download", "new folder", "新建文件夹", "未命名", "无", "video", "movie", "file", "test",
})  # fmt: skip


def is_junk(name: str) -> bool:
    """Whether *name* tells nothing of its torrent: empty, digits, hash-like, an advert alone, a bare extension.

    A name with an advert in it is none as long as something else is left of it. Pure; never fails.
    """
    bare = name[:_LONGEST].strip().casefold()
    if _YEAR.fullmatch(bare):
        return False
    if not _LETTERS.search(bare) or bare in _PLACEHOLDERS:
        return True
    stem = _EXTENSION_LAST.sub("", bare)
    if _EXTENSION_ALONE.fullmatch(bare) or _HASH.fullmatch(stem):
        return True
    left = _ADVERT.sub(" ", _BRACKETS.sub(_without_advert, stem))
    if left == stem:
        return not _LETTERS.search(stem)
    words = _CALLING.sub(" ", _SEPARATORS.sub(" ", left))
    # A number beside it may be a title: 1917 1080p.
    return not _LETTERS.search(words) or not _QUALITY.sub("", words).strip()


def _without_advert(bracket: re.Match[str]) -> str:
    """Return nothing for a bracket with an address in it, else the bracket as it is."""
    return " " if _ADVERT.search(bracket[1]) else bracket[0]
