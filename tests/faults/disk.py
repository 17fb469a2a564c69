"""The disk as a study sees it: every operation on its files is counted, and one can fail.

Watched are the primitives of ``os``, files that Python opens for writing, and the writers of other
libraries (Parquet, safetensors), which write natively: theirs are found by what they leave behind.
Each write has two moments, before it and when half of it is there.
"""

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pyarrow.parquet as pq
import safetensors.numpy
import safetensors.torch

_CHANGES = os.O_CREAT | os.O_TRUNC


class Operation(NamedTuple):
    """The number-th operation: what is about to be done, and to which path."""

    number: int
    name: str
    path: str


class Fault:
    """What happens at an operation; this one does nothing.

    ``hits`` says whether an operation is the one; ``before`` is then called in its place and may
    raise or end the process. ``after`` is called when an operation has been done.
    """

    def hits(self, operation: Operation) -> bool:
        return False

    def before(self, operation: Operation) -> None: ...

    def after(self, operation: Operation) -> None: ...


class Disk:
    """Counts operations below a folder and lets a fault happen."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        self.operations: list[str] = []
        self._folder = f"{folder}/"
        self._fault = fault
        self._idle = False  # while the fault itself looks at the disk

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch all primitives inside."""
        patches = [
            *(mock.patch.object(os, name, self._of_paths(name)) for name in _OF_PATHS),
            *(mock.patch.object(os, name, self._of_handles(name)) for name in _OF_HANDLES),
            mock.patch.object(os, "open", self._os_open()),
            mock.patch.object(io, "open", self._open()),
            mock.patch.object(builtins, "open", self._open()),
            mock.patch.object(pq, "write_table", self._native(pq.write_table, 1)),
            *(
                mock.patch.object(m, "serialize_file", self._native(m.serialize_file, 1))
                for m in (safetensors.numpy, safetensors.torch)
            ),
        ]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()

    def moment(
        self, name: str, path: str, prepare: Callable[[], object] | None = None
    ) -> Operation:
        """One operation is about to be done; ``prepare`` makes half of it, where it is hit."""
        operation = Operation(len(self.operations) + 1, name, path)
        self.operations.append(name)
        if self._fault.hits(operation):
            with self.unwatched():
                if prepare is not None:
                    prepare()
                self._fault.before(operation)
        return operation

    def done(self, operation: Operation) -> None:
        with self.unwatched():
            self._fault.after(operation)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        before, self._idle = self._idle, True
        try:
            yield
        finally:
            self._idle = before

    def watches(self, path: str) -> bool:
        return not self._idle and f"{path}/".startswith(self._folder)

    def _of_paths(self, name: str) -> Callable[..., Any]:
        original = getattr(os, name)

        def change(path: Any, *args: Any, **kwargs: Any) -> Any:
            where = _path(path, kwargs.get("dir_fd"))
            if not self.watches(where):
                return original(path, *args, **kwargs)
            operation = self.moment(name, where)
            result = original(path, *args, **kwargs)
            self.done(operation)
            return result

        return change

    def _of_handles(self, name: str) -> Callable[..., Any]:
        original = getattr(os, name)

        def change(handle: Any, *args: Any) -> Any:
            where = _path_of(handle if isinstance(handle, int) else handle.fileno())
            if not self.watches(where):
                return original(handle, *args)
            operation = self.moment(name, where)
            if name == "write":
                half = args[0][: len(args[0]) // 2]
                self.moment("half", where, lambda: original(handle, half))
            result = original(handle, *args)
            self.done(operation)
            return result

        return change

    def _os_open(self) -> Callable[..., Any]:
        original = os.open

        def change(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            where = _path(path, kwargs.get("dir_fd"))
            new = flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.exists(where))
            if not new or not self.watches(where):
                return original(path, flags, *args, **kwargs)
            operation = self.moment("create", where)
            handle = original(path, flags, *args, **kwargs)
            self.done(operation)
            return handle

        return change

    def _open(self) -> Callable[..., Any]:
        original = io.open

        def change(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+"):
                return original(file, mode, *args, **kwargs)
            where = _path(file, None)
            if not self.watches(where):
                return original(file, mode, *args, **kwargs)
            if "+" in mode and "w" not in mode:
                return _File(self, original(file, mode, *args, **kwargs), where)
            operation = self.moment("create", where)
            opened = original(file, mode, *args, **kwargs)
            self.done(operation)
            return _File(self, opened, where)

        return change

    def _native(self, original: Callable[..., Any], which: int) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            where = _path(args[which], None)
            if not self.watches(where):
                return original(*args, **kwargs)

            def half() -> None:
                original(*args, **kwargs)
                os.truncate(where, os.path.getsize(where) // 2)

            self.moment("create", where)
            operation = self.moment("half", where, half)
            with self.unwatched():
                result = original(*args, **kwargs)
            self.done(operation)
            return result

        return write


_OF_PATHS = ("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "truncate")
_OF_HANDLES = ("write", "fsync", "ftruncate")


class _File:
    """A file that Python opened for writing; what it writes is in the file at once."""

    def __init__(self, disk: Disk, file: Any, path: str) -> None:
        self._disk, self._file, self._path = disk, file, path

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        self._disk.moment("write", self._path)
        operation = self._disk.moment("half", self._path, half)
        written = self._file.write(data)
        self._file.flush()
        self._disk.done(operation)
        return written

    def truncate(self, *size: int) -> int:
        operation = self._disk.moment("truncate", self._path)
        result = self._file.truncate(*size)
        self._disk.done(operation)
        return result

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _path(path: Any, folder: int | None) -> str:
    """The absolute path; the last part may be a link or not exist."""
    if isinstance(path, int):
        return _path_of(path)
    name = os.fsdecode(path)
    return os.path.join(_path_of(folder), name) if folder is not None else os.path.abspath(name)


def _path_of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")
