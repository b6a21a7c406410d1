"""A torrent's files as a tree. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.torrents import FileEntry

_DEEPEST = 12  # folders within folders: what is deeper stands in one name, however hostile the torrent


@dataclass(slots=True)
class Branch:
    """A file, or a folder with what is *within*; *size* in bytes."""

    name: str
    size: int = 0
    within: dict[str, "Branch"] = field(default_factory=dict)


def tree_of(files: Iterable[FileEntry]) -> Sequence[Branch]:
    """Return the top of the tree, in the files' order; a folder has the bytes of all that is in it."""
    top = Branch("")
    for file in files:
        *folders, name = file.path.split("/", _DEEPEST)
        place = top
        for folder in folders:
            place = place.within.setdefault(f"{folder}/", Branch(f"{folder}/"))
            place.size += file.size
        # Two files may have one path in a hostile torrent: each is shown.
        place.within[f"{name}\0{len(place.within)}"] = Branch(name, file.size)
    return list(top.within.values())
