"""The landing zone of the demo: what is real in it, what is made up, and that it can be run."""

from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from reference.arrivals import gate_failures
from reference.night import Reference

from solatium import contracts
from solatium.demo.landing import DemoFacts, write_landing
from solatium.demo.lottery import Lottery, read_lottery
from solatium.errors import UsageError
from solatium.settings.load import from_mapping


@pytest.fixture(scope="module")
def lottery() -> Lottery:
    return read_lottery()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoFacts]:
    folder = tmp_path_factory.mktemp("demo") / "landing"
    return folder, write_landing(folder)


@pytest.fixture(scope="module")
def landed(made: tuple[Path, DemoFacts]) -> dict[str, pa.Table]:
    by_date = ds.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")
    return {
        table: ds.dataset(str(made[0] / table), format="parquet", partitioning=by_date).to_table()
        for table in contracts.LANDING
    }


def announced(landed: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """The first version of every window, bad rows aside."""
    windows = landed["windows"]
    is_good = pc.and_(pc.greater_equal(windows["stock"], 0), pc.equal(windows["policy"], "lottery"))
    is_first = pc.is_null(windows["draw_seed"])
    return windows.filter(pc.and_(is_good, is_first)).to_pylist()


# the real lottery


def test_it_has_36_695_applications(lottery: Lottery) -> None:
    assert len(lottery.applications) == 36_695
    assert lottery.applications["account_id"].is_unique
    assert lottery.applications["account_id"].iloc[[0, -1]].tolist() == ["A00001", "A36695"]


def test_it_awarded_2_445_permits_for_11_380_people(lottery: Lottery) -> None:
    assert lottery.applications["awarded"].sum() == 2_445
    assert lottery.applications["awarded_size"].sum() == 11_380


def test_a_choice_that_an_application_repeats_counts_once_and_as_first_made(
    lottery: Lottery,
) -> None:
    choices = lottery.choices
    assert len(choices) == 108_133  # of 108,642
    assert not choices.duplicated(["account_id", "commodity_id", "window_id"]).any()
    repeating = choices[choices["account_id"] == "A00132"]  # choice 2 is choice 1 for 3 people
    assert repeating[["choice", "window_id", "quantity"]].to_numpy().tolist() == [
        [1, "2021-09-06", 4],
        [3, "2021-09-07", 3],
    ]


def test_every_award_is_one_of_the_choices(lottery: Lottery) -> None:
    awards = lottery.applications[lottery.applications["awarded"]]
    chosen = set(
        lottery.choices[["account_id", "commodity_id", "window_id"]].itertuples(index=False)
    )
    key = ["account_id", "awarded_commodity_id", "awarded_window_id"]
    assert set(awards[key].itertuples(index=False, name=None)) <= {tuple(c) for c in chosen}


# what is landed


def test_files_have_the_columns_of_the_contract(made: tuple[Path, DemoFacts]) -> None:
    for table in contracts.LANDING:
        contract = contracts.landing(table).arrow_schema()
        files = sorted((made[0] / table).glob("dt=*/*.parquet"))
        assert files
        for file in files:
            schema = pq.read_schema(file)
            assert list(zip(schema.names, schema.types, strict=True)) == list(
                zip(contract.names, contract.types, strict=True)
            )


def test_a_window_for_every_zone_and_date_chosen_with_the_stock_that_was_awarded(
    landed: dict[str, pa.Table], lottery: Lottery
) -> None:
    awarded: Counter[tuple[str, str]] = Counter()
    for row in lottery.applications[lottery.applications["awarded"]].itertuples():
        awarded[row.awarded_commodity_id, row.awarded_window_id] += row.awarded_size
    windows = announced(landed)
    assert len(windows) == 951
    stock = {(w["commodity_id"], w["window_id"]): w["stock"] for w in windows}
    assert {key: units for key, units in stock.items() if units} == awarded
    assert set(stock) == set(
        lottery.choices[["commodity_id", "window_id"]].itertuples(index=False, name=None)
    )


def test_every_choice_is_a_participation(landed: dict[str, pa.Table], lottery: Lottery) -> None:
    joined = landed["participation"]
    joined = joined.filter(pc.starts_with(joined["event_id"], "J"))
    columns = ["account_id", "commodity_id", "window_id", "quantity"]
    assert set(zip(*(joined[c].to_pylist() for c in columns), strict=True)) == set(
        lottery.choices[columns].itertuples(index=False, name=None)
    )


def test_orders_follow_the_real_status(landed: dict[str, pa.Table], lottery: Lottery) -> None:
    statuses: dict[str, list[str]] = {}
    for row in landed["orders"].sort_by("event_time").to_pylist():
        if not row["event_id"].startswith("X"):
            statuses.setdefault(row["account_id"], []).append(row["status"])
    taken, given_up = ["submitted", "confirmed"], ["submitted", "confirmed", "cancelled"]
    meaning = {"Accepted": taken, "Declined": given_up, "No Response": given_up}
    awards = lottery.applications[lottery.applications["awarded"]]
    assert statuses == {row.account_id: meaning[row.status] for row in awards.itertuples()}


def test_every_window_commits_itself_to_a_seed_and_two_are_held(
    landed: dict[str, pa.Table],
) -> None:
    committed = {
        (w["commodity_id"], w["window_id"]): w["seed_commitment"] for w in announced(landed)
    }
    revealed = {
        (w["commodity_id"], w["window_id"]): sha256(w["draw_seed"].encode()).hexdigest()
        for w in landed["windows"].to_pylist()
        if w["draw_seed"] is not None
    }
    assert len(committed.keys() - revealed.keys()) == 1
    assert sum(committed[key] != digest for key, digest in revealed.items()) == 1


def test_draws_are_on_two_nights_and_all_are_closed_after_the_last(
    made: tuple[Path, DemoFacts], landed: dict[str, pa.Table]
) -> None:
    facts = made[1]
    closing = {w["rush_close"].date() for w in announced(landed)}
    assert sorted(closing) == list(facts.draw_nights)
    assert len(closing) == 2
    grace = timedelta(days=from_mapping(facts.configuration).grace_days)
    assert facts.last_night == max(closing) + grace


# that it can be run


@pytest.mark.torture
def test_every_kind_of_bad_luck_is_there_and_stays_under_the_gate(
    made: tuple[Path, DemoFacts], landed: dict[str, pa.Table]
) -> None:
    facts = made[1]
    rows = {table: landed[table].to_pylist() for table in landed}
    assert gate_failures(rows, facts.configuration, facts.last_night) == []

    night = Reference(facts.configuration).night(rows, facts.last_night)
    assert {reason for row in night["quarantine"] for reason in row["reasons"]} == {
        "null_account_id", "bad_id_account_id", "unknown_event_type", "event_id_conflict",
        "unknown_window", "late", "not_positive_amount", "unknown_kind", "null_currency",
        "unknown_status", "null_order_id", "negative_stock", "unknown_policy",
        "null_registered_at",
    }  # fmt: skip
    screened = night["screened_participants"]
    assert {reason for row in screened for reason in row["reasons"]} == {
        "outside_application_period", "withdrawn", "account_unknown", "account_not_active",
        "account_blacklisted", "account_too_new", "shared_device", "duplicate_person",
    }  # fmt: skip
    assert {row["advance_state"] for row in screened} == {"paid", "partial", "refunded", "unpaid"}
    assert {row["outcome"] for row in night["allocations"]} == {
        "won", "lost", "forfeited", "cannot_fit",
    }  # fmt: skip
    assert Counter(row["status"] for row in night["window_results"]) == {
        "allocated": 949, "seed_missing": 1, "seed_mismatch": 1,
    }  # fmt: skip
    assert {row["reason"] for row in night["bonus_awards"]} == {
        "granted", "served_by_platform", "account_ineligible",
    }  # fmt: skip


# the same for the same seed


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet")}


def test_the_same_seed_gives_the_same_files(made: tuple[Path, DemoFacts], tmp_path: Path) -> None:
    folder, facts = made
    assert write_landing(tmp_path / "again") == facts
    assert files_of(tmp_path / "again") == files_of(folder)


def test_another_seed_gives_others(made: tuple[Path, DemoFacts], tmp_path: Path) -> None:
    folder, facts = made
    another = write_landing(tmp_path / "another", seed="another")
    assert another.made_up != facts.made_up
    assert another.by_size == facts.by_size
    ours, theirs = files_of(folder), files_of(tmp_path / "another")
    same = {name.split("/")[0] for name, content in ours.items() if theirs.get(name) == content}
    assert same == {"orders"}  # which are real, but for their times


@pytest.mark.parametrize("nights", [1, 12])
def test_the_draws_can_be_spread_over_other_nights(nights: int, tmp_path: Path) -> None:
    facts = write_landing(tmp_path, nights=nights)
    assert facts.draw_nights[0] == date(2021, 3, 15)
    assert len(facts.draw_nights) == nights
    assert facts.last_night == facts.draw_nights[-1] + timedelta(days=1)


# what the facts say


def test_the_facts_say_how_applications_of_each_size_fared(made: tuple[Path, DemoFacts]) -> None:
    by_size = made[1].by_size
    assert [fact.size for fact in by_size] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert sum(fact.applications for fact in by_size) == 36_695
    assert sum(fact.awarded for fact in by_size) == 2_445


def test_the_facts_count_the_landed_rows(
    made: tuple[Path, DemoFacts], landed: dict[str, pa.Table]
) -> None:
    assert made[1].rows == {table: rows.num_rows for table, rows in landed.items()}


def test_the_configuration_is_one_that_can_be_run(made: tuple[Path, DemoFacts]) -> None:
    settings = from_mapping(made[1].configuration)
    assert settings.bonus.currency == made[1].currency


# what is refused


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        write_landing(tmp_path)


def test_a_demo_without_a_night_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one"):
        write_landing(tmp_path, nights=0)
