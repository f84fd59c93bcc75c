"""The landing zone: which files lie in it, whether they can be read, and their rows as a frame.

docs/rules.md section 2. Files are judged by their footers before anything is written. `footers` has
what is asked of them, `plain_copies` what an engine needs, `contract_frames` how rows then look.
"""

from __future__ import annotations

import errno
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import InputError
from solatium.landing import contract_frames, plain_copies
from solatium.landing.footers import (
    Footer,
    Reading,
    damage,
    footer,
    shown_name,
    stored,
    unreadable,
)
from solatium.landing.markers import Markers
from solatium.settings.sources import Source
from solatium.storage.location import DataFile, Location
from solatium.storage.store_errors import failed_by_a_store

_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_ODD_PATH = re.compile("[:\x00-\x1f\x7f-\x9f]")  # what one of the engines cannot have in a path

# What most often is behind it.
_MAP_THEM = (
    ". No `sources` are configured: logs with names, codes or local times of their own need them, "
    "in the file that --config names"
)
# More files than these are put together into few, where they are small: each costs a while to plan,
# and an engine may hold all of them open at once.
_MANY_FILES = 200
_FEW_ROWS = 20_000  # of a file, in the mean
_READ_AT_ONCE = 4  # footers: a store takes a while to answer for each
_NAMED = 5  # of what lies in a folder that is no landing zone


class LandingZone:
    """The landing zone at one moment: a listing, taken once; `sources` maps tables that need it."""

    def __init__(
        self,
        root: Location,
        sources: Mapping[str, Source] | None = None,
        ignored: Sequence[str] = (),
    ) -> None:
        """`ignored` are patterns of names that are no data, beside the markers of known tools."""
        self.root = root.listed()
        self._markers = Markers(ignored)
        self._sources = sources or {}
        self.files: dict[str, dict[date, list[DataFile]]] = {}
        self._footers: dict[tuple[str, date], list[tuple[Location, Footer]]] = {}
        problems: list[str] = []
        for table in contracts.LANDING:
            self.files[table] = self._listing(table, problems)
        unread = self._near_names()
        if not any((root / table).exists() for table in contracts.LANDING):
            found = ", ".join(shown_name(name) for name in root.names()[:_NAMED]) or "nothing"
            expected = f"a folder of one of the tables {', '.join(contracts.LANDING)}"
            problems += [f"{root}: expected {expected}, found {found}", *unread]
        if problems:
            raise InputError(f"{root}: not a landing zone that can be read", problems)
        self.notes = [*unread, *self._markers.notes()]

    def _near_names(self) -> list[str]:
        """Notes on names that are nearly those of a table, which nobody would read."""
        notes = []
        for name in self.root.names():
            if name in contracts.LANDING or self._markers.has(name):
                continue
            near = get_close_matches(name.lower().strip(), contracts.LANDING, n=1, cutoff=0.75)
            if near:
                notes.append(
                    f"{self.root / shown_name(name)}: not read, since no table has this name; "
                    f"did you mean {near[0]}?"
                )
        return notes

    def _listing(self, table: str, problems: list[str]) -> dict[date, list[DataFile]]:
        found: dict[date, list[DataFile]] = {}
        folder = self.root / table
        if folder.exists() and not folder.is_folder():
            problems.append(f"{folder}: expected a folder of folders dt=YYYY-MM-DD, found a file")
        for name in folder.names():
            place = self.root / table / name
            if self._markers.has(name):
                continue
            if place.is_link() and not name.startswith("dt="):
                self._markers.pass_over_link(str(place))
                continue
            try:
                day = date.fromisoformat(name.removeprefix("dt="))
                if not place.is_folder() or name != f"dt={day.isoformat()}":
                    raise ValueError
            except ValueError:
                kind = "folder" if place.is_folder() else "file"
                problems.append(
                    f"{place}: expected folders dt=YYYY-MM-DD here, found the {kind} {name}; "
                    "rename it, or give it a name that begins with _ to have it passed over"
                )
                continue
            try:
                found[day] = place.data_files(self._markers.has)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                problems.append(
                    f"{error.filename}: the link leads back to a folder above it; remove the link"
                )
                continue
            problems.extend(
                f"{str(place / file.path)!r}: the name is not UTF-8; rename it"
                for file in found[day]
                if _NOT_UTF8.search(str(place / file.path))
            )
        return found

    def dates(self) -> list[date]:
        """Arrival dates that have a folder, in order."""
        return sorted({day for table in self.files.values() for day in table})

    def arrived(self, day: date) -> dict[str, list[tuple[str, int, int]]]:
        """The files of an arrival date by table, for comparing two listings."""
        return {
            table: [(file.path, file.size, file.modified_ns) for file in days[day]]
            for table, days in self.files.items()
            if days.get(day)
        }

    def check(self, days: Iterable[date]) -> list[str]:
        """Reads the footers of all files of these arrival dates; notes on what is not read.

        Raises InputError with every file and column that cannot be accepted.
        """
        problems: list[str] = []
        notes: Counter[tuple[str, str, str]] = Counter()
        folders = [(table, day) for day in days for table in contracts.LANDING]
        self._footers |= {folder: [] for folder in folders}
        files = [(*folder, place) for folder in folders for place in self._places(*folder)]

        def read(file: tuple[str, date, Location]) -> tuple[Footer | None, list[str]]:
            table, _, place = file
            return footer(place, contracts.landing(table), self._source(table))

        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            footers = pool.map(read, files)
        for (table, day, place), (one, wrong) in zip(files, footers, strict=True):
            problems += wrong
            if one is None:
                continue
            self._footers[table, day].append((place, one))
            source = self._source(table)
            for name in one.unused:
                told = f"is {source.why_unused(name, contracts.landing(table).names)}; ignored"
                notes[table, name, told] += 1
            for column in one.absent:
                told = f"is missing; {column} is null there"
                notes[table, source.source_of(column), told] += 1
        if problems:
            hint = "" if self._sources else _MAP_THEM
            raise InputError(
                f"{self.root}: {len(problems)} problem(s) with landing files; nothing was written"
                f"{hint}",
                problems,
            )
        return [
            f"{table}: column {shown_name(name)} of {count} file(s) {told}"
            for (table, name, told), count in sorted(notes.items())
        ]

    def rows(self, table: str, day: date) -> int:
        """How many rows the files of an arrival date hold, by their footers."""
        return sum(footer.rows for _, footer in self._footers[table, day])

    def rows_by_table(self, day: date) -> dict[str, int]:
        """The rows of an arrival date by table, of tables that have a file then."""
        return {table: self.rows(table, day) for table in self.arrived(day)}

    def verify(self, engine: Engine, scratch: Location, days: Sequence[date]) -> bool:
        """Reads every file of these arrival dates to its end; InputError names those that break.

        The last of them is the date that is handled. The engine reads each file by itself, as it
        may refuse what others can read, such as footers of old writers. Such files are copied from
        then on, in plain types. Gives whether there are any, so that reading is worth another try.
        An engine that has ended refuses all, and names none. StoreError where a store does not give
        a file to the engine.
        """
        problems, are_copied = [], False
        for day in days:
            for table in contracts.LANDING:
                files = self._footers.get((table, day), [])
                for number, (place, one) in enumerate(files):
                    problem = damage(place, one)
                    if problem is None:
                        problem = self._refusal(engine, scratch, table, day, (place, one))
                        copied = (place, replace(one, rewrite=True))
                        if problem is not None and not one.rewrite:
                            problem = self._refusal(engine, scratch, table, day, copied)
                            if problem is None:
                                files[number] = copied
                                are_copied = True
                    if problem is not None:
                        problems.append(problem)
        if problems:
            raise InputError(
                f"{self.root}: {len(problems)} landing file(s) are damaged; "
                f"{days[-1]} was not handled",
                [*problems, "deliver these files once more, then give the same command again"],
            )
        return are_copied

    def _refusal(
        self,
        engine: Engine,
        scratch: Location,
        table: str,
        day: date,
        file: tuple[Location, Footer],
    ) -> str | None:
        try:
            frame = self._frame(engine, scratch, table, day, [file])
            texts = (F.col(name).cast("string") for name in frame.columns)
            frame.agg(*map(F.max, texts)).collect()
        except Exception as error:
            if failed := failed_by_a_store(error):
                raise failed from None
            return unreadable(file[0], error) if engine.answers() else None
        return None

    def read(self, engine: Engine, scratch: Location, table: str, day: date) -> DataFrame:
        """The rows of an arrival date, as `frames` has them.

        Raises InputError with every damaged file of the date, where the engine would not see all
        that a checksum tells.
        """
        files = self._footers[table, day]
        if not engine.checks_pages and any(damage(place, one) for place, one in files):
            self.verify(engine, scratch, [day])
        return self._frame(engine, scratch, table, day, files)

    def _frame(
        self,
        engine: Engine,
        scratch: Location,
        table: str,
        day: date,
        files: list[tuple[Location, Footer]],
    ) -> DataFrame:
        contract, source = contracts.landing(table), self._source(table)
        are_small = len(files) > _MANY_FILES and sum(one.rows for _, one in files) < (
            _FEW_ROWS * len(files)
        )
        # files of a group can be read as one
        groups: dict[tuple[tuple[Reading, ...], bool, str], list[Location]] = defaultdict(list)
        copied: dict[tuple[tuple[Reading, ...], int], list[Location]] = defaultdict(list)
        for number, (place, one) in enumerate(files):
            form = one.form if engine.merges_types and not one.rewrite else ""
            if one.readings and (one.rewrite or are_small):
                copied[one.readings, 0 if are_small else number].append(place)
                continue
            if one.readings and _ODD_PATH.search(place.path_text):
                other = scratch / f"landing-{table}-{day}-{number}.parquet"
                other.remove_file()
                place.lend_to(other)
                place = other
            groups[one.readings, False, form].append(place)
        for number, ((readings, _), places) in enumerate(copied.items()):
            copy = scratch / f"copy-{table}-{day}-{number}.parquet"
            plain_copies.rewrite(places, copy, stored(readings), source.timezone)
            groups[readings, True, ""].append(copy)
        read = []
        for (readings, is_copy, _), places in groups.items():
            if readings:
                raw = contract_frames.of_files(engine, places, stored(readings), is_copy=is_copy)
                read.append(contract_frames.as_contract(raw, contract, source, readings))
        # engines cannot read a file without columns; it has rows of nothing but nulls and constants
        empty = sum(one.rows for _, one in files if not one.readings)
        if empty or not read:
            read.append(
                contract_frames.as_contract(engine.spark.range(empty), contract, source, ())
            )
        return reduce(DataFrame.unionByName, read)

    def _source(self, table: str) -> Source:
        return self._sources.get(table, Source())

    def _places(self, table: str, day: date) -> Iterator[Location]:
        for file in self.files[table].get(day, []):
            yield self.root / table / f"dt={day.isoformat()}" / file.path
