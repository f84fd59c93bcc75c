"""Packs of evidence: what they hold, and that their own program finds whatever was changed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rulebook
from harness import Nights
from packs import Table, Verdict, entries, facts, verify, with_entries, with_window
from rows import SEED, at, commitment, days, entrant, landing, ordered, window

import solatium
from solatium.cli import app
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.evidence.landing_files import CHANGED, GONE, NOT_READ
from solatium.evidence.pack import VERIFIER, folder_name, pack_of, packs_of

DRAW = ("draw", "w1")
RACE = ("race", "w1")
WEIGHTED = ("weighted", "w1")
NAMES = ("ann", 'b"e,n', "cy", "dée", "eve", "fay")
BOUND = {"seed_commitment": commitment(), "draw_seed": None, "updated_at": at("01:00", days(-2))}


def story() -> list:
    """A lottery, a weighted lottery after losses, a race, two held windows, one not formed."""
    second = days(1)
    weighted = {"policy": "weighted_lottery", "stock": 4, "day": second}
    return [
        [window("draw", **BOUND), window("draw", stock=4)],
        [entrant(name, commodity="draw", quantity=1 + n % 2) for n, name in enumerate(NAMES)],
        window("race", policy="first_come", stock=3),
        [entrant(name, commodity="race", quantity=2) for name in NAMES],
        [
            ordered(name, "race", clock="03:00:00.000001", sequence=n, quantity=1 + len(name) % 2)
            for n, name in zip((None, 2, 1, -1, 5), NAMES[:5], strict=True)
        ],
        [window("weighted", **weighted)],
        [entrant(name, commodity="weighted", day=second) for name in NAMES],
        window("missing", draw_seed=None),
        window("mismatch", draw_seed="another", seed_commitment=commitment()),
        window("few", min_qualified=3),
        [entrant("ann", commodity=name) for name in ("missing", "mismatch", "few")],
    ]


CONFIG: dict[str, Any] = {"grace_days": 0, "gates": {"max_quarantine_share": "1"}}


@pytest.fixture(scope="module")
def nights(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("evidence"), embedded_session)
    nights.land(landing(story()))
    nights.run(days(1), CONFIG)
    return nights


Packing = Callable[..., Path]


@pytest.fixture
def packed(nights: Nights, tmp_path: Path) -> Packing:
    """Writes the pack of a window, and gives its folder."""

    def written(key: tuple[str, str], public: bool = False, land: Path | None = None) -> Path:
        tables = solatium.open(nights.warehouse)
        place = str(land) if land else None
        return pack_of(tables, *key, tmp_path / "pack", public=public, landing=place).folder

    return written


# What a pack holds


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("key", [DRAW, RACE, WEIGHTED])
def test_a_pack_as_it_was_written_is_accepted(
    packed: Packing, key: tuple[str, str], public: bool
) -> None:
    pack = packed(key, public)
    verdict = verify(pack)
    assert verdict.status == 0, verdict.said
    assert "All is so" in verdict.said
    shasum = ["sha256sum", "--quiet", "--strict", "-c", "MANIFEST.sha256"]
    subprocess.run(shasum, cwd=pack, check=True)


def test_entries_are_those_of_the_table_in_their_order(packed: Packing, nights: Nights) -> None:
    found = entries(packed(DRAW))
    rows = [row for row in nights.rows("allocations") if row["commodity_id"] == "draw"]
    expected = sorted(rows, key=lambda row: (row["ticket"], row["entry_id"]))
    assert [
        (row["entry_id"], int(row["size"]), int(row["weight"]), row["ticket"], row["allocated"])
        for row in found
    ] == [
        (
            row["entry_id"],
            row["size"],
            1,
            row["ticket"],
            "true" if row["outcome"] in ("won", "forfeited", "voided") else "false",
        )
        for row in expected
    ]
    assert [int(row["position"]) for row in found] == list(range(1, len(NAMES) + 1))


def test_a_race_is_ordered_by_time_then_sequence_then_event(packed: Packing) -> None:
    found = entries(packed(RACE))
    assert [row["entry_id"] for row in found] == ["ann", "dée", "cy", 'b"e,n', "eve"]
    assert [row["sequence"] for row in found] == ["", "-1", "1", "2", "5"]
    assert {row["attempted_at"] for row in found} == {"2026-03-10T03:00:00.000001Z"}
    assert all(row["event_id"].startswith("orders-") for row in found)


def test_a_window_is_said_with_all_that_it_was_judged_by(packed: Packing, nights: Nights) -> None:
    said = facts(packed(DRAW))
    assert said["terms"]["stock"] == 4
    assert "draw_seed" not in said["terms"]
    assert said["draw"] == {"commitment": commitment(), "seed": SEED, "held": None}
    versions = [(one["seed_commitment"], one["draw_seed"]) for one in said["versions"]]
    assert versions == [(commitment(), None), (None, SEED)]
    assert said["settings"]["draw"] == {"weight_cap": 20}
    commit = solatium.open(nights.warehouse).commit
    assert said["commit"]["run_id"] == commit.run_id
    assert said["table_versions"]["allocations"] == commit.tables["allocations"]


def test_the_same_tables_give_the_same_pack(nights: Nights, tmp_path: Path) -> None:
    tables = solatium.open(nights.warehouse)
    one, two = (
        pack_of(tables, *DRAW, tmp_path / name, public=False, landing=None) for name in "ab"
    )
    assert one.manifest == two.manifest


def test_landing_files_have_their_digests_where_the_landing_zone_is_given(
    packed: Packing, nights: Nights
) -> None:
    said = facts(packed(DRAW, land=nights.landing))["landing_files"]
    assert {file["table"] for file in said} == {"participation", "payment", "windows", "accounts"}
    for file in said:
        place = nights.landing / file["table"] / f"dt={file['dt']}" / file["name"]
        assert file["sha256"] == sha256(place.read_bytes()).hexdigest()
        assert file["size"] == place.stat().st_size
        assert file["note"] is None


def test_landing_files_that_are_not_as_they_were_say_so(
    packed: Packing, nights: Nights, tmp_path: Path
) -> None:
    copy = tmp_path / "landing"
    shutil.copytree(nights.landing, copy)
    day = f"dt={days(0)}"
    (copy / "payment" / day / "part-0.parquet").unlink()
    (copy / "windows" / day / "part-0.parquet").write_bytes(b"other")
    notes = {
        file["table"]: file["note"]
        for file in facts(packed(DRAW, land=copy))["landing_files"]
        if file["dt"] == str(days(0))
    }
    assert notes == {"participation": None, "payment": GONE, "windows": CHANGED, "accounts": None}


def test_without_a_landing_zone_names_and_sizes_are_written(packed: Packing) -> None:
    said = facts(packed(DRAW))["landing_files"]
    assert said
    assert {(file["sha256"], file["note"]) for file in said} == {(None, NOT_READ)}
    assert all(file["size"] > 0 for file in said)


@pytest.mark.parametrize(
    ("commodity", "status", "said"),
    [
        ("missing", "seed_missing", "no version of the window has one"),
        ("mismatch", "seed_mismatch", "no seed that was published matches it"),
        ("few", "not_formed", "2 ready accounts are missing: the window needs 3 and had 1"),
    ],
)
def test_a_window_in_which_nothing_was_drawn_says_what_is_missing(
    packed: Packing, commodity: str, status: str, said: str
) -> None:
    pack = packed((commodity, "w1"))
    verdict = verify(pack)
    assert verdict.status == 0, verdict.said
    assert said in verdict.said
    assert said in (pack / "README.md").read_text("utf-8")
    assert facts(pack)["status"] == status
    assert entries(pack) == []


def test_all_windows_of_a_date_have_a_pack_each(nights: Nights, tmp_path: Path) -> None:
    tables = solatium.open(nights.warehouse)
    packs = list(packs_of(tables, days(0), tmp_path / "packs", public=False, landing=None))
    names = {"draw", "race", "missing", "mismatch", "few"}
    assert {pack.folder.name for pack in packs} == {f"{name}+w1" for name in names}
    assert all(verify(pack.folder).status == 0 for pack in packs)


def test_names_of_folders_differ_as_windows_do() -> None:
    keys = [("a", "b+c"), ("a+b", "c"), ("A", "b+c"), (".", ".."), ("ü/é", "w"), ("x" * 128,) * 2]
    names = [folder_name(*key) for key in keys]
    assert len({name.lower() for name in names}) == len(keys)
    assert all("/" not in name and not name.startswith(".") for name in names)
    assert all(len(name.encode()) <= 255 for name in names)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("drow", "w1"), "did you mean draw"),
        (("draw", "w2"), "its windows are named like w1"),
    ],
)
def test_an_unknown_window_is_refused_with_near_names(
    packed: Packing, key: tuple[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match="there is no window") as refused:
        packed(key)
    assert said in str(refused.value)


def test_a_folder_that_holds_something_is_left_alone(packed: Packing, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mine").touch()
    with pytest.raises(UsageError, match="name a new folder"):
        packed(DRAW)
    assert [path.name for path in (tmp_path / "pack").iterdir()] == ["mine"]


# What verify.py refuses; manifests are made to fit, so that more than the manifest is looked at


def refused(pack: Path) -> str:
    verdict: Verdict = verify(pack)
    assert verdict.status == 1, verdict.said
    assert verdict.said.startswith("NOT SO: ")
    return verdict.said.removeprefix("NOT SO: ")


def column(lines: Table, name: str) -> int:
    return lines[0].index(name)


def put(name: str, place: int, value: str) -> Callable[[Table], None]:
    def change(lines: Table) -> None:
        assert lines[place][column(lines, name)] != value
        lines[place][column(lines, name)] = value

    return change


def swapped(lines: Table) -> None:
    """Two neighbours change places; each takes the other's position and success."""
    at_ = next(n for n in range(1, len(lines)) if lines[n][-1] == lines[n + 1][-1])
    lines[at_][1:], lines[at_ + 1][1:] = lines[at_ + 1][1:], lines[at_][1:]


def winner_and_loser(lines: Table) -> None:
    """A winner and a loser of one size change their success."""
    size, last = column(lines, "size"), len(lines[0]) - 1
    won = next(line for line in lines[1:] if line[last] == "true")
    lost = next(line for line in lines[1:] if line[last] == "false" and line[size] == won[size])
    won[last], lost[last] = "false", "true"


def removed(lines: Table) -> None:
    del lines[2]


def removed_and_numbered(lines: Table) -> None:
    del lines[2]
    for number, line in enumerate(lines[1:], 1):
        line[0] = str(number)


def added(lines: Table) -> None:
    lines.append([str(len(lines)), *lines[-1][1:]])


@pytest.mark.parametrize(
    ("key", "change", "named"),
    [
        (DRAW, put("ticket", 2, "0" * 16), "ticket"),
        (DRAW, put("entry_id", 3, "zoe"), "ticket"),
        (DRAW, put("size", 6, "7"), "size"),
        (DRAW, put("size", 1, "3"), "size"),
        (DRAW, put("weight", 1, "2"), "weight"),
        (WEIGHTED, put("weight", 1, "4"), "weight"),
        (DRAW, put("allocated", 1, "false"), "allocated"),
        (DRAW, winner_and_loser, "winner"),
        (RACE, winner_and_loser, "winner"),
        (DRAW, swapped, "order"),
        (RACE, swapped, "order"),
        (DRAW, removed, "a row is gone"),
        (DRAW, removed_and_numbered, "rows"),
        (DRAW, added, "rows"),
        (RACE, removed_and_numbered, "rows"),
        (RACE, put("attempted_at", 5, "2026-03-10T04:00:00.000000Z"), "order"),
        (DRAW, put("size", 1, "two"), "size"),
        (DRAW, put("allocated", 1, "yes"), "allocated"),
        (DRAW, lambda lines: lines[0].reverse(), "columns"),
        (DRAW, lambda lines: lines[3].pop(), "line 4"),
    ],
)
def test_a_changed_entry_is_named(
    packed: Packing, key: tuple[str, str], change: Callable[[Table], None], named: str
) -> None:
    pack = packed(key)
    with_entries(pack, change)
    assert named in refused(pack)


def test_a_row_added_with_numbers_that_fit_is_named(packed: Packing) -> None:
    pack = packed(DRAW)
    with_entries(pack, added)
    last = entries(pack)[-1]

    def fit(said: dict[str, Any]) -> None:
        said["numbers"]["competing"] += 1
        said["numbers"]["size"] += int(last["size"])
        said["numbers"]["weight"] += 1
        if last["allocated"] == "true":
            said["numbers"]["allocated"] += 1
            said["numbers"]["allocated_units"] += int(last["size"])

    with_window(pack, fit)
    assert "a row was added" in refused(pack)


def test_a_weight_with_numbers_that_fit_is_named_by_its_ticket_or_its_most(
    packed: Packing,
) -> None:
    pack = packed(WEIGHTED)
    with_entries(pack, put("weight", 1, "22"))

    def fit(said: dict[str, Any]) -> None:
        said["numbers"]["weight"] = sum(int(row["weight"]) for row in entries(pack))

    with_window(pack, fit)
    assert "weight 22, expected 1 to 21" in refused(pack)


def another_seed(said: dict[str, Any]) -> None:
    said["draw"]["seed"] = "another"


def another_published_seed(said: dict[str, Any]) -> None:
    said["draw"]["seed"] = "another"
    for version in said["versions"]:
        if version["draw_seed"]:
            version["draw_seed"] = "another"


def another_commitment(said: dict[str, Any]) -> None:
    said["draw"]["commitment"] = "0" * 64


def other_versions(said: dict[str, Any]) -> None:
    said["versions"].reverse()


def no_seed(said: dict[str, Any]) -> None:
    said["draw"]["seed"] = None


def another_status(said: dict[str, Any]) -> None:
    said["status"] = "not_formed"


def another_stock(said: dict[str, Any]) -> None:
    said["terms"]["stock"] += 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (another_seed, "seed"),
        (another_published_seed, "seed"),
        (another_commitment, "commitment"),
        (other_versions, "versions"),
        (no_seed, "seed"),
        (another_status, "status"),
        (another_stock, "winner"),
    ],
)
def test_changed_terms_are_named(
    packed: Packing, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    pack = packed(DRAW)
    with_window(pack, change)
    assert named in refused(pack)


def test_without_a_commitment_another_seed_gives_other_tickets(packed: Packing) -> None:
    pack = packed(WEIGHTED)
    with_window(pack, another_published_seed)
    assert "the seed gives" in refused(pack)


@pytest.mark.parametrize("name", ["README.md", "verify.py", "window.json", "entries.csv"])
def test_a_changed_file_is_named(packed: Packing, name: str) -> None:
    pack = packed(DRAW)
    text = (pack / name).read_text("utf-8")
    changed = text.replace("\n", "\n\n", 1) if name == "window.json" else text + "\n"
    (pack / name).write_text(changed, "utf-8")
    assert name in refused(pack)


def test_a_file_gone_or_added_is_named(packed: Packing) -> None:
    pack = packed(DRAW)
    (pack / "extra").touch()
    assert refused(pack).startswith("extra: the file was added")
    (pack / "extra").unlink()
    (pack / "README.md").unlink()
    assert refused(pack).startswith("README.md: the file is gone")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_pack_that_cannot_be_read_is_refused(packed: Packing, text: str) -> None:
    pack = packed(DRAW)
    (pack / "window.json").write_text(text)
    assert refused(pack)


# Public packs


@pytest.mark.parametrize("key", [DRAW, RACE, WEIGHTED])
def test_a_public_pack_names_nobody_and_shows_an_entry_to_whoever_knows_its_id(
    packed: Packing, key: tuple[str, str], nights: Nights
) -> None:
    pack = packed(key, public=True)
    text = "".join((pack / name).read_text("utf-8") for name in ("window.json", "entries.csv"))
    assert not any(f'"{name}"' in text or f",{name}," in text for name in NAMES)
    assert "orders-" not in text
    for row in nights.rows("allocations"):
        if (row["commodity_id"], row["window_id"]) == key and row["outcome"] != "no_attempt":
            verdict = verify(pack, "--entry", row["entry_id"])
            won = "it won" if row["outcome"] == "won" else "it did not win"
            assert verdict.status == 0, verdict.said
            assert won in verdict.said
            assert f"size {row['size']}" in verdict.said
    assert verify(pack, "--entry", "nobody").status == 1


def test_an_entry_is_shown_by_name_too(packed: Packing) -> None:
    pack = packed(DRAW)
    first = entries(pack)[0]
    said = verify(pack, "--entry", first["entry_id"]).said
    assert f"position 1, size {first['size']}, ticket {first['ticket']}" in said
    assert verify(pack, "--entry", "nobody").status == 1


def test_counts_of_tickets_show_a_changed_public_ticket(packed: Packing) -> None:
    pack = packed(DRAW, public=True)
    last = len(entries(pack))
    with_entries(pack, put("ticket", last, "f" * 16))
    assert "ticket" in refused(pack)


# The command


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--commodity", "draw", "--window", "w1"], 0, "pack: allocated, 6 entries competed"),
        (["--all", "--date", "2026-03-10", "--public"], 0, "few+w1: not_formed, 0 entries"),
        (["--commodity", "draw"], 2, "give --commodity and --window"),
        (["--all"], 2, "give --commodity and --window"),
        (["--commodity", "draw", "--window", "w1", "--all", "--date", "2026-03-10"], 2, "give"),
        (["--commodity", "drow", "--window", "w1"], 2, "did you mean draw"),
        (["--all", "--date", "2026-03-09"], 2, "no window has the business date 2026-03-09"),
        (["--commodity", "draw", "--window", "w1", "--landing", "/nowhere"], 2, "no such folder"),
    ],
)
def test_the_command_writes_packs_or_says_why_not(
    nights: Nights,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    places = ["--warehouse", str(nights.warehouse), "--out", str(tmp_path / "pack")]
    with pytest.raises(SystemExit) as ended:
        app.main(["evidence", *places, *arguments])
    assert ended.value.code == status
    assert said in "".join(capfd.readouterr())
    assert (tmp_path / "pack").exists() == (status == 0)


def test_a_window_that_is_not_due_yet_has_no_pack(embedded_session: Engine, tmp_path: Path) -> None:
    nights = Nights(tmp_path, embedded_session)
    nights.land(landing(window(day=days(3), dt=days(0))))
    nights.run(days(0), CONFIG)
    with pytest.raises(UsageError, match="is not due yet"):
        pack_of(
            solatium.open(nights.warehouse),
            "sku1",
            "w1",
            tmp_path / "p",
            public=False,
            landing=None,
        )


# The program itself


def test_the_program_is_one_file_of_the_standard_library() -> None:
    text = VERIFIER.read_text("utf-8")
    imports = {line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))}
    assert {name.split(".")[0] for name in imports} <= {
        *("argparse", "collections", "csv", "hashlib", "json", "pathlib", "re", "sys", "typing"),
    }
    assert len(text.splitlines()) < 350


@pytest.mark.torture
def test_teams_and_weights_of_the_rulebook_are_accepted(
    embedded_session: Engine, tmp_path: Path
) -> None:
    nights = Nights(tmp_path, embedded_session)
    nights.land(rulebook.LANDING)
    nights.run(rulebook.THIRD, rulebook.CONFIG)
    tables = solatium.open(nights.warehouse)
    seen = set()
    for day in (rulebook.FIRST, rulebook.SECOND, rulebook.THIRD):
        for public in (False, True):
            out = tmp_path / f"{day}-{public}"
            for pack in packs_of(tables, day, out, public=public, landing=None):
                verdict = verify(pack.folder)
                assert verdict.status == 0, f"{pack.folder}: {verdict.said}"
                terms = facts(pack.folder)["terms"]
                seen.add((terms["unit"], terms["policy"], pack.status))
    assert len(seen) > 5
