"""Locations on this machine, or on what it has mounted: by their absolute paths."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from pyarrow import fs

from solatium.errors import SolatiumError, UsageError
from solatium.storage import folder_lease
from solatium.storage.lease import Lease
from solatium.storage.location import DataFile, Location, is_hidden

# of a process, or of a run that holds the folder
_DRAFT = re.compile(r"\..+\.([0-9]+|[0-9a-f]{32})")
_SYNCED_AT_ONCE = 16


@dataclass(frozen=True)
class LocalLocation(Location):
    """A folder or file, by its absolute path."""

    path: Path

    @classmethod
    def of(cls, option: str, uri: str) -> LocalLocation:
        """The location of a path or `file:` URI; UsageError that names the option for others."""
        found = cls.parse(uri)
        if not isinstance(found, cls):
            raise UsageError(f"{option} {found}: expected a local path or a file: URI")
        return found

    @classmethod
    def at(cls, folder: str) -> LocalLocation:
        """A folder by its absolute path, as text."""
        return cls(Path(folder))

    def __truediv__(self, name: str) -> LocalLocation:
        return LocalLocation(self.path / name)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def uri(self) -> str:
        return self.path.as_uri()

    @property
    def address(self) -> str:
        return str(self.path)

    @property
    def path_text(self) -> str:
        return str(self.path)

    def arrow_files(self) -> Any:
        return fs.SubTreeFileSystem(str(self.path), fs.LocalFileSystem())

    @property
    def may_lag(self) -> bool:
        return False

    def exists(self) -> bool:
        return self.path.exists()

    def is_folder(self) -> bool:
        return self.path.is_dir()

    def is_link(self) -> bool:
        return self.path.is_symlink()

    def size(self) -> int:
        return self.path.lstat().st_size

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path)) if self.path.is_dir() else []

    def data_files(self, is_no_data: Callable[[str], bool] = is_hidden) -> list[DataFile]:
        found = []
        for folder, folders, files in os.walk(self.path, onerror=_raised, followlinks=True):
            folders[:] = [name for name in folders if not is_no_data(name)]
            for name in folders:
                _refuse_loop(Path(folder), name)
            for name in files:
                if not is_no_data(name):
                    path = Path(folder) / name
                    try:
                        facts = path.stat()
                    except FileNotFoundError:
                        facts = path.lstat()  # a link to nowhere: still a file that is not read
                    found.append(
                        DataFile(
                            path.relative_to(self.path).as_posix(),
                            facts.st_size,
                            facts.st_mtime_ns,
                        )
                    )
        return sorted(found)

    def listed(self) -> LocalLocation:
        return self

    def resolved(self) -> LocalLocation:
        return LocalLocation(self.path.resolve())

    def is_within(self, other: Location) -> bool:
        return isinstance(other, LocalLocation) and self.path.is_relative_to(other.path)

    @contextmanager
    def reading(self) -> Iterator[BufferedIOBase]:
        with fs.LocalFileSystem().open_input_file(str(self.path)) as file:
            yield file

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with fs.LocalFileSystem().open_output_stream(str(self.path)) as file:
            yield file

    def read_text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def read_texts(self, names: Iterable[str]) -> Mapping[str, str]:
        return _Texts(self, list(names))

    def create_text(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._draft(text) as draft:
            os.link(draft, self.path)
        _synced_folder(self.path.parent)
        _synced_folder(self.path.parent.parent)

    def replace_text(self, text: str) -> None:
        with self._draft(text) as draft:
            draft.replace(self.path)

    @contextmanager
    def _draft(self, text: str) -> Iterator[Path]:
        """A file beside this one that holds the text, on the disk; gone at the end."""
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        for name in self.names():
            if _DRAFT.fullmatch(name):
                (self / name).remove_file()

    def sync(self, names: Iterable[str]) -> None:
        """A file that was written may be in memory alone for half a minute, and is empty or gone
        when the machine is lost before. So are the folders that lead to it."""
        files = {self.path / name for name in names}
        folders = {folder for file in files for folder in file.relative_to(self.path).parents}
        if files:
            with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:  # the disk takes many at once
                list(pool.map(_synced, files))
                list(pool.map(_synced_folder, (self.path / folder for folder in folders)))

    def make_folder(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UsageError(
                f"{self}: expected a folder, or a place where one can be made; found a file"
            ) from None

    def lend_to(self, other: Location) -> None:
        if not isinstance(other, LocalLocation):
            super().lend_to(other)
            return
        other.path.parent.mkdir(parents=True, exist_ok=True)
        other.path.symlink_to(self.path)

    def move_files(self, names: Iterable[str], other: Location) -> None:
        if not isinstance(other, LocalLocation):
            super().move_files(names, other)
            return
        for name in names:
            target = other.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).rename(target)

    def remove_file(self) -> None:
        self.path.unlink(missing_ok=True)

    def remove_tree(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    @contextmanager
    def plainly_named(self) -> Iterator[LocalLocation]:
        """By a link, where the path has other characters than letters, digits and `-_./`.

        The Delta libraries take others for parts of a URL, each in its own way.
        """
        if re.fullmatch(r"[A-Za-z0-9._/-]+", str(self)):
            yield self
            return
        self.make_folder()
        with TemporaryDirectory(prefix="solatium-") as folder:
            link = Path(folder) / "warehouse"
            link.symlink_to(self.path, target_is_directory=True)
            try:
                yield LocalLocation(link)
            except SolatiumError as error:
                raise error.renamed(str(link), str(self)) from error

    @contextmanager
    def at_hand(self) -> Iterator[LocalLocation]:
        yield self

    @contextmanager
    def held(self, holder: Mapping[str, str]) -> Iterator[Lease]:
        self.make_folder()
        with folder_lease.leased(self.path, holder) as lease:
            yield lease

    def is_held(self) -> bool:
        return folder_lease.is_held(self.path)


class _Texts(Mapping[str, str]):
    """Files of a folder, each read when it is asked for."""

    def __init__(self, folder: Location, names: list[str]) -> None:
        self._folder, self._names = folder, names

    def __getitem__(self, name: str) -> str:
        return (self._folder / name).read_text()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _refuse_loop(folder: Path, name: str) -> None:
    below = folder / name
    if below.is_symlink() and folder.resolve().is_relative_to(below.resolve()):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(below))


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synced_folder(path: Path) -> None:
    try:
        _synced(path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some mounts know files alone
            raise


def _raised(error: OSError) -> None:
    raise error
