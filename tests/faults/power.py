"""What is left of a folder when the power fails: what was forced to disk, and nothing else.

Content counts as on disk once its file was fsynced after the last change; a name in a folder, its
removal and its new name after a rename, once the folder was fsynced. That is less than most file
systems keep and all that they promise.
"""

from pathlib import Path

from tests.faults.disk import Operation


class Durable:
    """The state of a folder on disk, brought up to date after each operation.

    Args:
        folder: all that is in it at the beginning counts as on disk.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                self._names[_inode(path)] = _listing(path)
            else:
                self._content[_inode(path)] = path.read_bytes()

    def after(self, operation: Operation) -> None:
        """Take an operation that was done."""
        path = Path(operation.path)
        if operation.name == "fsync":
            if path.is_dir():
                self._names[_inode(path)] = _listing(path)
            else:
                self._content[_inode(path)] = path.read_bytes()
        elif operation.name == "mkdir":  # numbers of what was removed are given out again
            self._names[_inode(path)] = {}
            self._content.pop(_inode(path), None)
        elif operation.name in ("create", "half") and path.exists():
            number = _inode(path)
            self._names.pop(number, None)
            if number in self._content and not path.read_bytes().startswith(self._content[number]):
                del self._content[number]

    def strict(self, target: Path) -> None:
        """Write what is left: names and content that were forced to disk."""
        self._write(_inode(self._root), target)

    def zeroed(self, target: Path) -> None:
        """Write what is left where names made it to the disk by luck, but not content: zeros."""
        for path in (self._root, *sorted(self._root.rglob("*"))):
            there = target / path.relative_to(self._root)
            if path.is_dir():
                there.mkdir(parents=True, exist_ok=True)
                continue
            now, on_disk = path.read_bytes(), self._content.get(_inode(path), b"")
            kept = on_disk if now.startswith(on_disk) else b""
            there.write_bytes(kept + bytes(len(now) - len(kept)))

    def _write(self, folder: int, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        for name, number in self._names[folder].items():
            if number in self._names:
                self._write(number, target / name)
            else:
                (target / name).write_bytes(self._content.get(number, b""))


def _listing(folder: Path) -> dict[str, int]:
    return {path.name: _inode(path) for path in folder.iterdir()}


def _inode(path: Path) -> int:
    return path.stat().st_ino
