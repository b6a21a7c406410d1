"""Files: those that people send, and those that a bot uploads (Bot API, Document, "Sending files", getFile)."""

from dataclasses import dataclass, replace

MAX_DOWNLOAD = 20_000_000
MAX_UPLOAD = 50_000_000
"""Bytes (Bot API, getFile and sendDocument)."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: its name as its sender calls it, its bytes and MIME type; *id* is given by the sandbox.

    *claimed* is the size that Telegram tells of it, where that shall be another one.
    """

    name: str
    content: bytes
    mime_type: str = "text/plain"
    id: str = ""
    claimed: int | None = None

    @property
    def size(self) -> int:
        return len(self.content) if self.claimed is None else self.claimed

    @property
    def path(self) -> str:
        """Where it is downloaded (Bot API, File, ``file_path``)."""
        return f"documents/{self.id}"

    def as_document(self) -> dict[str, object]:
        shape: dict[str, object] = {"file_id": self.id, "file_unique_id": f"unique-{self.id}", "file_size": self.size}
        return shape | {
            name: value for name, value in {"file_name": self.name, "mime_type": self.mime_type}.items() if value
        }

    def as_json(self) -> dict[str, object]:
        return {
            "file_id": self.id,
            "file_unique_id": f"unique-{self.id}",
            "file_size": self.size,
            "file_path": self.path,
        }


class Files:
    """All files there are."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def keep(self, file: File) -> File:
        """Return *file* with an id of its own."""
        kept = replace(file, id=f"file-{len(self._files) + 1}")
        self._files[kept.id] = kept
        return kept

    def get(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def at(self, path: str) -> File | None:
        """Return what is downloaded at *path*."""
        return next((one for one in self._files.values() if one.path == path), None)
