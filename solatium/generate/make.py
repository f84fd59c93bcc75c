"""Makes a landing zone night by night: what happened, what was logged of it, and when it came."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from solatium.contracts import LANDING, landing
from solatium.errors import UsageError
from solatium.generate import accounts as account_log
from solatium.generate import windows as window_log
from solatium.generate.accounts import Accounts
from solatium.generate.advances import advances
from solatium.generate.applications import applications, participation, pieces
from solatium.generate.chance import Chance, Ints
from solatium.generate.configuration import EXPORTED, as_yaml, configuration
from solatium.generate.dialect import Dialect
from solatium.generate.flaws import LAST_DAY, arrivals, bad_rows
from solatium.generate.logs import numbers, orders_log, participation_log, payment_log, rows
from solatium.generate.orders import fates, orders, payments
from solatium.generate.platform import Streaks, decide
from solatium.generate.spec import GRACE_DAYS, Spec
from solatium.generate.writer import LandingWriter

PIECE = 250_000  # participations that are held in memory at once

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """What was written, and what to run it with; after `last_date` all dates are closed.

    `rows` counts the rows of each landing table, bad ones included.
    """

    landing: Path
    config: Path
    first_date: date
    last_date: date
    rows: dict[str, int]

    def command(self) -> str:
        """The command that runs all nights, into a warehouse beside the logs."""
        warehouse = self.landing.parent / "warehouse"
        return shlex.join(
            [
                *("solatium", "nightly", "--landing", str(self.landing)),
                *("--warehouse", str(warehouse), "--config", str(self.config)),
                *("--date", self.last_date.isoformat()),
            ]
        )


def generate(folder: Path, spec: Spec, piece: int = PIECE) -> Made:
    """Writes `landing/` and `config.yaml` into a new or empty folder.

    The same spec gives the same bytes, and a night is the same however many follow it. `piece`
    bounds the memory, and what is decided by the piece depends on it: in how many parts a large
    window is sold, and which rows are bad or contradicted. Raises UsageError where the spec cannot
    be meant, or the folder holds something.
    """
    spec.check()
    _check_accounts(spec)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder; name one that is new")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(_HEAD + as_yaml(configuration(spec)), encoding="utf-8")
    writer = LandingWriter(folder / "landing")
    platform = _Platform(spec, writer, piece)
    for night in range(spec.nights):
        platform.pass_night(night)
        writer.close()
    closed = spec.first_date + timedelta(days=spec.nights + GRACE_DAYS)
    last_date = max(closed, writer.last_date or closed)
    span = (last_date - spec.first_date).days
    writer.fill(EXPORTED, (spec.first_date + timedelta(days=day) for day in range(span + 1)))
    return Made(
        landing=writer.folder,
        config=folder / "config.yaml",
        first_date=spec.first_date,
        last_date=last_date,
        rows={name: writer.rows[name] for name in LANDING},
    )


def _check_accounts(spec: Spec) -> None:
    """An account takes part in a window once, so the largest window needs as many accounts."""
    ranks = np.arange(spec.window_count, dtype=np.float64)
    largest = int(window_log.counts(spec, ranks).max())
    if largest > spec.account_count:
        raise UsageError(
            f"accounts: {spec.account_count:,} are too few for a window with {largest:,} "
            "participations; ask for more accounts, more windows, or a smaller hot share"
        )


_HEAD = """\
# Made with the logs beside it, to fit them; conf/defaults.yaml says what each key means.
"""


class _Platform:
    """A platform through its nights; only the streaks pass from one to the next."""

    def __init__(self, spec: Spec, writer: LandingWriter, piece: int) -> None:
        self.spec = spec
        self.writer = writer
        self.piece = piece
        self.chance = Chance(spec.seed)
        self.dialect = Dialect(spec.odd_names, spec.local_times)
        self.accounts = Accounts(self.chance, spec.account_count, self._midnight(0))
        self.streaks = Streaks(spec.campaigns + 1)

    def pass_night(self, night: int) -> None:
        midnight = self._midnight(night)
        day = f"{self._date(night):%Y%m%d}"
        windows = window_log.windows_of(self.spec, self.chance, night, midnight, day)
        self.streaks.begin(self.accounts.known(night))
        announced = window_log.versions(windows)
        self._land("windows", night, announced.rows, announced.day, turn=night)
        parts = account_log.logged(self.accounts, night, self.piece)
        for number, (wait, facts) in enumerate(parts):
            versions = account_log.versions(self.accounts, facts, midnight)
            days = np.full(versions.num_rows, wait)
            self._land("accounts", night, versions, days, turn=night + 11 * number)
        for number, piece in enumerate(pieces(windows, self.piece)):
            a = applications(windows, piece, self.accounts)
            paid = advances(a)
            decisions = decide(a, paid.is_in_order, self.streaks)
            fate = fates(a, decisions)
            for name, events, columns in (
                ("participation", participation(a), participation_log(a)),
                ("payment", payments(a, paid, decisions, fate), payment_log(paid)),
                ("orders", orders(decisions, fate), orders_log(a)),
            ):
                came, days = arrivals(
                    events, numbers(a, events), name, midnight, self.spec, self.chance
                )
                turn = night + 11 * number
                self._land(name, night, rows(name, a, came, columns), days, turn)
        self.streaks.end()

    def _land(self, name: str, night: int, logged: pa.Table, days: Ints, turn: int) -> None:
        """Writes rows by the days that they arrive after the night; bad ones come with the first
        day's, where there are many."""
        for day in range(LAST_DAY + 1):
            arrived = logged.filter(pa.array(days == day)) if days.any() else logged
            if not days.any() and day:
                break
            self.writer.write(name, self._date(night + day), self.dialect.write(name, arrived))
            if day == 0 and self.spec.bad:
                bad = bad_rows(arrived, landing(name), self.spec.bad, turn)
                self.writer.write(
                    name, self._date(night), self.dialect.write(name, bad), alone=True
                )

    def _date(self, night: int) -> date:
        return self.spec.first_date + timedelta(days=night)

    def _midnight(self, night: int) -> int:
        """Where a date begins, in microseconds since 1970; taken from its noon, which every zone
        has on every date."""
        noon = datetime.combine(self._date(night), time(12), ZoneInfo(self.spec.timezone))
        return (noon - _EPOCH) // timedelta(microseconds=1) - account_log.DAY // 2
