"""Where things lie: every listing, small read, exclusive write and lease goes through here.

A location is a path, a `file:` URI or the URI of an object store. `local` and `objects` have the
same methods for both, and rooms never ask which one they have; nothing else in the library touches
a file system or a store, but for the engines and the Delta library.
"""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from solatium.errors import UsageError
from solatium.storage.lease import Lease


def is_hidden(name: str) -> bool:
    return name.startswith(("_", "."))


@dataclass(frozen=True, order=True)
class DataFile:
    """A file as a listing shows it; `path` is relative to the listed location."""

    path: str
    size: int
    modified_ns: int


class Location(ABC):
    """A folder or file. In an object store, a folder is what the names of objects begin with."""

    @staticmethod
    def parse(uri: str) -> Location:
        """The location of a path or URI; UsageError for one that is not handled, or not safe."""
        scheme = _scheme(uri)
        if scheme in ("", "file"):
            from solatium.storage.local import LocalLocation

            path = Path(unquote(urlsplit(uri).path)) if scheme else Path(uri).expanduser()
            return LocalLocation(path.absolute())
        from solatium.storage import objects

        if scheme not in objects.SCHEMES:
            raise UsageError(
                f"{shown(uri)}: {scheme} locations are not handled yet; give a local path, a file: "
                f"URI, or an object store's ({', '.join(f'{name}://' for name in objects.SCHEMES)})"
            )
        return objects.located(uri)

    @abstractmethod
    def __truediv__(self, name: str) -> Location: ...

    @abstractmethod
    def __str__(self) -> str: ...

    # How others want it

    @property
    @abstractmethod
    def uri(self) -> str:
        """The percent-encoded URI, safe where special characters would be patterns."""

    @property
    @abstractmethod
    def address(self) -> str:
        """What an engine reads and writes it by, as it is, without an encoding."""

    @property
    @abstractmethod
    def path_text(self) -> str:
        """The path alone, without what a URI has before it."""

    @abstractmethod
    def arrow_files(self) -> Any:
        """A file system of Arrow that begins here; None where the Delta library brings its own."""

    # What is there

    @property
    @abstractmethod
    def may_lag(self) -> bool:
        """Whether a list may lack what was just written."""

    @abstractmethod
    def exists(self) -> bool: ...

    @abstractmethod
    def is_folder(self) -> bool: ...

    @abstractmethod
    def is_link(self) -> bool: ...

    @abstractmethod
    def size(self) -> int:
        """The bytes of a file; of a link, its own."""

    @abstractmethod
    def names(self) -> list[str]:
        """Names in a folder, sorted; none where it is missing."""

    @abstractmethod
    def data_files(self, is_no_data: Callable[[str], bool] = is_hidden) -> list[DataFile]:
        """All files below a folder, at any depth; not those under names that are no data.

        Links are followed. Raises an OSError of ELOOP where one leads back to a folder above it.
        """

    @abstractmethod
    def listed(self) -> Location:
        """The same folder; where listing costs, with all names below it listed now, at once."""

    @abstractmethod
    def resolved(self) -> Location:
        """The same place, links followed."""

    @abstractmethod
    def is_within(self, other: Location) -> bool:
        """Whether it is `other`, or lies below it."""

    # Files

    @abstractmethod
    def reading(self) -> AbstractContextManager[BufferedIOBase]:
        """The file, open to be read in any order."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[IO[bytes]]:
        """A new file, or one in the place of this; its folders are made."""

    @abstractmethod
    def read_text(self) -> str: ...

    @abstractmethod
    def read_texts(self, names: Iterable[str]) -> Mapping[str, str]:
        """The texts of files in this folder by name, each read when it is asked for or before."""

    @abstractmethod
    def create_text(self, text: str) -> None:
        """Writes a file that must not exist yet, whole or not at all; else FileExistsError.

        When it is done the file is kept, also when this machine is lost.
        """

    @abstractmethod
    def replace_text(self, text: str) -> None:
        """Writes a file in the place of one that may exist, whole or not at all."""

    @abstractmethod
    def remove_drafts(self) -> None:
        """Takes away the drafts in this folder that killed processes have left."""

    @abstractmethod
    def sync(self, names: Iterable[str]) -> None:
        """Has these files below this folder kept, also when this machine is lost.

        Names are not asked for where all that is written is kept.
        """

    @abstractmethod
    def make_folder(self) -> None:
        """Makes the folder where there is none; UsageError where a file is in its place."""

    def lend_to(self, other: Location) -> None:
        """Makes `other` another name of this file, or a copy of it where that cannot be."""
        with self.reading() as source, other.writing() as target:
            shutil.copyfileobj(source, target)

    def move_files(self, names: Iterable[str], other: Location) -> None:
        """Moves these files below this folder to the same names below another, where none is."""
        for name in names:
            source = self / name
            with source.reading() as content, (other / name).writing() as target:
                shutil.copyfileobj(content, target)
            source.remove_file()

    @abstractmethod
    def remove_file(self) -> None: ...

    @abstractmethod
    def remove_tree(self) -> None: ...

    # Places to work in

    @abstractmethod
    def plainly_named(self) -> AbstractContextManager[Location]:
        """This folder under a path that the Delta libraries take as it is."""

    @abstractmethod
    def at_hand(self) -> AbstractContextManager[Location]:
        """This folder where it is on this machine; else one that is, empty, and gone at the end."""

    @abstractmethod
    def held(self, holder: Mapping[str, str]) -> AbstractContextManager[Lease]:
        """Holds the lease of this folder, and tells rivals who has it; BusyError where one does."""

    @abstractmethod
    def is_held(self) -> bool:
        """Whether a run holds this folder now; it is not taken."""


def shown(uri: str) -> str:
    """A URI as it may be printed and kept: without user, password, and what follows a `?`."""
    if "://" not in uri:
        return uri
    scheme, rest = uri.split("://", 1)
    before, at, after = rest.rpartition("@")
    if at and (":" in before or "/" in before or not scheme.startswith("abfs")):
        rest = f"...@{after}"  # a secret may have slashes in it
    return re.sub(r"[?#].*", "?...", f"{scheme}://{rest}", flags=re.DOTALL)


def _scheme(uri: str) -> str:
    return urlsplit(uri).scheme if "://" in uri or uri.startswith("file:") else ""
