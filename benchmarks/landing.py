"""Makes a clean landing zone of any size: nights of rush sales in which one window draws many.

`solatium generate` makes logs as a platform has them, with flaws and habits. Here nothing is bad or
twice, nothing is late unless it is asked for, and every window is of one known form, so that a
night can be written by hand.

    python -m benchmarks.landing OUT --participations 1000000 --nights 1 --hot 0.3 --seed 1
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import duckdb
import typer

FIRST_DATE = date(2026, 11, 1)

_TO_A_WINDOW = 5_000  # participations of a night
_LEAST_WINDOWS = 20  # all policies and units have one
_TO_AN_ACCOUNT = 4  # participations of a night
_ROW_GROUP = 500_000


@dataclass(frozen=True)
class Shape:
    """What a landing zone is made of. `hot` is the share of a night that one window draws.

    `late` is the share of windows, in tenths, that have late rows: one participation in a hundred
    comes a night later.
    """

    participations: int = 5_000_000
    nights: int = 1
    hot: float = 0.3
    seed: int = 1
    late: float = 0

    @property
    def windows(self) -> int:
        """Windows of a night."""
        return max(self.participations // _TO_A_WINDOW, _LEAST_WINDOWS)

    @property
    def accounts(self) -> int:
        """The pool that every night draws from."""
        return max(self.participations // _TO_AN_ACCOUNT, 50)

    @property
    def others(self) -> int:
        """Participations of each window but the hot one, on average."""
        return int(self.participations * (1 - self.hot) / (self.windows - 1))

    def day(self, night: int) -> date:
        """The date of a night, counted from 1: of all its rows and windows."""
        return FIRST_DATE + timedelta(days=night - 1)

    @property
    def last_day(self) -> date:
        return self.day(self.nights)


def made(folder: Path, shape: Shape, threads: int | None = None) -> Path:
    """The landing zone in `folder`, made unless it is there from the same shape and code."""
    landing, note = folder / "landing", folder / "made.json"
    wanted = asdict(shape) | {"maker": sha256(Path(__file__).read_bytes()).hexdigest()}
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) == wanted:
        return landing
    shutil.rmtree(folder, ignore_errors=True)
    make(landing, shape, threads)
    note.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    return landing


def make(landing: Path, shape: Shape, threads: int | None = None) -> None:
    """Writes all nights. The same shape gives the same rows."""
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        if threads is not None:
            connection.execute(f"SET threads = {int(threads)}")
        first = _Night(connection, landing, shape, 1)
        first.write("accounts", first.accounts())
        for number in range(1, shape.nights + 1):
            night = _Night(connection, landing, shape, number)
            night.write("windows", night.windows())
            connection.execute(f"CREATE OR REPLACE TEMP TABLE applied AS {night.applied()}")
            night.write("participation", night.participation(f"NOT {night.is_late}"))
            if shape.late and number < shape.nights:
                rows = night.participation(night.is_late)
                night.write("participation", rows, arrival=number + 1, part="late")
            for table, rows in (
                ("payment", night.payment()),
                ("orders", night.orders()),
            ):
                night.write(table, rows)


@dataclass(frozen=True)
class _Night:
    """The rows of one night, as SQL. Chance is a hash of a row's number and of what is asked."""

    connection: duckdb.DuckDBPyConnection
    landing: Path
    shape: Shape
    number: int

    @property
    def is_late(self) -> str:
        """Whether a participation comes a night later."""
        row = f"{self.chance('late', 100, 'n')} < 1"
        return f"(i % 10 < {round(self.shape.late * 10)} AND {row})"

    def write(self, table: str, rows: str, arrival: int | None = None, part: str = "0") -> None:
        """Writes a file of the night, or of a later night with which the rows arrive."""
        folder = self.landing / table / f"dt={self.shape.day(arrival or self.number)}"
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / f"part-{part}.parquet").replace("'", "''")
        self.connection.execute(
            f"COPY ({rows}) TO '{path}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
        )

    def chance(self, topic: str, below: int, number: str = "i") -> str:
        """A whole number from 0 up to `below`; another one for every topic, night and seed."""
        salt = sha256(f"{self.shape.seed}|{self.number}|{topic}".encode()).digest()[:7]
        return f"(hash(xor({number}::UBIGINT, {int.from_bytes(salt)}::UBIGINT)) % {below})"

    def at(self, time: str) -> str:
        return f"TIMESTAMPTZ '{self.shape.day(self.number)} {time}+00'"

    def accounts(self) -> str:
        """Every account, once: some suspended, some barred, some of a person who has another."""
        chance = self.chance
        return f"""
            SELECT
                'A' || lpad(i::VARCHAR, 9, '0') AS account_id,
                TIMESTAMPTZ '2023-01-01 00:00+00' + to_days({chance("age", 1000)}::INTEGER)
                    AS registered_at,
                CASE WHEN {chance("status", 100)} < 3 THEN 'suspended' ELSE 'active' END AS status,
                (300 + {chance("credit", 600)})::INTEGER AS credit_score,
                {chance("barred", 200)} = 0 AS blacklisted,
                CASE WHEN {chance("person", 50, "i // 2")} = 0
                    THEN 'P' || (i // 2 * 2) ELSE 'P' || i END AS person_id,
                {self.at("00:10")} AS updated_at
            FROM range({self.shape.accounts}) AS numbers (i)
            ORDER BY i"""

    def windows(self) -> str:
        """The first is the hot one. In some, teams of three compete; the stock is always short."""
        percent = f"CASE WHEN i = 0 THEN 5 ELSE 3 + {self.chance('stock', 12)} END"
        size = (
            f"CASE WHEN i = 0 THEN {int(self.shape.participations * self.shape.hot)} "
            f"ELSE {self.shape.others} END"
        )
        return f"""
            SELECT
                'C' || (i % 500) AS commodity_id,
                {_window_id(self.number)} AS window_id,
                NULL::VARCHAR AS campaign_id,
                NULL::VARCHAR AS category,
                {self.at("01:00")} AS application_open,
                {self.at("08:00")} AS application_close,
                {self.at("09:00")} AS rush_open,
                {self.at("12:00")} AS rush_close,
                (1 + ({size}) * ({percent}) // 100)::INTEGER AS stock,
                {_POLICY} AS policy,
                CASE WHEN {_IS_TEAM} THEN 'team' ELSE 'individual' END AS unit,
                CASE WHEN {_IS_TEAM} THEN 3 END AS team_min,
                CASE WHEN {_IS_TEAM} THEN 3 END AS team_max,
                1 AS limit_per_account,
                10.00::DECIMAL(18, 2) AS advance_amount,
                'CNY' AS currency,
                0 AS min_qualified,
                'seed-{self.number}-' || i AS draw_seed,
                NULL::VARCHAR AS seed_commitment,
                {self.at("00:30")} AS updated_at
            FROM range({self.shape.windows}) AS numbers (i)
            ORDER BY i"""

    def applied(self) -> str:
        """Who applies for which window and when, `n` the number of the participation."""
        shape, chance = self.shape, self.chance
        is_hot = f"{chance('hot', 1_000_000, 'n')} < {round(shape.hot * 1_000_000)}"
        other = f"1 + {chance('window', shape.windows - 1, 'n')}"
        return f"""
            SELECT
                n, i, account,
                'A' || lpad(account::VARCHAR, 9, '0') AS account_id,
                'C' || (i % 500) AS commodity_id,
                {_window_id(self.number)} AS window_id,
                {self.at("01:00")} + to_microseconds({chance("time", 25_200_000_000, "n")}::BIGINT)
                    AS event_time
            FROM (
                SELECT
                    n,
                    {chance("account", shape.accounts, "n")} AS account,
                    CASE WHEN {is_hot} THEN 0 ELSE {other} END AS i
                FROM range({shape.participations}) AS numbers (n)
            )"""

    def participation(self, which: str) -> str:
        teams = max(self.shape.others // 2, 1)
        team = self.chance("team", teams, "(account * 1000003 + i)")
        return f"""
            SELECT
                'j{self.number}-' || n AS event_id,
                CASE WHEN {self.chance("withdraw", 100, "n")} < 2 THEN 'withdraw' ELSE 'join' END
                    AS event_type,
                account_id, commodity_id, window_id,
                CASE WHEN {_IS_TEAM} THEN 'T' || {team} END AS team_id,
                NULL::INTEGER AS quantity,
                'D' || (account // 3) AS device_id,
                event_time
            FROM applied
            WHERE {which}"""

    def payment(self) -> str:
        """Most pay in full, some half, and some rows are refunds."""
        chance = self.chance
        return f"""
            SELECT
                'p{self.number}-' || n AS event_id,
                account_id, commodity_id, window_id,
                CASE WHEN {chance("refund", 100, "n")} < 3
                    THEN 'advance_refunded' ELSE 'advance_paid' END AS kind,
                CASE WHEN {chance("half", 100, "n")} < 5 THEN 5.00 ELSE 10.00 END::DECIMAL(18, 2)
                    AS amount,
                'CNY' AS currency,
                event_time + INTERVAL 10 MINUTE AS event_time
            FROM applied
            WHERE {chance("pays", 100, "n")} < 85"""

    def orders(self) -> str:
        """Half of the participations order: submitted, and a second later what came of it."""
        chance = self.chance
        fate = chance("fate", 100, "n")
        return f"""
            SELECT
                'o{self.number}-' || n || '-' || step AS event_id,
                'O{self.number}-' || n AS order_id,
                account_id, commodity_id, window_id,
                CASE
                    WHEN step = 0 THEN 'submitted' WHEN {fate} < 60 THEN 'failed'
                    WHEN {fate} < 63 THEN 'cancelled' WHEN {fate} < 64 THEN 'voided'
                    ELSE 'confirmed' END AS status,
                1 AS quantity,
                {self.at("09:00")}
                    + to_microseconds({chance("order", 10_000_000_000, "n")}::BIGINT)
                    + to_seconds(step::INTEGER) AS event_time
            FROM applied, range(2) AS steps (step)
            WHERE {chance("orders", 100, "n")} < 50"""


# Of a window, by its number `i`. Of ten windows four are lotteries, four go by order, two weigh.
_POLICY = (
    "CASE WHEN i % 5 IN (0, 2) THEN 'lottery' WHEN i % 5 IN (1, 3) THEN 'first_come' "
    "ELSE 'weighted_lottery' END"
)
_IS_TEAM = "i % 20 IN (7, 14, 18)"  # a lottery, a weighted one, and one that goes by order


def _window_id(night: int) -> str:
    return f"'W{night}-' || lpad(i::VARCHAR, 6, '0')"


def main(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, the landing zone.")],
    participations: int = Shape.participations,
    nights: int = Shape.nights,
    hot: float = Shape.hot,
    seed: int = Shape.seed,
    late: float = Shape.late,
    threads: int | None = None,
) -> None:
    """Make a clean landing zone."""
    make(out, Shape(participations, nights, hot, seed, late), threads)


if __name__ == "__main__":
    typer.run(main)
