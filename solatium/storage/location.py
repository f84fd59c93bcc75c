"""Where things lie: every listing, small read, exclusive write and lock goes through here.

A location is a path or a `file:` URI. Other schemes (s3a, abfss, hdfs) would be other classes with
the same methods; nothing else in the library touches a file system, but for `lease`, a part of it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from solatium.errors import SolatiumError, UsageError
from solatium.storage.lease import Lease, leased

_DRAFT = re.compile(r"\..+\.\d+")
_SYNCED_AT_ONCE = 16


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", "."))


@dataclass(frozen=True, order=True)
class DataFile:
    """A file as a listing shows it; `path` is relative to the listed location."""

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Location:
    """A folder or file, by its absolute path."""

    path: Path

    @classmethod
    def parse(cls, uri: str) -> Location:
        """The location of a path or `file:` URI; UsageError for a scheme that is not handled."""
        scheme = urlsplit(uri).scheme if "://" in uri or uri.startswith("file:") else ""
        if scheme == "file":
            return cls(Path(unquote(urlsplit(uri).path)).absolute())
        if scheme:
            raise UsageError(
                f"{uri}: {scheme} locations are not handled yet; give a local path or a file: URI"
            )
        return cls(Path(uri).expanduser().absolute())

    def __truediv__(self, name: str) -> Location:
        return Location(self.path / name)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def uri(self) -> str:
        """The percent-encoded `file:` URI, safe where special characters would be patterns."""
        return self.path.as_uri()

    def exists(self) -> bool:
        return self.path.exists()

    def is_folder(self) -> bool:
        return self.path.is_dir()

    def size(self) -> int:
        """The bytes of a file; of a link, its own."""
        return self.path.lstat().st_size

    def names(self) -> list[str]:
        """Names in a folder, sorted; none where it is missing."""
        return sorted(os.listdir(self.path)) if self.path.is_dir() else []

    def data_files(self, is_no_data: Callable[[str], bool] = _is_hidden) -> list[DataFile]:
        """All files below a folder, at any depth; not those under names that are no data.

        Links are followed. Raises an OSError of ELOOP where one leads back to a folder above it.
        """
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

    def read_text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def create_text(self, text: str) -> None:
        """Writes a file that must not exist yet, whole or not at all; else FileExistsError.

        When it is done the file is on the disk, and stays when the machine is lost.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._draft(text) as draft:
            os.link(draft, self.path)
        _synced_folder(self.path.parent)
        _synced_folder(self.path.parent.parent)

    def replace_text(self, text: str) -> None:
        """Writes a file in the place of one that may exist, whole or not at all."""
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
        """Takes away the drafts in this folder that killed processes have left."""
        for name in self.names():
            if _DRAFT.fullmatch(name):
                (self / name).remove_file()

    def sync(self, names: Iterable[str]) -> None:
        """Has the disk keep these files below this folder, and the folders that lead to them.

        A file that was written may be in memory alone for half a minute, and is empty or gone when
        the machine is lost before.
        """
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

    def link_to(self, target: Location) -> None:
        """Makes this another name of a file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.symlink_to(target.path)

    def remove_file(self) -> None:
        self.path.unlink(missing_ok=True)

    def remove_tree(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    @contextmanager
    def plainly_named(self) -> Iterator[Location]:
        """This folder under a path of letters, digits and `-_./` only, by a link if it must be.

        The Delta libraries take other characters for parts of a URL, each in its own way.
        """
        if re.fullmatch(r"[A-Za-z0-9._/-]+", str(self)):
            yield self
            return
        self.make_folder()
        with TemporaryDirectory(prefix="solatium-") as folder:
            link = Path(folder) / "warehouse"
            link.symlink_to(self.path, target_is_directory=True)
            try:
                yield Location(link)
            except SolatiumError as error:
                raise error.renamed(str(link), str(self)) from error

    @contextmanager
    def held(self, holder: Mapping[str, str]) -> Iterator[Lease]:
        """Holds this folder against rivals, and tells them who has it; BusyError where one does."""
        self.make_folder()
        with leased(self.path, holder) as lease:
            yield lease


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
