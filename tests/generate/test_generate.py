"""Generated logs: the same from the same seed, as realistic and as flawed as asked for, and fit for
the contract, or mapped onto it by the configuration that comes with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from reference.arrivals import gate_failures
from reference.night import Reference

from solatium import contracts
from solatium.cli import app
from solatium.errors import UsageError
from solatium.generate import flaws
from solatium.generate.configuration import configuration
from solatium.generate.make import Made, generate
from solatium.generate.spec import GRACE_DAYS, Spec
from solatium.settings import exact_yaml
from solatium.settings.load import from_mapping, load

FIRST = Spec.first_date
CLEAN = {"late": 0.0, "bad": 0.0, "duplicates": 0.0, "conflicts": 0.0}
KEY = ["commodity_id", "window_id", "account_id"]
MADE_OF = Spec(participations=8000, nights=4, bad=0.05, conflicts=0.01, duplicates=0.03, late=0.1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Logs with many flaws."""
    return generate(tmp_path_factory.mktemp("flawed") / "logs", MADE_OF)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return generate(tmp_path_factory.mktemp("clean") / "logs", Spec(20_000, nights=2, **CLEAN))


def table(made: Made, name: str) -> pa.Table:
    """All rows in the contract's types, with `dt`; those of bad files are left out."""
    contract = contracts.landing(name).arrow_schema()
    parts = [
        rows.append_column("dt", pa.repeat(pa.scalar(day, pa.date32()), rows.num_rows))
        for day, rows in files(made, name)
        if rows.schema.types == contract.types
    ]
    return pa.concat_tables(parts)


def files(made: Made, name: str) -> Iterator[tuple[date, pa.Table]]:
    for path in sorted((made.landing / name).glob("dt=*/part-*.parquet")):
        yield date.fromisoformat(path.parent.name.removeprefix("dt=")), pq.read_table(path)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# the same from the same seed


def test_the_same_spec_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    spec = Spec(participations=2000, nights=2)
    generate(tmp_path / "a", spec)
    generate(tmp_path / "b", spec)
    generate(tmp_path / "c", Spec(participations=2000, nights=2, seed="2"))
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert [path for path in first if first[path] == other.get(path)] == ["config.yaml"]


def test_a_night_is_the_same_however_many_follow(tmp_path: Path) -> None:
    few = generate(tmp_path / "few", Spec(participations=2000, nights=2))
    many = generate(tmp_path / "many", Spec(participations=2000, nights=5))
    assert contents(few.landing).items() <= contents(many.landing).items()


def test_in_small_pieces_the_accounts_of_a_cut_window_are_still_different(
    tmp_path: Path, clean: Made
) -> None:
    pieces = generate(tmp_path / "logs", Spec(20_000, nights=2, **CLEAN), piece=1000)
    assert pieces.rows["participation"] == clean.rows["participation"]
    assert applications(pieces) == applications(clean)
    ready = 0.05 * 0.3 * 20_000
    confirmed = Counter(
        row["window_id"] for row in orders(pieces).to_pylist() if row["status"] == "confirmed"
    )
    assert ready / 3 < confirmed[f"W{FIRST:%Y%m%d}-00000"] < 2 * ready


def applications(made: Made) -> set[tuple[str, ...]]:
    rows = table(made, "participation").select(KEY)
    return set(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def orders(made: Made) -> pa.Table:
    return table(made, "orders")


# what is in them


def test_every_application_is_of_another_account_or_window(clean: Made) -> None:
    assert len(applications(clean)) == 2 * 20_000


def test_one_window_draws_its_share_and_the_others_go_by_rank(clean: Made) -> None:
    sizes = Counter((window, key) for key, window, _ in applications(clean))
    of_night = sorted(
        (count for (window, _), count in sizes.items() if f"{FIRST:%Y%m%d}" in window), reverse=True
    )
    assert of_night[0] == 0.3 * 20_000
    assert sum(of_night) == 20_000
    assert len(of_night) == 8
    assert of_night[1] > 2 * of_night[-1]
    assert all(a > b for a, b in pairwise(of_night))


def test_some_accounts_take_part_much_more_often_than_others(clean: Made) -> None:
    often = sorted(Counter(account for *_, account in applications(clean)).values(), reverse=True)
    tenth = 10_000 // 10
    assert 0.25 < sum(often[:tenth]) / sum(often) < 0.6
    assert 0.5 < len(often) / 10_000 < 0.98


def test_windows_have_every_policy_and_unit_and_promise_their_seeds(made: Made) -> None:
    windows = table(made, "windows").to_pylist()
    found = {(row["policy"], row["unit"]) for row in windows}
    column = contracts.landing("windows").column
    assert found == {(p, u) for p in column("policy").values for u in column("unit").values}
    pairs = [
        (row["draw_seed"], row["seed_commitment"])
        for row in windows
        if row["draw_seed"] and row["seed_commitment"]
    ]
    kept = [sha256(seed.encode()).hexdigest() == promise for seed, promise in pairs]
    assert 0.8 < sum(kept) / len(kept) < 1  # some are not the one that was promised
    assert all(row["draw_seed"] is None for row in windows if row["policy"] == "first_come")
    assert {row["campaign_id"] for row in windows} == {
        None, "campaign-1", "campaign-2", "campaign-3",
    }  # fmt: skip


def test_without_teams_and_campaigns_there_are_none(tmp_path: Path) -> None:
    spec = Spec(participations=500, nights=1, teams=False, campaigns=0, **CLEAN)
    made = generate(tmp_path / "logs", spec)
    windows = table(made, "windows")
    assert set(windows["unit"].to_pylist()) == {"individual"}
    assert set(windows["campaign_id"].to_pylist()) == {None}
    assert table(made, "participation")["team_id"].null_count == made.rows["participation"]
    assert "campaigns" not in configuration(spec)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_a_window_closes_on_a_business_date_of_its_zone(tmp_path: Path, zone: str) -> None:
    made = generate(tmp_path / "logs", Spec(500, nights=3, timezone=zone, **CLEAN))
    for row in table(made, "windows").to_pylist():
        named = datetime.strptime(row["window_id"][1:9], "%Y%m%d").date()
        closes = row["rush_close"].astimezone(ZoneInfo(zone)).date()
        assert timedelta(0) <= closes - named <= timedelta(1)  # a day later where it is put off
        assert row["application_open"] < row["application_close"] <= row["rush_open"]
        assert row["rush_open"] < row["rush_close"]


def test_the_rules_find_of_everything_and_the_platform_nearly_follows_them(tmp_path: Path) -> None:
    made = generate(tmp_path / "logs", Spec(participations=1500, nights=5, bad=0, late=0.05))
    rows = {name: table(made, name).to_pylist() for name in contracts.LANDING}
    configured = exact_yaml.read(made.config.read_bytes())[0]
    assert gate_failures(rows, configured, made.last_date) == []
    night = Reference(configured).night(rows, made.last_date)

    found = Counter(reason for row in night["quarantine"] for reason in row["reasons"])
    assert found.keys() == {"late", "event_id_conflict"}
    screened = night["screened_participants"]
    assert len(screened) >= 0.95 * 1500 * 5
    assert {reason for row in screened for reason in row["reasons"]} == {
        "outside_application_period", "withdrawn", "account_unknown", "account_not_active",
        "account_blacklisted", "account_too_new", "credit_too_low", "quantity_not_allowed",
        "team_missing", "shared_device", "duplicate_person",
    }  # fmt: skip
    assert {row["advance_state"] for row in screened} == {
        "not_required", "paid", "partial", "refunded", "unpaid",
    }  # fmt: skip
    allocations = night["allocations"]
    assert {row["outcome"] for row in allocations} == {
        "not_formed", "team_incomplete", "team_overfull", "no_attempt", "cannot_fit", "lost",
        "forfeited", "voided", "won",
    }  # fmt: skip
    assert {row["status"] for row in night["window_results"]} == {
        "allocated", "not_formed", "seed_missing", "seed_mismatch",
    }  # fmt: skip
    winners = sum(row["outcome"] == "won" for row in allocations)
    assert 0 < len(night["audit_discrepancies"]) < 0.3 * winners
    assert any(row["oversold_units"] for row in night["window_results"])
    assert max(row["consecutive_failures"] for row in night["account_history"]) >= 5
    assert night["refunds_due"]
    assert night["bonus_awards"]


# flaws


def test_late_rows_and_duplicates_have_their_shares(made: Made) -> None:
    for name in contracts.EVENTS:
        rows = table(made, name)
        ids = Counter(rows["event_id"].to_pylist())
        again = rows.num_rows / len(ids) - 1
        assert 0.8 < again / (MADE_OF.duplicates + MADE_OF.conflicts) < 1.15
    rows = table(made, "participation")
    local = rows["event_time"].cast(pa.timestamp("us", MADE_OF.timezone))
    happened = pc.cast(pc.local_timestamp(local), pa.date32())
    days = pc.subtract(rows["dt"].cast(pa.int32()), happened.cast(pa.int32())).to_pylist()
    late = Counter(days)
    assert min(late) == 0
    assert 0.8 < (1 - late[0] / len(days)) / MADE_OF.late < 1.4  # duplicates a day later included
    assert late[GRACE_DAYS + 1] > 0
    assert max(late) <= flaws.LAST_DAY


def test_without_flaws_there_are_none(clean: Made) -> None:
    for name in contracts.EVENTS:
        rows = table(clean, name)
        assert rows.num_rows == clean.rows[name] == len(set(rows["event_id"].to_pylist()))


def test_every_kind_of_bad_row_is_there_at_its_rate(made: Made) -> None:
    for name in contracts.LANDING:
        contract = contracts.landing(name)
        found: Counter[str] = Counter()
        good = bad = 0
        for _, rows in files(made, name):
            reasons = row_reasons(contract, rows)
            if rows.schema.types == contract.arrow_schema().types:
                assert not any(reasons)
                good += rows.num_rows
            else:
                assert all(reasons)
                bad += rows.num_rows
                found.update(reason for some in reasons for reason in some)
        assert bad <= MADE_OF.bad * good
        if name == "windows":  # too few rows for all
            continue
        assert bad > 0.5 * MADE_OF.bad * good
        assert found.keys() == expected_reasons(contract)


def test_with_windows_enough_they_are_bad_in_every_way(tmp_path: Path) -> None:
    made = generate(tmp_path / "logs", Spec(participations=400, nights=1, windows=300, bad=0.2))
    contract = contracts.landing("windows")
    found: set[str] = set()
    for _, rows in files(made, "windows"):
        if rows.schema.types != contract.arrow_schema().types:
            found |= {reason for some in row_reasons(contract, rows) for reason in some}
    assert found == expected_reasons(contract)


@pytest.mark.parametrize("participations", [20, 300, 5000])
def test_by_default_no_arrival_date_has_more_bad_rows_than_the_gate_allows(
    tmp_path: Path, participations: int
) -> None:
    made = generate(tmp_path / "logs", Spec(participations=participations, nights=3))
    limit = float(load(None).gates.max_quarantine_share)
    for name in contracts.LANDING:
        contract = contracts.landing(name)
        rows, wrong = Counter[date](), Counter[date]()
        for day, some in files(made, name):
            rows[day] += some.num_rows
            if some.schema.types != contract.arrow_schema().types:
                wrong[day] += some.num_rows
        if name in contracts.EVENTS:
            wrong += conflicts(table(made, name))
        assert all(wrong[day] <= limit * rows[day] for day in rows)


def conflicts(rows: pa.Table) -> Counter[date]:
    """Rows with an id that came with another time before, by their arrival date."""
    first: dict[str, datetime] = {}
    found: Counter[date] = Counter()
    for row in rows.sort_by([("dt", "ascending"), ("event_time", "ascending")]).to_pylist():
        if first.setdefault(row["event_id"], row["event_time"]) != row["event_time"]:
            found[row["dt"]] += 1
    return found


def expected_reasons(contract: contracts.Table) -> set[str]:
    """All reasons that a row can have by itself, but the currency of windows is never null."""
    columns = contract.columns
    found = {f"null_{c.name}" for c in columns if c.required} - (
        {"null_currency"} if contract.name == "windows" else set()
    )
    found |= {f"bad_id_{c.name}" for c in columns if c.identifier}
    found |= {f"unknown_{c.name}" for c in columns if c.values}
    found |= {f"out_of_range_{c.name}" for c in columns if c.type not in ("string", "boolean")}
    found |= {f"low_{c.name}" for c in columns if c.minimum is not None}
    found |= {"invalid_window"} if contract.name == "windows" else {"unknown_window"}
    return found - ({"unknown_window"} if contract.name == "accounts" else set())


def row_reasons(contract: contracts.Table, rows: pa.Table) -> list[set[str]]:
    """What is wrong with each row; `low_` is too small a number."""
    found: list[set[str]] = [set() for _ in range(rows.num_rows)]
    for c in contract.columns:
        values = rows[c.name]
        values = values.cast(pa.int64()) if c.type == "timestamp" else values
        for place, value in enumerate(values.to_pylist()):
            if reason := value_reason(c, value):
                found[place].add(reason)
    if contract.name == "windows":
        times = zip(rows["rush_open"].cast("int64"), rows["rush_close"].cast("int64"), strict=True)
        for place, (opens, closes) in enumerate(times):
            if opens.is_valid and closes.is_valid and opens.as_py() >= closes.as_py():
                found[place].add("invalid_window")
    return found


def value_reason(c: contracts.Column, value: Any) -> str:
    if value is None:
        return f"null_{c.name}" if c.required else ""
    if c.identifier and (not 1 <= len(value) <= 128 or not value.isprintable() or "|" in value):
        return f"bad_id_{c.name}"
    if c.values and value not in c.values:
        return f"unknown_{c.name}"
    most = {"int": 2**31 - 1, "bigint": 2**63 - 1, "timestamp": 253_402_300_799_999_999}.get(c.type)
    if most is not None and value > most:
        return f"out_of_range_{c.name}"
    if isinstance(value, Decimal) and value != round(value, 2):
        return f"out_of_range_{c.name}"
    if c.minimum is not None and (value <= c.minimum if c.exclusive else value < c.minimum):
        return f"low_{c.name}"
    return "unknown_window" if value == "W-unknown" else ""


# how they are written


def test_files_have_the_contracts_types_and_columns_that_may_be_null(made: Made) -> None:
    for name in contracts.LANDING:
        contract = contracts.landing(name).arrow_schema()
        wide = flaws.wide_schema(contracts.landing(name))
        for _, rows in files(made, name):
            assert rows.schema.names == contract.names
            assert rows.schema.types in (contract.types, wide.types)
            assert all(field.nullable for field in rows.schema)


def test_only_the_landing_zone_lies_in_the_landing_zone(made: Made) -> None:
    assert sorted(path.name for path in made.landing.parent.iterdir()) == ["config.yaml", "landing"]
    assert sorted(path.name for path in made.landing.iterdir()) == sorted(contracts.LANDING)
    written = {
        name: sum(rows.num_rows for _, rows in files(made, name)) for name in contracts.LANDING
    }
    assert written == made.rows
    days = [day for name in contracts.LANDING for day, _ in files(made, name)]
    assert (min(days), max(days)) == (made.first_date, made.last_date)


def test_the_configuration_is_sound_and_lets_pass_what_was_asked_for(made: Made) -> None:
    loaded = load(made.config)
    assert loaded == from_mapping(configuration(MADE_OF))
    assert loaded.gates.max_quarantine_share >= Decimal("0.06")
    assert loaded.history.scope == "campaign"
    assert "sources" not in yaml.safe_load(made.config.read_text(encoding="utf-8"))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_what_a_platform_writes_its_own_way_maps_back_onto_the_contract(
    tmp_path: Path, zone: str
) -> None:
    plain_spec = Spec(participations=3000, nights=2, bad=0.1)
    own_spec = Spec(participations=3000, nights=2, bad=0.1, local_times=zone, odd_names=True)
    plain, own = generate(tmp_path / "plain", plain_spec), generate(tmp_path / "own", own_spec)
    assert plain.rows == own.rows
    sources = exact_yaml.read(own.config.read_bytes())[0]["sources"]
    for name in contracts.LANDING:
        contract = contracts.landing(name)
        assert sources[name]["timezone"] == zone
        pairs = zip(files(plain, name), files(own, name), strict=True)
        for (day, expected), (other_day, written) in pairs:
            assert day == other_day
            assert written.schema.names != expected.schema.names
            found = mapped(written, sources[name], contract)
            for column in contract.columns:
                values = expected[column.name]
                if column.type == "timestamp":
                    values = in_local_and_back(values, zone)
                assert found[column.name].equals(values)


def mapped(rows: pa.Table, source: dict[str, Any], contract: contracts.Table) -> pa.Table:
    """What docs/rules.md section 2 says of a source mapping."""
    columns = {}
    for c in contract.columns:
        if c.name in source.get("constants", {}):
            columns[c.name] = pa.chunked_array(
                [pa.repeat(source["constants"][c.name], rows.num_rows)]
            )
            continue
        values = rows[source["columns"].get(c.name, c.name)]
        codes = source["values"].get(c.name)
        if codes:
            of = [codes.get(value, value) for value in values.to_pylist()]
            values = pa.chunked_array([pa.array(of, pa.string())])
        if c.type == "timestamp":
            assert values.type == pa.timestamp("us")
            values = assumed(values, source["timezone"])
        columns[c.name] = values
    return pa.table(columns)


def assumed(local: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    found = pc.assume_timezone(local, zone, ambiguous="earliest")
    return found.cast(pa.timestamp("us", "UTC"))


def in_local_and_back(times: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """The same times, but those of a repeated hour are an hour earlier, as local times lose it; in
    New York clocks go back in the first night."""
    back = assumed(pc.local_timestamp(times.cast(pa.timestamp("us", zone))), zone)
    apart = pc.subtract(times.cast(pa.int64()), back.cast(pa.int64()))
    repeated = {3_600_000_000} if zone == "America/New_York" else set()
    assert set(pc.unique(apart.drop_null()).to_pylist()) <= {0} | repeated
    return back


# the command


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        app.main(["generate", *map(str, arguments)])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out + said.err


def test_the_command_writes_what_the_library_does_and_says_how_to_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_library, by_command = tmp_path / "library", tmp_path / "command"
    spec = Spec(
        participations=300, nights=2, first_date=date(2027, 3, 5), seed="x", accounts=200,
        windows=9, hot=0.2, late=0.1, bad=0.02, duplicates=0.1, conflicts=0.02, teams=False,
        campaigns=1, timezone="Europe/Berlin", local_times="Europe/Berlin", odd_names=True,
    )  # fmt: skip
    made = generate(by_library, spec)
    status, said = command(
        capsys, by_command, "--participations", 300, "--nights", 2, "--first", "2027-03-05",
        "--seed", "x", "--accounts", 200, "--windows", 9, "--hot", 0.2, "--late", 0.1,
        "--bad", 0.02, "--duplicates", 0.1, "--conflicts", 0.02, "--no-teams", "--campaigns", 1,
        "--timezone", "Europe/Berlin", "--odd-names",
    )  # fmt: skip
    assert status == 0
    assert contents(by_command) == contents(by_library)
    assert f"participation {made.rows['participation']:,}" in said
    assert said.endswith(
        f"solatium nightly --landing {by_command}/landing --warehouse {by_command}/warehouse "
        f"--config {by_command}/config.yaml --date {made.last_date}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--bad", "1.5"], "bad: must be a share from 0 to 1, not 1.5"),
        (["--hot", "-0.1"], "hot: must be a share from 0 to 1, not -0.1"),
        (["--late", "nan"], "late: must be a share from 0 to 1, not nan"),
        (["--nights", "0"], "nights: must be 1 to 1,000, not 0"),
        (["--participations", "5"], "windows: 5 participations are too few for 8 windows"),
        (["--accounts", "10"], "accounts: 10 are too few for a window with 6,000 participations"),
        (["--campaigns", "-1"], "campaigns: must be 0 to 99, not -1"),
        (["--timezone", "Asia/Shangai"], "did you mean Asia/Shanghai?"),
        (["--first", "1800-01-01"], "first: must be in the years 1980 to 2199, not 1800-01-01"),
        (["--first", "tomorrow"], "must be a date YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    status, said = command(capsys, tmp_path / "logs", *arguments)
    assert status == 2
    assert named in " ".join(said.split())
    assert not (tmp_path / "logs").exists()


def test_a_folder_that_holds_something_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").touch()
    status, said = command(capsys, tmp_path)
    assert (status, said) == (
        2, f"solatium: {tmp_path} is not an empty folder; name one that is new\n",
    )  # fmt: skip
    with pytest.raises(UsageError, match="not an empty folder"):
        generate(tmp_path / "mine", Spec())
