"""A night as a whole: all tables from all landing rows (docs/rules.md section 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from reference.accounts import Accounts
from reference.arrivals import Door, open_door
from reference.awards import Award, awards_of
from reference.configuration import Settings
from reference.history import Counted, Streaks, counted_outcomes
from reference.ledger import Ledger
from reference.outcomes import Rush, audit_rows, refund_rows, replay, result_row
from reference.screening import screened, screening_row
from reference.types import Landing, LedgerKey, Row
from reference.windows import Window, due_windows


@dataclass
class Judged:
    """What the due windows came to, in history order."""

    streaks: Streaks
    rushes: list[Rush] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)


class Reference:
    """What every table of the warehouse holds after the night of a date."""

    def __init__(self, config: Row | None = None) -> None:
        self.settings = Settings(config)
        self.ledger = Ledger()

    def judged(self, door: Door, date: date) -> Judged:
        """Every due window judged in history order, on the rows that came in by `date`."""
        accounts = Accounts(door.accepted["accounts"])
        judged = Judged(Streaks(self.settings.scope))
        for windows in by_business_date(due_windows(door, self.settings, date)):
            rushes = [replay(w, screened(w, accounts), judged.streaks) for w in windows]
            outcomes = counted_outcomes(rushes, self.settings)
            for outcome in outcomes:
                judged.streaks.apply(outcome)
            judged.rushes += rushes
            judged.counted += outcomes
            judged.awards += awards_of(outcomes, accounts)
        return judged

    def night(self, landing: Landing, date: date) -> dict[str, list[Row]]:
        """The tables after the run of `date`. Call it for one date after the other."""
        door = open_door(landing, self.settings, date)
        judged = self.judged(door, date)
        rushes, counted, awards = judged.rushes, judged.counted, judged.awards
        self._post(awards, door, date)
        return {
            **door.accepted,
            "quarantine": door.quarantine,
            "screened_participants": [
                screening_row(rush.window, a) for rush in rushes for a in rush.applicants
            ],
            "allocations": [result.row() for rush in rushes for result in rush.results],
            "window_results": [result_row(rush) for rush in rushes],
            "audit_discrepancies": [row for rush in rushes for row in audit_rows(rush)],
            "refunds_due": [row for rush in rushes for row in refund_rows(rush)],
            "account_outcomes": [outcome.row() for outcome in counted],
            "account_history": list(judged.streaks.rows.values()),
            "bonus_awards": [award.row() for award in awards],
            "bonus_ledger": list(self.ledger.entries),
            "bonus_ledger_digests": list(self.ledger.digests),
            "bonus_payouts": self.ledger.payouts(),
            "bonus_waived": list(self.ledger.waivers),
        }

    def _post(self, awards: list[Award], door: Door, run_date: date) -> None:
        """The awards of closed dates go to the ledger."""
        due = {}
        for award in awards:
            window = award.loss.window
            if self.settings.is_closed(window.business_date, run_date):
                due[award.key, window.business_date] = award.amount
                self.ledger.currency[award.key] = window.settings["bonus"]["currency"]

        def claws_back(key: LedgerKey, day: date) -> bool:
            window = door.in_force.get(key[1:])
            campaign_id = window["campaign_id"] if window else None
            return self.settings.on(day, campaign_id)["bonus"]["clawback"]

        self.ledger.post(due, claws_back, run_date)


def by_business_date(windows: list[Window]) -> Iterator[list[Window]]:
    """Windows in history order, one list per date."""
    dates: dict[date, list[Window]] = defaultdict(list)
    for window in windows:
        dates[window.business_date].append(window)
    yield from dates.values()
