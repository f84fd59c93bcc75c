"""The landing zone: what is refused and how it is told, and what is read as if it were plain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Nights, Row, contents, table_rows, write_landing, write_rows
from landing_files import partition, put, table_of
from rows import (
    DAY,
    account,
    at,
    days,
    entrant,
    joined,
    landing,
    ordered,
    paid,
    refunded,
    window,
)

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import InputError
from solatium.landing import duplicates
from solatium.landing.zone import LandingZone
from solatium.storage.location import Location

READABLE = "expected a readable Parquet file, found"
ODD_NAMES = (
    "with space", "per%cent", "per%20cent", "a?c", "abc", "h#sh", "[ab]", "a", "b", "{a,b}", "st*r",
    "star", "ünï", "語", "🎉", "a:b", "semi;colon", "hour=01", "amount=5", "a+b", "quo'te",
    'quo"te', "back\\slash", "comma,", "dollar$", "new\nline", "tab\t", "x.csv",
)  # fmt: skip


# What a test says


def refused(nights: Nights) -> list[str]:
    """What a run is refused for, after which nothing stands in the warehouse."""
    with pytest.raises(InputError) as refusal:
        nights.run(DAY)
    assert refusal.value.exit_status == 3
    assert {path.name for path in nights.warehouse.glob("*")} <= {"_lock"}
    return list(refusal.value.problems)


def taken(running: Engine, zone: Path, table: str = "payment", day: date = DAY) -> list[Row]:
    """The well-formed rows of an arrival date, in order; no row may be malformed."""
    found = LandingZone(Location.parse(str(zone)))
    found.check([day])
    with TemporaryDirectory() as scratch:
        frame = found.read(running, Location.parse(scratch), table, day)
        good, bad = duplicates.arrivals(frame, table, day)
        assert [row.reasons for row in bad.collect()] == []
        return sorted((row.asDict() for row in good.collect()), key=lambda row: row["account_id"])


def payments(count: int) -> list[Row]:
    return [paid(f"u{number}") for number in range(count)]


def accounts_of(rows: list[Row]) -> list[str]:
    return sorted(row["account_id"] for row in rows)


# Files that cannot be read


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        pytest.param(lambda _: b"event_id,amount\n1,2\n", "20 bytes: ", id="not-parquet"),
        pytest.param(lambda good: good[: len(good) // 2], "bytes: ", id="truncated"),
        pytest.param(lambda good: good[:-1], "bytes: ", id="a-byte-short"),
        pytest.param(lambda _: b"", "0 bytes: ", id="zero-bytes"),
        pytest.param(lambda _: b"PAR1PAR1", "8 bytes: ", id="magic-only"),
        pytest.param(lambda good: b"PAR1" + b"\xff" * len(good) + b"PAR1", "bytes: ", id="noise"),
    ],
)
def test_a_file_that_is_not_parquet_is_named(
    nights: Nights, damage: Callable[[bytes], bytes], found: str
) -> None:
    nights.land(landing(window(), paid()))
    file = partition(nights.landing, "payment") / "part-0.parquet"
    file.write_bytes(damage(file.read_bytes()))
    (problem,) = refused(nights)
    assert problem.startswith(f"{file}: {READABLE} ")
    assert found in problem


def test_a_link_to_nowhere_is_named(nights: Nights) -> None:
    file = partition(nights.landing, "payment") / "gone.parquet"
    file.parent.mkdir(parents=True)
    file.symlink_to("/nowhere/at/all")
    (problem,) = refused(nights)
    assert problem.startswith(f"{file}: {READABLE} no file: ")


def test_damaged_pages_under_a_sound_footer_are_found_before_anything_changes(
    nights: Nights,
) -> None:
    tomorrow = days(1)
    nights.land(landing(window(), entrant(), window("sku2", day=tomorrow)))
    nights.run(DAY)
    before = contents(nights.warehouse)
    rows = [paid(f"u{number}", "sku2", day=tomorrow) for number in range(50)]
    nights.land(landing(rows))
    file = partition(nights.landing, "payment", tomorrow) / "part-0.parquet"
    sound = file.read_bytes()
    footer = len(sound) - 8 - int.from_bytes(sound[-8:-4], "little")
    file.write_bytes(sound[:4] + b"\xff" * (footer - 4) + sound[footer:])
    assert pq.read_metadata(file).num_rows == 50
    with pytest.raises(InputError) as refusal:
        nights.run(tomorrow)
    assert refusal.value.exit_status == 3
    assert refusal.value.problems[0].startswith(f"{file}: {READABLE} ")
    assert contents(nights.warehouse) == before

    file.write_bytes(sound)
    nights.run(tomorrow)
    assert len(nights.rows("payment")) == 51


# Columns that are not those of the contract


@pytest.mark.parametrize(
    ("rows", "changes", "problem"),
    [
        pytest.param(
            [paid()],
            {"amount": None},
            "column amount is missing; expected decimal(18,2), found only event_id, account_id, "
            "commodity_id, window_id, kind, currency, event_time, sequence",
            id="missing",
        ),
        pytest.param(
            [paid()],
            {"amount": None, "amuont": pa.array([Decimal("10.00")])},
            "column amount is missing; expected decimal(18,2), found only event_id, account_id, "
            "commodity_id, window_id, kind, currency, event_time, sequence, amuont "
            "(is amuont meant?)",
            id="renamed",
        ),
        pytest.param(
            [paid()],
            {"amount": None, "AMOUNT": pa.array([Decimal("10.00")])},
            "(is AMOUNT meant?)",
            id="in-capitals",
        ),
        pytest.param(
            [paid()],
            {"amount": pa.array([1000])},
            "column amount: expected a decimal of any precision, found int64",
            id="integer-money",
        ),
        pytest.param(
            [paid()],
            {"amount": pa.array([10.0])},
            "column amount: expected a decimal of any precision, found double",
            id="float-money",
        ),
        pytest.param(
            [paid()],
            {"amount": pa.array(["10.00"])},
            "column amount: expected a decimal of any precision, found string",
            id="text-money",
        ),
        pytest.param(
            [paid()],
            {"event_time": pa.array(["2026-03-10 01:30:00"])},
            "column event_time: expected a timestamp with a time zone, found string",
            id="text-time",
        ),
        pytest.param(
            [paid()],
            {"event_time": pa.timestamp("us")},
            "column event_time: expected a timestamp with a time zone, found timestamp[us]",
            id="time-without-zone",
        ),
        pytest.param(
            [paid()],
            {"event_time": pa.array([DAY])},
            "column event_time: expected a timestamp with a time zone, found date32[day]",
            id="date-for-time",
        ),
        pytest.param(
            [paid()],
            {"event_id": pa.array([7])},
            "column event_id: expected a string, found int64",
            id="integer-id",
        ),
        pytest.param(
            [paid()],
            {"currency": pa.array([b"CNY"])},
            "column currency: expected a string, found binary",
            id="bytes-for-text",
        ),
        pytest.param(
            [joined()],
            {"quantity": pa.array(["1"])},
            "column quantity: expected an integer of any width, found string",
            id="text-quantity",
        ),
        pytest.param(
            [joined()],
            {"quantity": pa.array([Decimal("1")])},
            "column quantity: expected an integer of any width, found decimal128(1, 0)",
            id="decimal-quantity",
        ),
        pytest.param(
            [account()],
            {"blacklisted": pa.array(["false"])},
            "column blacklisted: expected a boolean, found string",
            id="text-for-boolean",
        ),
        pytest.param(
            [account()],
            {"blacklisted": pa.array([0], pa.int8())},
            "column blacklisted: expected a boolean, found int8",
            id="integer-for-boolean",
        ),
    ],
)
def test_a_column_of_another_kind_is_named_with_what_was_expected_and_found(
    nights: Nights, rows: list[Row], changes: dict[str, Any], problem: str
) -> None:
    (table,) = (name for name, some in landing(rows).items() if some)
    file = partition(nights.landing, table) / "part-0.parquet"
    put(file, table_of(table, rows, **changes))
    (found,) = refused(nights)
    assert found.startswith(f"{file}: column ")
    assert found.endswith(problem)


def test_int96_is_a_time_and_no_text(nights: Nights) -> None:
    file = partition(nights.landing, "payment") / "part-0.parquet"
    times = pa.array([datetime(2026, 3, 10)], pa.timestamp("ns"))
    put(
        file,
        table_of("payment", [paid()], currency=times),
        use_deprecated_int96_timestamps=True,
    )
    (problem,) = refused(nights)
    assert problem == f"{file}: column currency: expected a string, found timestamp (INT96)"


def test_a_column_that_is_there_twice_is_named(nights: Nights) -> None:
    file = partition(nights.landing, "payment") / "part-0.parquet"
    plain = table_of("payment", [paid()])
    put(file, plain.append_column("amount", plain["amount"]))
    assert refused(nights) == [f"{file}: column amount is there 2 times; expected once"]


def test_one_refusal_names_every_file_and_column(nights: Nights) -> None:
    yesterday = days(-1)
    nights.land(landing(window(), entrant()))
    plain = table_of("payment", payments(1))
    put(partition(nights.landing, "payment") / "a.parquet", b"")
    put(partition(nights.landing, "payment") / "hour=2" / "b.parquet", b"no")
    put(
        partition(nights.landing, "payment", yesterday) / "c.parquet",
        table_of("payment", payments(1), amount=pa.array([1.5]), event_time=pa.timestamp("ms")),
    )
    put(
        partition(nights.landing, "orders") / "d.parquet",
        table_of("orders", [ordered()], status=None, order_id=None, quantity=pa.array(["1.5"])),
    )
    put(partition(nights.landing, "accounts") / "e.parquet", plain)
    problems = refused(nights)
    told = [(p.split(": ")[0].rsplit("/", 1)[1], p.split(": ", 1)[1].split()[1]) for p in problems]
    assert told == [
        ("c.parquet", "amount:"),
        ("c.parquet", "event_time:"),
        ("a.parquet", "a"),  # expected a readable Parquet file
        ("b.parquet", "a"),
        ("d.parquet", "order_id"),
        ("d.parquet", "status"),
        ("d.parquet", "quantity:"),
        ("e.parquet", "registered_at"),
        ("e.parquet", "status"),
        ("e.parquet", "updated_at"),
    ]


# Names


def test_what_is_no_arrival_date_is_named_all_at_once(nights: Nights) -> None:
    nights.land(landing(window(), entrant()))
    payment = nights.landing / "payment"
    for name in (
        "dt=garbage", "dt=2026-1-5", "dt=2026-02-30", "dt=2026-W11-2", "dt=20260310", "2026-03-10",
        "DT=2026-03-10", "dt=2026-03-10 ", "dt=",
    ):  # fmt: skip
        put(payment / name / "part-0.parquet", table_of("payment", payments(1)))
    put(payment / "stray.parquet", table_of("payment", payments(1)))
    put(payment / "dt=2026-03-11", b"a file that is named as a folder")
    put(nights.landing / "orders", b"a file where a table should be")
    problems = refused(nights)
    folders = "expected folders dt=YYYY-MM-DD here, found the"
    assert problems[0].startswith(f"{payment / '2026-03-10'}: {folders} folder 2026-03-10; rename")
    named = {problem.split(": ")[0].rsplit("/", 1)[1] for problem in problems}
    assert named == {
        "dt=garbage", "dt=2026-1-5", "dt=2026-02-30", "dt=2026-W11-2", "dt=20260310", "2026-03-10",
        "DT=2026-03-10", "dt=2026-03-10 ", "dt=", "stray.parquet", "dt=2026-03-11", "orders",
    }  # fmt: skip
    assert f"{payment / 'stray.parquet'}: {folders} file stray.parquet; rename" in str(problems)
    assert "begins with _ to have it passed over" in problems[0]


def test_a_name_that_is_not_utf8_is_named(nights: Nights) -> None:
    name = b"\xff.parquet".decode("utf-8", "surrogateescape")
    put(partition(nights.landing, "payment") / name, b"")
    (problem,) = refused(nights)
    assert "\\udcff.parquet" in problem
    assert "not UTF-8; rename it" in problem


def test_names_with_a_leading_underscore_or_dot_are_passed_over(
    running: Engine, tmp_path: Path
) -> None:
    zone = tmp_path / "landing"
    write_landing(zone, {"payment": payments(1)})
    folder = partition(zone, "payment")
    for place in (
        folder / "_SUCCESS",
        folder / ".part-0.parquet.crc",
        folder / "_temporary" / "0" / "part-1.parquet",
        folder / ".spark" / "part-1.parquet",
        folder / "hour=1" / "_part-1.parquet",
        folder.parent / "_dt=2026-03-09" / "part-0.parquet",
        folder.parent / ".DS_Store",
        zone / "_logs" / "x",
    ):
        put(place, b"not data")
    assert accounts_of(taken(running, zone)) == ["u0"]
    assert LandingZone(Location.parse(str(zone))).dates() == [DAY]


def test_folders_below_an_arrival_date_are_read_and_give_no_columns(
    running: Engine, tmp_path: Path
) -> None:
    zone = tmp_path / "landing"
    folder = partition(zone, "payment")
    elsewhere = tmp_path / "elsewhere"
    for number, below in enumerate(
        ("", "hour=01", "hour=02/part", "currency=USD", "dt=1999-01-01")
    ):
        put(folder / below / "p.parquet", table_of("payment", [paid(f"u{number}")]))
    put(elsewhere / "p.parquet", table_of("payment", [paid("linked")]))
    (folder / "link").symlink_to(elsewhere, target_is_directory=True)
    rows = taken(running, zone)
    assert accounts_of(rows) == ["linked", "u0", "u1", "u2", "u3", "u4"]
    assert {(row["currency"], row["dt"]) for row in rows} == {("CNY", DAY)}


def test_files_and_folders_may_have_any_name(running: Engine, tmp_path: Path) -> None:
    zone = tmp_path / "landing"
    folder = partition(zone, "payment")
    for number, name in enumerate(ODD_NAMES):
        put(folder / name, table_of("payment", [paid(f"file-{number:02}")]))
        put(folder / "in" / name / "p", table_of("payment", [paid(f"folder-{number:02}")]))
    every = range(len(ODD_NAMES))
    assert accounts_of(taken(running, zone)) == [
        *(f"file-{number:02}" for number in every),
        *(f"folder-{number:02}" for number in every),
    ]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_landing_zone_may_have_any_name(running: Engine, tmp_path: Path, name: str) -> None:
    zone = tmp_path / name / "landing"
    write_landing(zone, {"payment": payments(2)})
    assert accounts_of(taken(running, zone)) == ["u0", "u1"]


def test_landing_zone_and_warehouse_may_lie_in_an_oddly_named_folder(
    running: Engine, tmp_path: Path
) -> None:
    nights = Nights(tmp_path / "it's 100% #1 [a]*? ü語", running)
    nights.land(landing(window(), entrant(), ordered()))
    nights.run(DAY)
    nights.run(DAY)
    with Location.parse(str(nights.warehouse)).plainly_named() as plain:
        assert accounts_of(table_rows(plain.path, "payment")) == ["a"]
        assert [row["outcome"] for row in table_rows(plain.path, "allocations")] == ["won"]


# Little or nothing


def test_tables_without_a_folder_are_empty(nights: Nights) -> None:
    (nights.landing / "orders").mkdir()
    report = nights.run(DAY)
    assert report.handled == [DAY]
    assert {name: nights.rows(name) for name in contracts.LANDING} == {
        name: [] for name in contracts.LANDING
    }


def test_empty_partitions_and_files_missing_tables_and_columns_are_empty(nights: Nights) -> None:
    folder = partition(nights.landing, "payment")
    (folder / "hour=1").mkdir(parents=True)
    put(folder / "_SUCCESS", b"")
    put(partition(nights.landing, "orders") / "p.parquet", table_of("orders", []))
    put(
        partition(nights.landing, "windows") / "p.parquet",
        table_of(
            "windows",
            [window(advance_amount=Decimal(0))],
            **dict.fromkeys(
                ("campaign_id", "category", "team_min", "team_max", "limit_per_account"), None
            ),
            min_qualified=None,
            seed_commitment=None,
        ),
    )
    put(
        partition(nights.landing, "participation") / "p.parquet",
        table_of("participation", [joined()], team_id=None, quantity=None, device_id=None),
    )
    nights.run(DAY)
    (row,) = nights.rows("participation")
    assert (row["account_id"], row["team_id"], row["quantity"]) == ("a", None, None)
    (version,) = nights.rows("windows")
    assert (version["category"], version["limit_per_account"]) == (None, None)
    assert [nights.rows(name) for name in ("payment", "orders", "accounts", "quarantine")] == [
        []
    ] * 4
    assert [row["reasons"] for row in nights.rows("screened_participants")] == [["account_unknown"]]


def test_an_empty_text_in_a_nullable_column_is_null(running: Engine, tmp_path: Path) -> None:
    zone = tmp_path / "landing"
    write_landing(zone, {"participation": [joined(team="", device="")]})
    (row,) = taken(running, zone, "participation")
    assert (row["team_id"], row["device_id"]) == (None, None)


def test_columns_outside_the_contract_are_reported_and_ignored(
    running: Engine, tmp_path: Path
) -> None:
    zone = tmp_path / "landing"
    folder = partition(zone, "payment")
    odd = {
        "AMOUNT": pa.array(["x"]),
        "nested": pa.array([{"amount": [1]}]),
        "half": pa.array([1.0], pa.float16()),
        "weird `name. ": pa.array([1]),
        "dt": pa.array(["1999-01-01"]),
    }
    put(folder / "a.parquet", table_of("payment", [paid("u0")], **odd))
    put(folder / "b.parquet", table_of("payment", [paid("u1")], half=pa.array(["text"])))
    put(folder / "c.parquet", table_of("payment", [paid("u2")]).select(range(7, -1, -1)))
    twice = table_of("payment", [paid("u3")], half=pa.nulls(1))
    put(folder / "d.parquet", twice.append_column("half", pa.array([1])))
    rows = taken(running, zone)
    assert accounts_of(rows) == ["u0", "u1", "u2", "u3"]
    assert {(row["amount"], row["dt"]) for row in rows} == {(Decimal("10.00"), DAY)}
    assert LandingZone(Location.parse(str(zone))).check([DAY]) == [
        "payment: column AMOUNT of 1 file(s) is not in the contract; ignored",
        "payment: column dt of 1 file(s) is not in the contract; ignored",
        "payment: column half of 3 file(s) is not in the contract; ignored",
        "payment: column nested of 1 file(s) is not in the contract; ignored",
        "payment: column weird `name.  of 1 file(s) is not in the contract; ignored",
    ]


# Types


ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "+08:00")
TEXTS = {
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int8(), pa.string()),
    "dictionary_of_large": pa.dictionary(pa.uint32(), pa.large_string()),
}
INTEGERS = (
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()
)  # fmt: skip
DECIMALS = (
    pa.decimal32(9, 2), pa.decimal64(18, 4), pa.decimal128(4, 2), pa.decimal128(9, 3),
    pa.decimal128(38, 2), pa.decimal128(38, 18), pa.decimal128(38, 20), pa.decimal128(38, 36),
    pa.decimal256(76, 2), pa.decimal256(50, 20), pa.decimal256(76, 70),
)  # fmt: skip
TIMES = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in ZONES]
STORED = {
    "int96": {"use_deprecated_int96_timestamps": True},
    "without_statistics": {"write_statistics": False},
    "without_arrow_schema": {"store_schema": False},
    "pages_v2": {"data_page_version": "2.0", "version": "2.6"},
    "decimal_as_integer": {"store_decimal_as_integer": True},
    "brotli": {"compression": "brotli"},
    "zstd": {"compression": "zstd"},
    "byte_stream_split": {
        "use_dictionary": False,
        "column_encoding": {"amount": "BYTE_STREAM_SPLIT"},
    },
    "delta": {"use_dictionary": False, "column_encoding": {"event_id": "DELTA_BYTE_ARRAY"}},
}

odd_types = [
    *(
        pytest.param("payment", {"event_id": kind, "kind": kind, "currency": kind}, {}, id=name)
        for name, kind in TEXTS.items()
    ),
    *(pytest.param("participation", {"quantity": k}, {}, id=str(k)) for k in INTEGERS),
    *(pytest.param("payment", {"amount": k}, {}, id=str(k)) for k in DECIMALS),
    *(pytest.param("payment", {"event_time": k}, {}, id=str(k)) for k in TIMES),
    *(pytest.param("payment", {}, options, id=name) for name, options in STORED.items()),
    pytest.param(
        "participation",
        {"team_id": pa.nulls(2), "device_id": pa.nulls(2)},
        {},
        id="null-typed",
    ),
]


@pytest.mark.parametrize(("table", "types", "options"), odd_types)
def test_an_odd_type_gives_the_rows_of_the_plain_one(
    running: Engine, tmp_path: Path, table: str, types: dict[str, Any], options: dict[str, Any]
) -> None:
    rows = {
        "payment": [paid("a", amount="9.95"), refunded("b", amount="0.10")],
        "participation": [joined("a", quantity=127), joined("b", quantity=None)],
    }[table]
    plain, odd = tmp_path / "plain" / "landing", tmp_path / "odd" / "landing"
    put(partition(plain, table) / "p.parquet", table_of(table, rows))
    put(partition(odd, table) / "p.parquet", table_of(table, rows, **types), **options)
    assert taken(running, odd, table) == taken(running, plain, table)


@pytest.mark.parametrize("stored", ["ns", "int96"])
def test_what_is_finer_than_a_microsecond_is_cut_off(
    running: Engine, tmp_path: Path, stored: str
) -> None:
    zone = tmp_path / "landing"
    zone_of_time = None if stored == "int96" else "+08:00"
    counts = pa.array([1_773_108_000_000_001_999, -1], pa.int64())
    times = counts.cast(pa.timestamp("ns", zone_of_time))
    put(
        partition(zone, "payment") / "p.parquet",
        table_of("payment", payments(2), event_time=times),
        use_deprecated_int96_timestamps=stored == "int96",
    )
    assert [row["event_time"].replace(tzinfo=UTC) for row in taken(running, zone)] == [
        at("02:00:00.000001"),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    ]


@pytest.mark.parametrize("beside", [pa.string(), pa.large_string(), TEXTS["dictionary"]])
def test_int96_has_all_years_of_the_calendar(
    running: Engine, tmp_path: Path, beside: pa.DataType
) -> None:
    zone = tmp_path / "landing"
    times = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)]
    rows = [paid("a", event_time=times[0]), paid("b", event_time=times[1])]
    put(
        partition(zone, "payment") / "p.parquet",
        table_of("payment", rows, event_time=pa.timestamp("us"), currency=beside),
        use_deprecated_int96_timestamps=True,
    )
    assert [row["event_time"].replace(tzinfo=UTC) for row in taken(running, zone)] == times


@pytest.mark.spark_at_length
def test_a_night_of_files_of_every_type_under_every_name(nights: Nights) -> None:
    """Files of all types in one partition: accepted is what plain files would have given."""
    rows: dict[str, list[Row]] = {"payment": [], "participation": []}
    texts, times, stored = cycle(TEXTS.values()), cycle(TIMES), list(STORED.values())
    money = cycle(DECIMALS[1::4])
    for number, name in enumerate(ODD_NAMES):
        rows["payment"].append(paid(f"u{number:02}"))
        file = partition(nights.landing, "payment") / name / f"{name}.parquet"
        types = {"currency": next(texts), "amount": next(money), "event_time": next(times)}
        options = stored.pop() if stored else {}
        put(file, table_of("payment", rows["payment"][-1:], **types), **options)
    for number, kind in enumerate((pa.int8(), pa.uint64(), pa.int64())):
        rows["participation"].append(joined(f"u{number:02}", sequence=number))
        file = partition(nights.landing, "participation") / f"{kind}.parquet"
        types = {"quantity": kind, "sequence": kind}
        put(file, table_of("participation", rows["participation"][-1:], **types))
    int96 = {
        name: pa.timestamp("us")
        for name in ("application_open", "application_close", "rush_open", "rush_close")
    }
    put(
        partition(nights.landing, "windows") / "p.parquet",
        table_of(
            "windows",
            [window()],
            **int96,
            updated_at=pa.timestamp("us"),
            stock=pa.uint64(),
            advance_amount=pa.decimal256(60, 30),
            campaign_id=pa.nulls(1),
        ),
        use_deprecated_int96_timestamps=True,
    )
    versions = [account(row["account_id"]) for row in rows["participation"]]
    put(
        partition(nights.landing, "accounts") / "p.parquet",
        table_of(
            "accounts",
            versions,
            registered_at=pa.timestamp("ns", "Asia/Shanghai"),
            credit_score=pa.int16(),
            person_id=pa.nulls(len(versions)),
        ),
    )
    put(
        partition(nights.landing, "orders") / "p.parquet",
        table_of("orders", [ordered("u00")], status=TEXTS["dictionary"], quantity=pa.uint8()),
    )
    put(
        partition(nights.landing, "orders") / "all_null",
        table_of("orders", [ordered()], **dict.fromkeys(orders_columns(), pa.nulls(1))),
    )
    nights.run(DAY, {"gates": {"max_quarantine_share": 1}})
    for table in ("payment", "participation"):
        found = sorted(nights.rows(table), key=lambda row: row["account_id"])
        assert found == [row | {"business_date": DAY} for row in rows[table]]
    assert nights.rows("windows") == [window()]
    assert sorted(nights.rows("accounts"), key=lambda r: r["account_id"]) == versions
    assert nights.rows("orders") == [ordered("u00") | {"business_date": DAY}]
    (bad,) = nights.rows("quarantine")
    required = [name for name in orders_columns() if name not in ("quantity", "sequence")]
    assert bad["reasons"] == [f"null_{name}" for name in required]
    ready = [r["account_id"] for r in nights.rows("screened_participants") if r["qualified"]]
    assert sorted(ready) == [row["account_id"] for row in rows["participation"]]


def orders_columns() -> tuple[str, ...]:
    return contracts.landing("orders").names


def test_write_rows_is_plain(running: Engine, tmp_path: Path) -> None:
    """The harness's own files, which are wide and nullable, read as the contract's types."""
    write_rows(partition(tmp_path / "landing", "payment") / "p.parquet", "payment", payments(2))
    rows = taken(running, tmp_path / "landing")
    assert [row["amount"] for row in rows] == [Decimal("10.00")] * 2
