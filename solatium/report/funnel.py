"""How many accounts came how far, and what held back the others (docs/rules.md sections 4 to 6)."""

from __future__ import annotations

from dataclasses import dataclass

from solatium.report.source import Source

_READY = "qualified and advance_state in ('paid', 'not_required')"


@dataclass(frozen=True)
class Step:
    """A step of the way from application to allocation, in accounts of windows.

    `held_back` counts by reason the accounts that reached the step before and not this one. An
    account with several reasons counts under each.
    """

    name: str
    accounts: int
    held_back: tuple[tuple[str, int], ...] = ()


def funnel(source: Source) -> tuple[Step, ...]:
    """From all participants to the winners of the replay."""
    counts = source.row(
        f"""select count(*) participants, count(*) filter (qualified) qualified,
                   count(*) filter ({_READY}) ready from screened_participants"""
    )
    outcomes = dict(_pairs(source, "select outcome, count(*) from allocations group by 1"))
    in_no_entry = ("not_formed", "team_incomplete", "team_overfull", "no_attempt")
    competing = sum(number for name, number in outcomes.items() if name not in in_no_entry)
    given = ("won", "forfeited", "voided")
    allocated = sum(outcomes.get(name, 0) for name in given)
    reasons = _pairs(
        source,
        """select reason, count(*) from (select unnest(reasons) reason from screened_participants)
           group by 1""",
    )
    unready = _pairs(
        source,
        f"""select advance_state, count(*) from screened_participants
            where qualified and not ({_READY}) group by 1""",
    )
    on_hold = _pairs(
        source,
        """select status, sum(ready)::bigint from window_results
           where status like 'seed%' and ready > 0 group by 1""",
    )

    def among(*names: str) -> tuple[tuple[str, int], ...]:
        return _largest((name, outcomes[name]) for name in names if name in outcomes)

    return (
        Step("applied", counts["participants"]),
        Step("qualified", counts["qualified"], _largest(reasons)),
        Step("ready", counts["ready"], _largest(unready)),
        Step("competed", competing, _largest([*on_hold, *among(*in_no_entry)])),
        Step("allocated", allocated, among("lost", "cannot_fit")),
        Step("won", outcomes.get("won", 0), among("forfeited", "voided")),
    )


def _pairs(source: Source, query: str) -> list[tuple[str, int]]:
    found = []
    for row in source.rows(query):
        name, number = row.values()
        found.append((name, number))
    return found


def _largest(pairs: object) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))  # type: ignore[call-overload]
