"""Writes a pack: what was sold and how, who competed, and a program that checks both.

docs/rules.md section 5.7. A pack is a folder of five files. It appears whole or not at all. The
same tables give the same files.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from solatium.contracts.keys import WINDOW
from solatium.errors import UsageError
from solatium.evidence import readme
from solatium.evidence.landing_files import LandingFiles
from solatium.version import VERSION
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_entries import competing, without_attempt
from solatium.warehouse.window_facts import WindowFacts, due_window, utc

VERIFIER = Path(__file__).with_name("verify.py")
MANIFEST = "MANIFEST.sha256"

_FORMAT = 1  # of window.json
_SEED_COLUMNS = ("draw_seed", "seed_commitment")
_ROWS_AT_ONCE = 50_000
_LONGEST_NAME = 200  # of a folder; file systems take 255 bytes


@dataclass(frozen=True)
class Pack:
    """A pack that was written; `manifest` is the SHA-256 of its MANIFEST.sha256.

    `unread` counts landing files without a SHA-256.
    """

    folder: Path
    status: str
    entries: int
    manifest: str
    unread: int


def pack_of(
    tables: Snapshot,
    commodity_id: str,
    window_id: str,
    out: Path,
    *,
    public: bool,
    landing: str | None,
) -> Pack:
    """Writes the pack of one window as the folder `out`, which must be new or empty.

    Raises a UsageError for a window that is unknown or not due yet.
    """
    window = due_window(tables, commodity_id, window_id)
    _refuse_used(out)
    return _written(tables, window, LandingFiles(tables, landing), out, public=public)


def packs_of(
    tables: Snapshot, day: date, out: Path, *, public: bool, landing: str | None
) -> Iterator[Pack]:
    """Writes the packs of all windows of a business date, each as a folder below `out`.

    Raises a UsageError where no window has this date.
    """
    keys = tables["window_results"].arrow(WINDOW, [("business_date", "=", day)]).to_pylist()
    if not keys:
        raise UsageError(
            f"{tables.root}: no window has the business date {day}",
            [f"the newest date that was handled is {tables.day}"],
        )
    _refuse_used(out)
    files = LandingFiles(tables, landing)
    for commodity_id, window_id in sorted(tuple(key.values()) for key in keys):
        window = due_window(tables, commodity_id, window_id)
        place = out / folder_name(commodity_id, window_id)
        yield _written(tables, window, files, place, public=public)


def folder_name(commodity_id: str, window_id: str) -> str:
    """A folder's name for a window; other windows have other names, on every file system."""
    name = "+".join(quote(text, safe="").replace(".", "%2E") for text in (commodity_id, window_id))
    if name == name.lower() and len(name) <= _LONGEST_NAME:
        return name
    # some file systems hold names apart by letters of one case alone
    return f"{name[:_LONGEST_NAME]}+{_digest(f'{commodity_id}|{window_id}')[:16]}"


def _refuse_used(out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise UsageError(f"--out {out}: it is there already; name a new folder")


def _written(
    tables: Snapshot, window: WindowFacts, files: LandingFiles, out: Path, *, public: bool
) -> Pack:
    """Writes into a folder beside `out` first."""
    entries = competing(tables, window)
    facts = _window_json(tables, window, entries, files, public=public)
    half = out.with_name(f".{out.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        _write(half / "window.json", json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
        _write_entries(half / "entries.csv", window, entries, public=public)
        shutil.copyfile(VERIFIER, half / "verify.py")
        _write(half / "README.md", readme.text(facts))
        manifest = "".join(
            f"{_digest((half / name).read_bytes())}  {name}\n"
            for name in sorted(path.name for path in half.iterdir())
        )
        _write(half / MANIFEST, manifest)
        if out.is_dir():
            out.rmdir()
        half.rename(out)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    unread = sum(file["sha256"] is None for file in facts["landing_files"])
    return Pack(out, facts["status"], len(entries), _digest(manifest), unread)


# window.json


def _window_json(
    tables: Snapshot, window: WindowFacts, entries: pa.Table, files: LandingFiles, *, public: bool
) -> dict[str, Any]:
    [result] = tables["window_results"].where(window.here).to_pylist()
    settings, commit = tables.settings, tables.commit
    facts = {
        "format": _FORMAT,
        "solatium": VERSION,
        "public": public,
        "status": result["status"],
        "missing": _missing(window, result),
        "terms": {k: v for k, v in window.row.items() if k not in _SEED_COLUMNS},
        "business_date": window.business_date,
        "draw": {"commitment": window.commitment, "seed": window.seed, "held": window.held},
        "versions": [{**version.row, "is_late": version.is_late} for version in window.versions],
        "settings": {
            "timezone": settings.timezone,
            "grace_days": settings.grace_days,
            "outcome_source": settings.outcome_source,
            **window.regime.model_dump(mode="json"),
        },
        "window_results": result,
        "numbers": {
            "ready": result["ready"],
            "entries": result["entries"],
            "without_attempt": without_attempt(tables, window),
            "competing": len(entries),
            **_sums(entries),
        },
        "commit": {
            "number": commit.number,
            "date": commit.day,
            "run_id": commit.run_id,
            "engine": commit.engine,
            "version": commit.version,
            "config_digest": commit.config_digest,
        },
        "table_versions": dict(sorted(commit.tables.items())),
        "landing_files": [asdict(file) for file in files.of(window)],
    }
    if public:
        prefixes = Counter(mark[:2] for mark in _marks(window, entries))
        facts["tickets_by_prefix"] = dict(sorted(prefixes.items()))
    return json.loads(json.dumps(facts, default=_plain, ensure_ascii=False))


def _sums(entries: pa.Table) -> dict[str, int]:
    """What entries.csv must come to."""
    won = entries.filter(entries["allocated"])
    weights = entries["weight"] if "weight" in entries.column_names else None
    return {
        "size": pc.sum(entries["size"]).as_py() or 0,
        "weight": 0 if weights is None else pc.sum(weights).as_py() or 0,
        "allocated": len(won),
        "allocated_units": pc.sum(won["size"]).as_py() or 0,
    }


def _missing(window: WindowFacts, result: dict[str, Any]) -> str | None:
    """What a window lacks in which nothing was drawn."""
    ready, least = result["ready"], window.row["min_qualified"]
    return {
        "seed_missing": "The seed is missing: no version of the window has one. "
        "Nothing is drawn until it is published.",
        "seed_mismatch": "The seed is missing: the commitment is "
        f"{window.commitment}, and no seed that was published matches it. "
        "Nothing is drawn until one does.",
        "not_formed": f"{least - ready} ready accounts are missing: "
        f"the window needs {least} and had {ready}. Nothing was drawn.",
    }.get(result["status"])


def _plain(value: Any) -> str:
    return utc(value) if isinstance(value, datetime) else str(value)


# entries.csv


def _write_entries(place: Path, window: WindowFacts, entries: pa.Table, *, public: bool) -> None:
    """UTF-8, lines end in a newline, texts are quoted only where they must be."""
    if window.is_first_come:
        names = ["entry_id", "size", "attempted_at", "sequence", "event_id", "account_id"]
        hidden = {"entry_id", "event_id", "account_id"}
    else:
        names = ["entry_id", "size", "weight", "ticket"]
        hidden = {"entry_id"}
    if public:
        names = [name for name in names if name not in hidden]
        if window.is_first_come:
            marks = pa.array(_marks(window, entries), pa.string())
            entries, names = entries.append_column("mark", marks), [*names, "mark"]
    names.append("allocated")
    with place.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["position", *names])
        for start in range(0, len(entries), _ROWS_AT_ONCE):
            some = entries.slice(start, _ROWS_AT_ONCE)
            columns = [_texts(some[name]) for name in names]
            lines.writerows(zip(range(start + 1, start + 1 + len(some)), *columns, strict=True))


def _texts(values: pa.ChunkedArray) -> Iterable[Any]:
    if pa.types.is_timestamp(values.type):
        return map(utc, values.to_pylist())
    if pa.types.is_boolean(values.type):
        return ("true" if value else "false" for value in values.to_pylist())
    return values.to_pylist()


def _marks(window: WindowFacts, entries: pa.Table) -> Iterator[str]:
    """What finds a row for those who know its id: the ticket, or without one a hash of the id."""
    if not window.is_first_come:
        return iter(entries["ticket"].to_pylist())
    start = "|".join(window.key)
    return (_digest(f"{start}|{name}")[:16] for name in entries["entry_id"].to_pylist())


def _digest(content: str | bytes) -> str:
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _write(place: Path, text: str) -> None:
    place.write_text(text, encoding="utf-8", newline="\n")
