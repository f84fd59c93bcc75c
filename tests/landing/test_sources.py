"""Source mapping: logs in a platform's own form give what the same logs in plain form give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from harness import Nights, Row
from landing_files import partition, put, table_of
from rows import DAY, account, at, entrant, joined, landing, ordered, paid, window
from sampled import sampled

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import InputError
from solatium.generate.make import generate
from solatium.generate.spec import Spec
from solatium.landing import duplicates
from solatium.landing.zone import LandingZone
from solatium.settings import exact_yaml
from solatium.settings.load import from_mapping
from solatium.storage.location import Location

OPEN_GATE = {"gates": {"max_quarantine_share": 1}}
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
UNUSED = "of 1 file(s) is not in use"
LOCAL = pa.timestamp("us")
MAPPED = "a string, an integer or a boolean, as its values are mapped"

# A platform that writes local times of New York, codes, and names that are hard on everyone.
SOURCES: dict[str, Any] = {
    "participation": {
        "columns": {
            "event_id": "id",
            "event_type": "action",
            "account_id": "user.id",
            "team_id": "team id",
            "event_time": "TIME",
            "device_id": "time",
        },
        "values": {
            "event_type": {1: "join", 2: "withdraw"},
            "quantity": {"one": 1, "none": None},
            "team_id": {"-": ""},
        },
        "timezone": NEW_YORK,
    },
    "payment": {
        "columns": {
            "kind": "typ`e",
            "amount": "金额",
            "event_id": "account_id",
            "account_id": "event_id",
        },
        "constants": {"currency": "CNY"},
        "values": {"kind": {True: "advance_paid", False: "advance_refunded"}},
        "timezone": NEW_YORK,
    },
    "orders": {
        "columns": {"order_id": "event_id"},
        "values": {"status": {"S": "submitted", "C": "cancelled"}},
        "timezone": NEW_YORK,
    },
    "windows": {
        "columns": {"rush_open": "opens", "application_open": "from", "updated_at": "from"},
        "constants": {
            "policy": "lottery",
            "unit": "individual",
            "stock": 1,
            "advance_amount": "10",
            "campaign_id": None,
            "application_close": "2026-03-09T22:00:00-04:00",
        },
        "timezone": NEW_YORK,
    },
    "accounts": {
        "columns": {"registered_at": "since"},
        "constants": {"updated_at": "2026-03-09T00:00:00Z", "credit_score": 700},
        "values": {
            "status": {1: "active", 0: "closed"},
            "blacklisted": {"Y": True, "N": False, "": None},
        },
        "timezone": "Asia/Shanghai",
    },
}


def local(time: datetime | None, zone: str = NEW_YORK) -> datetime | None:
    """What the clocks of a zone show."""
    return None if time is None else time.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def write(nights: Nights, table: str, columns: dict[str, Any]) -> None:
    """A file of these columns, each an array or a list of values."""
    put(partition(nights.landing, table) / "p.parquet", pa.table(columns))


def each(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def coded(values: list[Any], codes: dict[Any, Any]) -> list[Any]:
    return [codes.get(value, value) for value in values]


def land_oddly(nights: Nights, plain: dict[str, list[Row]]) -> None:
    """The rows as the platform of SOURCES writes them."""
    rows = plain["participation"]
    times = [local(time) for time in each(rows, "event_time")]
    write(
        nights,
        "participation",
        {
            "id": each(rows, "event_id"),
            "action": pa.array(
                coded(each(rows, "event_type"), {"join": 1, "withdraw": 2, "7": 7}), pa.uint8()
            ),
            "user.id": each(rows, "account_id"),
            "account_id": pa.array(range(len(rows))),
            "commodity_id": each(rows, "commodity_id"),
            "window_id": each(rows, "window_id"),
            "team id": coded(each(rows, "team_id"), {None: "-"}),
            "quantity": [{1: "one", None: "none"}.get(n, str(n)) for n in each(rows, "quantity")],
            "TIME": pa.array(times, pa.timestamp("ns")),
            "time": pa.array(each(rows, "device_id"), pa.large_string()),
        },
    )
    rows = plain["payment"]
    write(
        nights,
        "payment",
        {
            "event_id": each(rows, "account_id"),
            "account_id": each(rows, "event_id"),
            "commodity_id": each(rows, "commodity_id"),
            "window_id": each(rows, "window_id"),
            "typ`e": coded(each(rows, "kind"), {"advance_paid": True, "advance_refunded": False}),
            "金额": pa.array(each(rows, "amount"), pa.decimal128(9, 3)),
            "event_time": each(rows, "event_time"),  # with a zone: instants as ever
        },
    )
    rows = plain["orders"]
    write(
        nights,
        "orders",
        {name: each(rows, name) for name in ("event_id", "account_id", "commodity_id", "window_id")}
        | {
            "status": coded(each(rows, "status"), {"submitted": "S", "cancelled": "C"}),
            "quantity": pa.array(each(rows, "quantity"), pa.int64()),
            "event_time": [local(time) for time in each(rows, "event_time")],
        },
    )
    rows = plain["windows"]
    named = ("commodity_id", "window_id", "category", "currency", "draw_seed", "seed_commitment")
    write(
        nights,
        "windows",
        {name: pa.array(each(rows, name), pa.string()) for name in named}
        | {
            "from": [local(time) for time in each(rows, "application_open")],
            "opens": [local(time) for time in each(rows, "rush_open")],
            "rush_close": [local(time) for time in each(rows, "rush_close")],
            "limit_per_account": each(rows, "limit_per_account"),
            "stock": pa.array([999] * len(rows)),
        },
    )
    rows = plain["accounts"]
    write(
        nights,
        "accounts",
        {
            "account_id": each(rows, "account_id"),
            "since": pa.array(
                [local(time, "Asia/Shanghai") for time in each(rows, "registered_at")],
                pa.timestamp("ms"),
            ),
            "status": coded(each(rows, "status"), {"active": "1", "closed": "0"}),
            "blacklisted": coded(each(rows, "blacklisted"), {True: "Y", False: "N", None: ""}),
        },
    )


def in_order(nights: Nights, table: str) -> list[str]:
    return sorted(map(repr, nights.rows(table)))


def story() -> dict[str, list[Row]]:
    """What the platform of SOURCES can say, with good rows and bad ones."""
    return landing(
        window(updated_at=at("00:00")),
        entrant("a"),
        entrant("b", device="d1", quantity=2),
        account("c", blacklisted=True),
        account("d", blacklisted=None, status="closed"),
        account("e", status="paused"),
        joined("c", quantity=None),
        joined("a", event_type="7", clock="01:20"),
        joined("|", quantity=3),
        paid("c", amount="1.005"),
        ordered("a", event_id="order-a"),
        ordered("b", event_id="order-b", status="C?", quantity=2**31),
    )


def test_a_night_of_mapped_logs_is_a_night_of_plain_ones(running: Engine, tmp_path: Path) -> None:
    plain, odd = Nights(tmp_path / "plain", running), Nights(tmp_path / "odd", running)
    plain.land(story())
    land_oddly(odd, story())
    plain.run(DAY, OPEN_GATE)
    report = odd.run(DAY, OPEN_GATE | {"sources": SOURCES})
    for table in contracts.WAREHOUSE:
        if table not in ("run_log", "quarantine"):
            assert in_order(odd, table) == in_order(plain, table), table
    assert len(odd.rows("participation")) == 3
    assert quarantine(odd) == quarantine(plain)
    assert len(quarantine(odd)) == 5
    assert report.notes == [
        f"participation: column account_id {UNUSED}, as user.id stands for it; ignored",
        f"windows: column stock {UNUSED}, as there is a constant for it; ignored",
    ]


@pytest.mark.torture
def test_generated_logs_in_a_dialect_give_the_tables_of_plain_ones(
    running: Engine, tmp_path: Path
) -> None:
    dialects: dict[str, Row] = {
        "plain": {},
        "own": {"odd_names": True, "local_times": "Asia/Shanghai"},
    }
    nights: dict[str, Nights] = {}
    for name, dialect in dialects.items():
        spec = Spec(participations=200, nights=1, windows=6, bad=0.1, **dialect)
        made = generate(tmp_path / name, spec)
        nights[name] = Nights(tmp_path / name, running)
        nights[name].run(made.last_date, exact_yaml.read(made.config.read_bytes())[0])
    for table in contracts.WAREHOUSE:
        if table not in ("run_log", "quarantine"):
            assert in_order(nights["own"], table) == in_order(nights["plain"], table), table
    # payloads differ where a local time is out of range: it is shown as it was found
    bad = [
        sorted((r["source"], r["reasons"]) for r in n.rows("quarantine")) for n in nights.values()
    ]
    assert bad[0] == bad[1] != []


def quarantine(nights: Nights) -> list[tuple[str, list[str], str]]:
    """Table, reasons, and payload, with money in one form."""
    found = []
    for row in nights.rows("quarantine"):
        payload = json.loads(row["payload"])
        for name in {"amount", "advance_amount"} & payload.keys():
            payload[name] = str(Decimal(payload[name]).normalize())
        found.append((row["source"], row["reasons"], json.dumps(payload, sort_keys=True)))
    return sorted(found)


def test_another_mapping_reads_the_logs_anew(nights: Nights) -> None:
    nights.land(landing(window(), account()))
    put(
        partition(nights.landing, "payment") / "p.parquet",
        table_of("payment", [paid(event_time=datetime(2026, 3, 10, 1))], event_time=LOCAL),
    )
    with pytest.raises(InputError):
        nights.run(DAY)
    for zone, hour in (("UTC", 1), ("Europe/Berlin", 0)):
        report = nights.run(DAY, {"sources": {"payment": {"timezone": zone}}})
        assert each(nights.rows("payment"), "event_time") == [at(f"{hour:02}:00")]
    assert report.notes == ["judging again from 2026-03-10 on: other settings: sources"]


# Reading one table


def read(
    nights: Nights, table: str, **source: Any
) -> tuple[list[Row], list[tuple[list[str], Row]]]:
    """The accepted rows of a landing table, and the bad ones."""
    sources = from_mapping({"sources": {table: source}}).sources
    found = LandingZone(Location.parse(str(nights.landing)), sources)
    found.check([DAY])
    frame = found.read(nights.running, Location.parse(str(nights.warehouse)), table, DAY)
    good, bad = duplicates.arrivals(frame, table, DAY)
    accepted = [row.asDict() for row in good.collect()]
    return accepted, [(row.reasons, json.loads(row.payload)) for row in bad.collect()]


def put_payments(nights: Nights, times: pa.Array, **options: Any) -> None:
    rows = [paid(f"u{number:02}") for number in range(len(times))]
    file = partition(nights.landing, "payment") / "p.parquet"
    put(file, table_of("payment", rows, event_time=times), **options)


def times_of(nights: Nights, times: pa.Array, zone: str, **options: Any) -> list[Any]:
    """What is read of times: UTC without its zone, or the reason and what the payload shows."""
    put_payments(nights, times, **options)
    good, bad = read(nights, "payment", timezone=zone)
    found: dict[str, Any] = {
        row["account_id"]: row["event_time"].replace(tzinfo=None) for row in good
    }
    for reasons, payload in bad:
        found[payload["account_id"]] = (*reasons, payload.get("event_time"))
    return [found[name] for name in sorted(found)]


TICK = timedelta(microseconds=1)


@pytest.mark.spark_at_length
def test_local_times_are_instants_of_their_zone_or_are_told(nights: Nights) -> None:
    gap, overlap = datetime(2026, 10, 4, 2), datetime(2026, 4, 5, 1, 30)
    half_hour = timedelta(minutes=30)
    times = [
        gap - TICK, gap, gap + half_hour - TICK, gap + half_hour,
        overlap, overlap + half_hour - TICK, overlap + half_hour,
        datetime(1890, 1, 1), datetime(2090, 1, 1), None,
    ]  # fmt: skip
    assert times_of(nights, pa.array(times, LOCAL), LORD_HOWE) == [
        datetime(2026, 10, 3, 15, 29, 59, 999999),
        ("nonexistent_event_time", "2026-10-04 02:00:00.000000"),
        ("nonexistent_event_time", "2026-10-04 02:29:59.999999"),
        datetime(2026, 10, 3, 15, 30),
        datetime(2026, 4, 4, 14, 30),
        datetime(2026, 4, 4, 14, 59, 59, 999999),
        datetime(2026, 4, 4, 15, 30),
        datetime(1889, 12, 31, 13, 23, 40),
        datetime(2089, 12, 31, 13),
        ("null_event_time", None),
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_local_times_may_have_any_unit(nights: Nights, unit: str) -> None:
    times = pa.array([datetime(2026, 3, 8, 2, 30), datetime(2026, 3, 8, 3)], pa.timestamp(unit))
    assert times_of(nights, times, NEW_YORK) == [
        ("nonexistent_event_time", "2026-03-08 02:30:00.000000"),
        datetime(2026, 3, 8, 7),
    ]


def test_what_is_finer_than_a_microsecond_is_cut_off_before_it_is_judged(nights: Nights) -> None:
    gap = datetime(2026, 3, 8, 2, tzinfo=UTC)
    nanoseconds = int(gap.timestamp()) * 10**9
    times = pa.array([nanoseconds - 1, nanoseconds + 1], pa.int64()).cast(pa.timestamp("ns"))
    assert times_of(nights, times, NEW_YORK) == [
        datetime(2026, 3, 8, 6, 59, 59, 999999),
        ("nonexistent_event_time", "2026-03-08 02:00:00.000000"),
    ]


def test_local_times_outside_of_the_calendar_are_out_of_range(nights: Nights) -> None:
    first, last = -62_135_596_800_000_000, 253_402_300_799_999_999
    hour = 3_600_000_000
    counts = [first - 1, first, first + 8 * hour, last, last + 1, 2**62, -(2**62)]
    times = pa.array(counts, pa.int64()).cast(LOCAL)
    out = "out_of_range_event_time"

    def told(count: int) -> tuple[str, str]:
        return out, f"{count} microseconds since 1970"

    assert times_of(nights, times, "Etc/GMT-8") == [
        told(first - 1),
        told(first - 8 * hour),
        datetime(1, 1, 1),
        datetime(9999, 12, 31, 15, 59, 59, 999999),
        told(last + 1),
        told(2**62),
        told(-(2**62)),
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (pa.timestamp("us", "UTC"), {}),
        (pa.timestamp("ns", "Asia/Shanghai"), {}),
        (pa.timestamp("ns"), {"use_deprecated_int96_timestamps": True}),
    ],
)
def test_instants_stay_instants_beside_a_zone(
    nights: Nights, kind: pa.DataType, options: dict[str, Any]
) -> None:
    time = datetime(2026, 3, 8, 2, 30)
    times = pa.array([time], pa.timestamp("us")).cast(pa.timestamp("us", "UTC")).cast(kind)
    assert times_of(nights, times, NEW_YORK, **options) == [time]


def test_a_row_has_every_reason_in_order_and_a_window_without_a_time_is_not_judged(
    nights: Nights,
) -> None:
    (row,) = [window(stock=-1, policy="auction", limit_per_account=2**31)]
    gap, early = datetime(2026, 3, 8, 2, 30), datetime(2026, 3, 1)
    for name in ("application_open", "application_close", "rush_open", "rush_close", "updated_at"):
        row[name] = early
    row |= {"rush_open": gap, "updated_at": gap}
    zoneless = {name: LOCAL for name, value in row.items() if isinstance(value, datetime)}
    put(
        partition(nights.landing, "windows") / "p.parquet",
        table_of("windows", [row], limit_per_account=pa.int64(), **zoneless),
    )
    good, ((reasons, payload),) = read(nights, "windows", timezone=NEW_YORK)
    assert good == []
    assert reasons == [
        "unknown_policy",
        "out_of_range_limit_per_account",
        "nonexistent_rush_open",
        "nonexistent_updated_at",
        "negative_stock",
    ]
    assert payload["rush_open"] == "2026-03-08 02:30:00.000000"
    assert payload["rush_close"] == "2026-03-01 05:00:00.000000"


@pytest.mark.parametrize("table", contracts.LANDING)
def test_every_time_of_every_table_may_not_exist(nights: Nights, table: str) -> None:
    contract = contracts.landing(table)
    names = [c.name for c in contract.columns if c.type == "timestamp"]
    (row,) = landing(
        {"windows": window, "accounts": account, "orders": ordered, "payment": paid}.get(
            table, joined
        )()
    )[table]
    row |= dict.fromkeys(names, datetime(2026, 3, 8, 2, 30))
    put(
        partition(nights.landing, table) / "p.parquet",
        table_of(table, [row], **dict.fromkeys(names, LOCAL)),
    )
    _, ((reasons, _),) = read(nights, table, timezone=NEW_YORK)
    assert reasons == [f"nonexistent_{name}" for name in names]


# Values


def test_values_are_text_that_is_mapped_and_then_of_the_contract(nights: Nights) -> None:
    texts = ["one", "2", "-7", "007", "none", "2147483648", "two", "", " 3", "1.0", "9" * 30, "5\n"]
    rows = [joined(f"u{number:02}") for number in range(len(texts) + 1)]
    put(
        partition(nights.landing, "participation") / "p.parquet",
        table_of("participation", rows, quantity=pa.array([*texts, None])),
    )
    codes = {"quantity": {"one": 1, "none": None, 2: 22}}
    good, bad = read(nights, "participation", values=codes)
    found = {row["account_id"]: row["quantity"] for row in good}
    assert found == {"u00": 1, "u01": 22, "u02": -7, "u03": 7, "u04": None, "u12": None}
    assert {tuple(reasons) for reasons, _ in bad} == {("out_of_range_quantity",)}
    assert sorted(str(payload["quantity"]) for _, payload in bad) == sorted(texts[5:])


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (pa.bool_(), [True, False, None]),
        *((k, [1, 0, None]) for k in (pa.int8(), pa.int64(), pa.uint64())),
    ],
    ids=str,
)
def test_numbers_and_truth_values_are_mapped_as_their_text(
    nights: Nights, kind: pa.DataType, given: list[Any]
) -> None:
    rows = [account(name) for name in "abc"]
    column = pa.array(given, kind)
    put(
        partition(nights.landing, "accounts") / "p.parquet",
        table_of("accounts", rows, blacklisted=column, person_id=column),
    )
    first, second = ("true", "false") if pa.types.is_boolean(kind) else (1, 0)
    codes = {"blacklisted": {first: False, second: True}, "person_id": {first: "p"}}
    good, bad = read(nights, "accounts", values=codes)
    assert bad == []
    found = {row["account_id"]: (row["blacklisted"], row["person_id"]) for row in good}
    assert found == {"a": (False, "p"), "b": (True, str(second)), "c": (None, None)}


def test_what_is_no_truth_value_is_out_of_range(nights: Nights) -> None:
    texts = ["true", "false", "Y", "TRUE", "1", 'so "what"', ""]
    rows = [account(f"u{number}") for number in range(len(texts))]
    put(
        partition(nights.landing, "accounts") / "p.parquet",
        table_of("accounts", rows, blacklisted=pa.array(texts)),
    )
    good, bad = read(nights, "accounts", values={"blacklisted": {"Y": True}})
    found = {row["account_id"]: row["blacklisted"] for row in good}
    assert found == {"u0": True, "u1": False, "u2": True}
    assert {tuple(reasons) for reasons, _ in bad} == {("out_of_range_blacklisted",)}
    assert sorted(str(payload["blacklisted"]) for _, payload in bad) == sorted(
        ["TRUE", "1", 'so "what"', ""]
    )


def test_money_is_mapped_from_codes_and_from_plain_decimal_text(nights: Nights) -> None:
    texts = ["ten", "9.95", "5", "0.10000", "1.005", "1e2", "1,5", "-1", "5\n", ""]
    rows = [paid(f"u{number}") for number in range(len(texts))]
    file = partition(nights.landing, "payment") / "p.parquet"
    put(file, table_of("payment", rows, amount=pa.array(texts)))
    good, bad = read(nights, "payment", values={"amount": {"ten": "10.00"}})
    assert {row["account_id"]: str(row["amount"]) for row in good} == {
        "u0": "10.00", "u1": "9.95", "u2": "5.00", "u3": "0.10",
    }  # fmt: skip
    assert {payload["amount"]: reasons for reasons, payload in bad} == {
        **{key: ["out_of_range_amount"] for key in ("1.005", "1e2", "1,5", "5\n", "")},
        "-1": ["not_positive_amount"],
    }


def test_numbers_that_are_no_code_for_money_are_not_guessed_at(nights: Nights) -> None:
    file = partition(nights.landing, "payment") / "p.parquet"
    put(file, table_of("payment", [paid("a"), paid("b")], amount=pa.array([1, 995])))
    good, bad = read(nights, "payment", values={"amount": {1: "10.00"}})
    assert [str(row["amount"]) for row in good] == ["10.00"]
    assert [(reasons, payload["amount"]) for reasons, payload in bad] == [
        (["out_of_range_amount"], "995")
    ]


def test_a_value_that_is_not_mapped_is_judged_as_it_is(nights: Nights) -> None:
    rows = [paid("a", kind="1"), paid("b", kind="advance_paid"), paid("c", kind="2")]
    file = partition(nights.landing, "payment") / "p.parquet"
    put(file, table_of("payment", rows))
    good, bad = read(nights, "payment", values={"kind": {1: "balance_paid"}})
    assert {row["account_id"]: row["kind"] for row in good} == {
        "a": "balance_paid",
        "b": "advance_paid",
    }
    assert [(reasons, payload["kind"]) for reasons, payload in bad] == [(["unknown_kind"], "2")]


# Constants and columns


def test_constants_hold_for_all_rows_whatever_a_file_says(nights: Nights) -> None:
    constants = {
        "account_id": "all",
        "registered_at": "1890-01-01T00:00:00.000001Z",
        "status": "active",
        "credit_score": -1,
        "blacklisted": True,
        "person_id": None,
        "updated_at": "9999-12-31T23:59:59.999999+00:00",
    }
    row = {
        **constants,
        "registered_at": datetime(1890, 1, 1, 0, 0, 0, 1, UTC),
        "updated_at": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    }
    write(nights, "accounts", {"no": [1, 2], "person_id": ["p", "q"]})
    good, bad = read(nights, "accounts", constants=constants)
    found = [
        {n: v.replace(tzinfo=UTC) if n.endswith("_at") else v for n, v in r.items()} for r in good
    ]
    assert (found, bad) == ([row | {"dt": DAY}] * 2, [])


def test_the_payload_shows_constants_and_mapped_values_under_the_names_of_the_contract(
    nights: Nights,
) -> None:
    write(
        nights,
        "orders",
        {"who": ["|"], "n": ["two"], "at": pa.array([datetime(2026, 1, 1)], LOCAL)},
    )
    _, ((reasons, payload),) = read(
        nights,
        "orders",
        columns={"account_id": "who", "quantity": "n", "event_time": "at"},
        constants={
            "event_id": "e", "order_id": 'o"1', "commodity_id": "c", "window_id": "w",
            "status": "failed",
        },
        values={"quantity": {"two": 2}},
        timezone="Asia/Shanghai",
    )  # fmt: skip
    assert reasons == ["bad_id_account_id"]
    assert payload == {
        "event_id": "e",
        "order_id": 'o"1',
        "account_id": "|",
        "commodity_id": "c",
        "window_id": "w",
        "status": "failed",
        "quantity": 2,
        "event_time": "2025-12-31 16:00:00.000000",
    }


def test_one_column_may_stand_for_several_and_names_may_be_exchanged(nights: Nights) -> None:
    row = account(
        "a", registered_at=at("00:00"), updated_at=at("00:00"), status="p", person_id="closed"
    )
    put(
        partition(nights.landing, "accounts") / "p.parquet",
        table_of("accounts", [row], updated_at=None),
    )
    columns = {"updated_at": "registered_at", "status": "person_id", "person_id": "status"}
    ((found,), _) = read(nights, "accounts", columns=columns)
    assert found["updated_at"] == found["registered_at"]
    assert (found["status"], found["person_id"]) == ("closed", "p")


@pytest.mark.parametrize(
    "kind", sampled([pa.int16(), pa.uint32(), pa.int64(), pa.uint64()], [pa.uint64()]), ids=str
)
def test_a_sequence_may_come_from_any_column_of_integers(nights: Nights, kind: Any) -> None:
    """The order that is submitted with id 9 and confirmed with id 10 in one second is confirmed."""
    together = {"event_time": at("03:10"), "order": "o"}
    rows = [
        ordered(event_id="9", status="submitted", **together),
        ordered(event_id="10", status="confirmed", **together),
    ]
    put(
        partition(nights.landing, "orders") / "p.parquet",
        table_of("orders", rows, sequence=None, log_offset=pa.array([9, 10], kind)),
    )
    nights.land(landing(window(), entrant()))
    nights.run(DAY, {"sources": {"orders": {"columns": {"sequence": "log_offset"}}}})
    assert {row["event_id"]: row["sequence"] for row in nights.rows("orders")} == {"9": 9, "10": 10}
    (allocation,) = nights.rows("allocations")
    assert allocation["platform_outcome"] == "won"


def test_sequences_may_be_mapped_by_value_within_64_bits(nights: Nights) -> None:
    codes = {"first": -(2**63), "last": 2**63 - 1}
    rows = [ordered(event_id=str(number)) for number in range(4)]
    said = ["first", "last", "9223372036854775808", "0000000000000000007"]
    put(
        partition(nights.landing, "orders") / "p.parquet",
        table_of("orders", rows, sequence=pa.array(said)),
    )
    nights.land(landing(window()))
    nights.run(DAY, OPEN_GATE | {"sources": {"orders": {"values": {"sequence": codes}}}})
    found = {row["event_id"]: row["sequence"] for row in nights.rows("orders")}
    assert found == {"0": -(2**63), "1": 2**63 - 1, "3": 7}
    (bad,) = nights.rows("quarantine")
    assert (bad["event_id"], bad["reasons"]) == ("2", ["out_of_range_sequence"])


def test_files_of_several_forms_are_read_side_by_side(nights: Nights) -> None:
    plain = [paid("a", amount="1.00"), paid("b", amount="2.00")]
    folder = partition(nights.landing, "payment")
    put(folder / "zoned.parquet", table_of("payment", plain[:1]))
    put(folder / "local.parquet", table_of("payment", plain[1:], event_time=LOCAL))
    put(folder / "null.parquet", table_of("payment", [paid("c")], event_time=pa.nulls(1)))
    good, bad = read(nights, "payment", timezone="UTC")
    assert {row["account_id"] for row in good} == {"a", "b"}
    assert [reasons for reasons, _ in bad] == [["null_event_time"]]


# Files that do not fit the mapping


def problems(nights: Nights, table: str, **source: Any) -> list[str]:
    """What is wrong with the file of a table, without the name of the file."""
    found = LandingZone(
        Location.parse(str(nights.landing)), from_mapping({"sources": {table: source}}).sources
    )
    with pytest.raises(InputError) as refusal:
        found.check([DAY])
    return [problem.split(".parquet: ")[1] for problem in refusal.value.problems]


def test_a_missing_source_column_is_named_with_what_it_stands_for(nights: Nights) -> None:
    put(
        partition(nights.landing, "payment") / "p.parquet",
        table_of("payment", [paid()], amount=None, Price=pa.array([Decimal(1)]), kind=None),
    )
    names = "event_id, account_id, commodity_id, window_id, currency, event_time, sequence, Price"
    assert problems(
        nights, "payment", columns={"amount": "price"}, values={"kind": {1: "balance_paid"}}
    ) == [
        f"column kind is missing; expected {MAPPED}, found only {names}",
        (
            "column price (for amount) is missing; expected decimal(18,2), "
            f"found only {names} (is Price meant?)"
        ),
    ]


def test_a_source_column_of_another_kind_is_named_with_what_was_expected(nights: Nights) -> None:
    put(
        partition(nights.landing, "payment") / "p.parquet",
        table_of(
            "payment",
            [paid()],
            cents=pa.array([1000]),
            kind=pa.array([b"1"]),
            event_time=pa.array(["2026-03-10"]),
            currency=pa.array([Decimal(1)]),
            account_id=pa.array([7]),
        ),
    )
    assert problems(
        nights,
        "payment",
        columns={"amount": "cents"},
        values={"kind": {1: "balance_paid"}, "currency": {1: "CNY"}},
        timezone="UTC",
    ) == [
        "column account_id: expected a string, found int64",
        f"column kind: expected {MAPPED}, found binary",
        "column cents (for amount): expected a decimal of any precision, found int64",
        f"column currency: expected {MAPPED}, found decimal128(1, 0)",
        "column event_time: expected a timestamp, found string",
    ]


def test_a_source_column_that_is_there_twice_is_named(nights: Nights) -> None:
    plain = table_of("payment", [paid()], price=pa.array([Decimal("1.00")]))
    put(
        partition(nights.landing, "payment") / "p.parquet",
        plain.append_column("price", plain["amount"]),
    )
    assert problems(nights, "payment", columns={"amount": "price"}) == [
        "column price (for amount) is there 2 times; expected once"
    ]


def test_what_is_not_read_and_what_is_not_there_is_reported(nights: Nights) -> None:
    folder, more = partition(nights.landing, "participation"), {"other": pa.array([1])}
    put(folder / "p.parquet", table_of("participation", [joined()], who=pa.array(["w"]), **more))
    named = {"account_id": None, "device_id": None, "quantity": None}
    named |= {"who": pa.array(["w"]), "dev": pa.array(["d"])}
    put(folder / "q.parquet", table_of("participation", [joined()], **named, **more))
    source = {"columns": {"account_id": "who", "device_id": "dev"}, "constants": {"quantity": 1}}
    found = LandingZone(
        Location.parse(str(nights.landing)),
        from_mapping({"sources": {"participation": source}}).sources,
    )
    assert found.check([DAY]) == [
        f"participation: column account_id {UNUSED}, as who stands for it; ignored",
        "participation: column dev of 1 file(s) is missing; device_id is null there",
        f"participation: column device_id {UNUSED}, as dev stands for it; ignored",
        "participation: column other of 2 file(s) is not in the contract; ignored",
        f"participation: column quantity {UNUSED}, as there is a constant for it; ignored",
    ]
