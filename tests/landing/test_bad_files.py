"""Damaged landing files: each is named, and the run ends with nothing changed (rules, section 2).

No damage of one, however odd, ends the process or another way than with exit status 3.
"""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import bad_parquet
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_parquet import OF_FOOTERS, OF_PAGES, ROWS, flipped_value, index_out_of_range, plain
from harness import Nights, contents, write_rows
from rows import DAY, days, landing, paid, window

from solatium.engine import Engine
from solatium.errors import InputError
from solatium.landing import duplicates
from solatium.landing.zone import LandingZone
from solatium.storage.local import LocalLocation

TOMORROW = days(1)


def payments(folder: Path) -> pa.Table:
    """The payments of TOMORROW, as many as the damages are made for."""
    file = folder / "sound.parquet"
    rows = [paid(f"u{number:03}", day=TOMORROW) for number in range(ROWS)]
    write_rows(file, "payment", rows)
    return pq.read_table(file)


def damaged(table: pa.Table) -> dict[str, bytes]:
    """Files that nobody can read to their end, by the damage."""
    sound = plain(table, use_dictionary=False)
    files = {damage.__name__: damage(sound) for damage in OF_PAGES}
    files["text_that_is_no_utf8"] = sound.replace(b"u050", b"u\xff50")
    files["index_out_of_range"] = index_out_of_range(plain(table))
    files["flipped_value"] = flipped_value(
        plain(table, use_dictionary=False, write_page_checksum=True)
    )
    return files


def put(nights: Nights, name: str, content: bytes) -> Path:
    file = nights.landing / "payment" / f"dt={TOMORROW}" / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_footers_that_tell_of_damage_are_named_before_anything_is_written(
    nights: Nights, tmp_path: Path
) -> None:
    nights.land(landing(window(day=TOMORROW)))
    sound = plain(payments(tmp_path), use_dictionary=False)
    files = [put(nights, f"{n:02}", damage(sound)) for n, damage in enumerate(OF_FOOTERS)]
    with pytest.raises(InputError) as refusal:
        nights.run(TOMORROW)
    named = [path_of(problem) for problem in refusal.value.problems]
    assert named == [str(file) for file in files]
    assert "its footer says 150 rows, and there are 100" in refusal.value.problems[-2]
    assert {path.name for path in nights.warehouse.iterdir()} == {"_lock"}


def test_pages_that_cannot_be_read_are_named_with_nothing_changed(
    nights: Nights, tmp_path: Path
) -> None:
    nights.land(landing(window(), paid(), window("sku2", day=TOMORROW)))
    nights.run(DAY)
    before = contents(nights.warehouse)
    bad = damaged(payments(tmp_path))
    files = {str(put(nights, name, content)) for name, content in bad.items()}
    refused: set[str] = set()
    for _ in ("for their first rows", "for all that is in them"):
        with pytest.raises(InputError) as refusal:
            nights.run(TOMORROW)
        named = {told for told in map(path_of, refusal.value.problems) if told in files}
        assert named
        for file in named:
            Path(file).unlink()
        refused |= named
        assert contents(nights.warehouse) == before
    assert refused == files
    assert refusal.value.problems[-1].startswith("deliver these files once more")


def path_of(problem: str) -> str:
    return problem.split(": ")[0]


def test_an_engine_that_has_ended_says_nothing_of_the_files(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails on every file, and they are sound."""
    nights.land(landing(window(day=TOMORROW), paid(day=TOMORROW)))

    def ended(*_: object, **__: object) -> None:
        raise EndedError

    monkeypatch.setattr(LandingZone, "_frame", ended)
    monkeypatch.setattr(Engine, "answers", lambda _: False)
    with pytest.raises(EndedError):
        nights.run(TOMORROW)


class EndedError(Exception):
    """What is raised through a connection that is gone: it cannot even say so."""

    def __str__(self) -> str:
        raise ConnectionRefusedError


@pytest.mark.torture
def test_every_damage_is_noticed_by_itself(nights: Nights, tmp_path: Path) -> None:
    nights.land(landing(window(), paid(), window("sku2", day=TOMORROW)))
    nights.run(DAY)
    before = contents(nights.warehouse)
    for name, content in damaged(payments(tmp_path)).items():
        file = put(nights, name, content)
        with pytest.raises(InputError, match=f"{name}.parquet"):
            nights.run(TOMORROW)
        assert contents(nights.warehouse) == before, name
        file.unlink()


FORMS = {
    "plain": {"use_dictionary": False},
    "dictionary": {},
    "compressed": {"compression": "ZSTD"},
    "coarse": {"coerce_timestamps": "ms"},
    "checked": {"use_dictionary": False, "write_page_checksum": True},
}


@pytest.mark.torture
@pytest.mark.parametrize("form", FORMS)
def test_flipped_bits_are_refused_or_do_no_harm(running: Engine, tmp_path: Path, form: str) -> None:
    """Pages without a checksum may tell other values; with one, none may be taken for others."""
    table = payments(tmp_path)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **FORMS[form])
    sound = buffer.getvalue().to_pybytes()
    footer = bad_parquet.footer_at(sound)
    file = tmp_path / "zone" / "payment" / f"dt={TOMORROW}" / "part-0.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(sound)
    usual = taken(running, tmp_path / "zone")
    chance = random.Random(form)
    outcomes = []
    for number in range(150 if running.name == "embedded" else 20):
        bad = bytearray(sound)
        first, last = (4, footer) if number % 2 else (footer, len(sound) - 8)
        for _ in range(chance.choice([1, 1, 4])):
            bad[chance.randrange(first, last)] ^= 1 << chance.randrange(8)
        file.write_bytes(bytes(bad))
        try:
            rows = taken(running, tmp_path / "zone")
            assert form != "checked" or number % 2 == 0 or rows == usual, number
            outcomes.append("same" if rows == usual else "other")
        except InputError as refusal:
            outcomes.append(refusal.problems[0])
    refusals = [told for told in outcomes if told not in ("same", "other")]
    assert len(refusals) > len(outcomes) // 4
    assert all(str(file) in told for told in refusals)


def taken(running: Engine, zone: Path) -> list[str]:
    """The rows of the payments, as a night reads them."""
    found = LandingZone(LocalLocation(zone))
    found.check([TOMORROW])
    with TemporaryDirectory() as folder:
        scratch = LocalLocation(Path(folder))
        try:
            frame = found.read(running, scratch, "payment", TOMORROW)
            good, bad = duplicates.arrivals(frame, "payment", TOMORROW)
            return sorted(map(repr, [*good.collect(), *bad.collect()]))
        except InputError:
            raise
        except Exception:
            found.verify(running, scratch, TOMORROW)
            raise
