"""Breaks each rule once, and sees whether the tests notice: `make mutants`.

A mutant is one change to the library that makes one rule wrong: a `<` for a `<=`, a dropped
tie-break, another scope. It is caught when the quick tests fail on it. Each is tried on a copy of
the project; a line per mutant says what was changed and which test noticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
# in the order in which they are tried: quick ones that catch much come first
TESTS = (
    "tests/stories/test_golden_rulebook.py",
    "tests/rules/test_tickets.py",
    "tests/rules/test_stock.py",
    "tests/rules/test_budget.py",
    "tests/rules/test_ordered_events.py",
    "tests/ledger/test_posting.py",
    "tests/stories/test_golden_nights.py",
    "tests/stories/test_golden_settings.py",
    "tests/stories/test_history_cases.py",
    "tests/rules/test_great_sums.py",
    "tests/rules/test_calendar_edges.py",
    "tests/landing/test_row_rules.py",
    "tests/landing/test_local_times.py",
    "tests/landing/test_sources.py",
    "tests/nightly/test_restatement.py",
)


@dataclass(frozen=True)
class Mutant:
    """In the module `module` the text `old`, which stands there once, becomes `new`."""

    rule: str
    module: str
    old: str
    new: str


MUTANTS = (
    # section 2: windows in force, ingest
    Mutant("the commitment and the seed are those of the earliest version", "dataframes/versions",
           "orderBy(*VERSION_ORDER)", "orderBy(*(F.desc(name) for name in VERSION_ORDER))"),
    Mutant("a seed counts that matches the commitment", "rules/seeds",
           'F.when(matches, F.col("draw_seed"))', 'F.col("draw_seed")'),
    Mutant("a seed that does not match is not called missing", "rules/seeds",
           "F.bool_or(offers & ~matches)", "F.bool_or(~offers)"),
    Mutant("the latest version is in force", "dataframes/versions",
           "F.col(name).desc() for name", "F.col(name).asc() for name"),
    Mutant("a late version is not in force", "rules/windows",
           'versions.where("is_visible")', "versions"),
    Mutant("a version is late after the grace, not on its last day", "rules/windows",
           'return F.col("dt") > F.date_add(', 'return F.col("dt") >= F.date_add('),
    Mutant("a null min_qualified is 0", "rules/windows",
           'F.coalesce("min_qualified", F.lit(0))', 'F.coalesce("min_qualified", F.lit(1))'),
    Mutant("a null limit_per_account is 1", "rules/windows",
           'F.coalesce("limit_per_account", F.lit(1))', 'F.coalesce("limit_per_account", F.lit(2))'),
    Mutant("of conflicting rows the earliest stays", "landing/duplicates",
           'orderBy("repeats", "dt", "event_time", "content")',
           'orderBy("repeats", "dt", "content")'),
    Mutant("of equal rows the earliest counts", "landing/duplicates",
           '"dt", F.col("sequence").asc_nulls_first()',
           'F.desc("dt"), F.col("sequence").asc_nulls_first()'),
    Mutant("of equal rows of a date the smallest sequence counts", "landing/duplicates",
           'F.col("sequence").asc_nulls_first()', 'F.col("sequence").desc_nulls_last()'),
    Mutant("the sequence comes before the id", "dataframes/event_keys",
           '_sequence(), F.col("event_id"), *fields', 'F.col("event_id"), _sequence(), *fields'),
    Mutant("a null sequence comes first", "dataframes/event_keys",
           'return F.lpad(F.hex(inverted), _HEX_DIGITS, "0")',
           'return F.coalesce(F.lpad(F.hex(inverted), _HEX_DIGITS, "0"), F.lit("G"))'),
    Mutant("a negative sequence comes before others", "dataframes/event_keys",
           'F.col("sequence").bitwiseXOR(F.lit(-(2**63)))', 'F.col("sequence")'),
    Mutant("a no positive amount is bad", "landing/row_rules",
           "F.col(c.name) <= F.lit(c.minimum)", "F.col(c.name) < F.lit(c.minimum)"),
    Mutant("applications may close when the rush opens", "landing/row_rules",
           "(closes <= rush)", "(closes < rush)"),
    Mutant("ids have at most 128 characters", "landing/row_rules",
           "between(1, ID_LENGTH)", "between(1, ID_LENGTH + 1)"),
    Mutant("the ids of windows are looked at", "nightly/intake",
           'not found["are_none"]', "True"),
    # section 2: source mapping
    Mutant("clocks are further ahead after a gap", "landing/local_times",
           "before < after", "before > after"),
    Mutant("a time that does not exist is not null as well", "landing/row_rules",
           'out | _nonexistent(column.name) if column.type == "timestamp" else out', "out"),
    Mutant("a number that is no code is not taken for money", "landing/contract_frames",
           "fits &= found.isin(*codes)", "fits &= F.lit(True)"),
    Mutant("a constant holds whatever a file says", "landing/footers",
           "if c.name not in source.constants", "if c.name"),
    # sections 3 and 4: screening
    Mutant("applications close on the open end of the period", "rules/ordered_events",
           '(time < F.col("application_close"))', '(time <= F.col("application_close"))'),
    Mutant("applications open on the closed end of the period", "rules/ordered_events",
           '(time >= F.col("application_open"))', '(time > F.col("application_open"))'),
    Mutant("joined_at is the earliest join since the latest withdrawal", "rules/ordered_events",
           'F.array_min(rejoined)', 'F.array_max(rejoined)'),
    Mutant("who withdrew and joined is looked at in order", "rules/activity",
           'is_marked("joined") & is_marked("withdrew")', 'F.lit(False)'),
    Mutant("of joins with several quantities the latest counts", "rules/activity",
           'changed_mind | has_quantities | may', 'changed_mind | may'),
    Mutant("of joins with several texts the latest counts", "rules/activity",
           '(F.col("joins") > 1)', '(F.col("joins") > 2)'),
    Mutant("order events of one time are looked at in order", "rules/event_sums",
           '(latest != least) | (is_confirmed', '(is_confirmed'),
    Mutant("payments count before the rush", "rules/event_sums",
           '(F.col("event_time") < F.col("rush_open"))', '(F.col("event_time") <= F.col("rush_open"))'),
    Mutant("payments count in the window's currency", "rules/event_sums",
           'F.col("currency") == F.col("window_currency")',
           'F.col("currency") == F.col("currency")'),
    Mutant("an attempt is before the rush closes", "rules/ordered_events",
           '(time < F.col("rush_close"))', '(time <= F.col("rush_close"))'),
    Mutant("of order states the first that holds counts", "rules/event_sums",
           'F.min("order_state").alias("order_state")', 'F.max("order_state").alias("order_state")'),
    Mutant("a version of an account counts at its own time", "rules/screening",
           '(F.col("updated_at") <= F.col("application_close"))',
           '(F.col("updated_at") < F.col("application_close"))'),
    Mutant("an age of exactly the least is enough", "rules/screening",
           "is_seen & (age < least_age)", "is_seen & (age <= least_age)"),
    Mutant("a score of exactly the least is enough", "rules/screening",
           "(score < least_score)", "(score <= least_score)"),
    Mutant("no score is too low", "rules/screening", "(score.isNull() | (score", "((score"),
    Mutant("as many accounts as allowed may share a device", "rules/screening",
           '.where(F.col("count") > most)', '.where(F.col("count") >= most)'),
    Mutant("of a person's accounts the first to join stays", "rules/screening",
           'F.min(time_key(F.col("joined_at"), F.col("account_id")))',
           'F.max(time_key(F.col("joined_at"), F.col("account_id")))'),
    Mutant("only who is clean so far is compared with a person's others", "rules/screening",
           'F.coalesce("shares_person", F.lit(False)) & (F.col("reasons") == 0)',
           'F.coalesce("shares_person", F.lit(False))'),
    # section 5: entries and order
    Mutant("a window is formed with exactly min_qualified", "rules/entries",
           'F.col("ready") >= F.col("min_qualified")', 'F.col("ready") > F.col("min_qualified")'),
    Mutant("an order for less makes an entry smaller", "rules/entries",
           'F.least("quantity", ordered)', 'F.greatest("quantity", ordered)'),
    Mutant("an order for nothing asks for the quantity", "rules/entries", "ordered >= 1", "ordered >= 0"),
    Mutant("a team of exactly team_min is complete", "rules/entries",
           'F.size("members") >= F.col("team_min")', 'F.size("members") > F.col("team_min")'),
    Mutant("a team has team_max members", "rules/entries",
           'F.col("position") >= F.col("team_max")', 'F.col("position") > F.col("team_max")'),
    Mutant("a team asks for what team_max members ask for", "rules/entries",
           'F.lit(1), F.col("team_max")', 'F.lit(1), F.col("team_max") + 1'),
    Mutant("members who join at one time are ordered by their ids", "rules/entries",
           'F.struct("joined_at", "account_id"',
           'F.struct("joined_at", F.translate("account_id", "az", "za").alias("x"), "account_id"'),
    Mutant("a team's attempt is its earliest", "rules/entries",
           'F.least(team["attempt"]', 'F.greatest(team["attempt"]'),
    Mutant("a team's orders are judged together", "rules/entries",
           'F.least(team["order_state"]', 'F.greatest(team["order_state"]'),
    Mutant("the mean of a team's points is rounded up from the half", "rules/weights",
           'F.sum("points") * 2 + F.count("*")', 'F.sum("points") * 2'),
    Mutant("the weight is one more than the points", "rules/weights",
           'F.least(F.coalesce("points", F.lit(0)), most) + 1',
           'F.greatest(F.least(F.coalesce("points", F.lit(0)), most), F.lit(1))'),
    Mutant("points are cut to the cap", "rules/weights",
           'F.least(F.coalesce("points", F.lit(0)), most) + 1',
           'F.coalesce("points", F.lit(0)) + 1'),
    Mutant("four tickets come of one hash", "rules/tickets", "_TO_A_HASH = 4", "_TO_A_HASH = 3"),
    Mutant("the smallest ticket counts", "rules/tickets", "F.array_min(", "F.array_max("),
    Mutant("tickets of one rank are ordered by their last digit", "rules/tickets",
           "return F.concat(F.substring(ticket, _LEADING + 1, 1), entry_id)", "return entry_id"),
    Mutant("an entry that does not fit is passed over", "rules/stock",
           'return [in_order.where("fits"), _greedy(candidates)]',
           'return [in_order.where("fits")]'),
    Mutant("an entry that fits exactly wins", "rules/stock",
           'entry["size"].cast("bigint") <= state["left"]',
           'entry["size"].cast("bigint") < state["left"]'),
    # section 6: outcomes and audit
    Mutant("an entry as large as the stock can fit", "rules/allocation",
           '(F.col("size") > F.col("stock"), "cannot_fit")',
           '(F.col("size") >= F.col("stock"), "cannot_fit")'),
    Mutant("a forfeit needs a cancelled order, not a voided one", "rules/allocation",
           '(state == ORDER_STATES.index("cancelled"), "forfeited")',
           '(state == ORDER_STATES.index("voided"), "forfeited")'),
    Mutant("the platform's forfeits were confirmed before", "rules/platform_audit",
           '(state == _CANCELLED) & F.col("cancelled_after_confirmation")', "(state == _CANCELLED)"),
    Mutant("teams are counted once", "rules/allocation",
           'count_where(leads).alias("entries")', 'F.count("entry_id").alias("entries")'),
    Mutant("oversold is what is sold beyond the stock", "rules/window_results",
           'F.greatest(F.col("sold") - F.col("stock"), F.lit(0))', 'F.col("sold")'),
    Mutant("the audit names who never was ready", "rules/platform_audit",
           "of_ready.unionByName(of_others)", "of_ready"),
    Mutant("who forfeits gets no advance back", "rules/refunds",
           '.isin(*KEEPS_THE_ADVANCE)', '.isin("won")'),
    # section 7: history
    Mutant("the scope is the category", "rules/history",
           '"category": "category"}', '"category": "campaign_id"}'),
    Mutant("a streak expires after more than the days", "rules/history",
           "F.datediff(day, previous) > most", "F.datediff(day, previous) >= most"),
    Mutant("an attempt is within the seconds when it is before their end", "rules/history",
           "(waited >= limit)", "(waited > limit)"),
    Mutant("an advance of exactly the least counts", "rules/history",
           "(advance >= least)", "(advance > least)"),
    Mutant("of a date as many losses count as are allowed", "rules/history",
           '(losses < most)', '(losses <= most)'),
    Mutant("history order goes by rush_close before the ids", "rules/history",
           'ORDER = ("business_date", "rush_close", *WINDOW)', 'ORDER = ("business_date", *WINDOW, "rush_close")'),
    Mutant("the streak of a history is that of its last outcome", "rules/history",
           'F.max(F.col("position")', 'F.min(F.col("position")'),
    Mutant("a forfeit resets the streak where it shall", "rules/history",
           '| ((result == "forfeited") & resets)', ""),
    Mutant("outcomes of the platform can count", "rules/history",
           'settings.outcome_source == "replay"', "True"),
    # section 8: bonus and ledger
    Mutant("a tier begins at its min_failures", "rules/tiers",
           "F.when(streak >= tier.min_failures", "F.when(streak > tier.min_failures"),
    Mutant("half a cent goes to the even one", "rules/tiers",
           "((twice == denominator) & (whole % 2 == 1))", "(twice == denominator)"),
    Mutant("an award is cut to the greatest", "rules/tiers",
           "F.least(amount, most)", "amount"),
    Mutant("who was served by the platform gets nothing", "rules/bonus",
           'F.col("platform_outcome") == "won", nothing', "F.lit(False), nothing"),
    Mutant("who is blacklisted gets nothing", "rules/accounts",
           'return (F.col("status") == "active") & ~F.coalesce("blacklisted", F.lit(False))',
           'return F.col("status") == "active"'),
    Mutant("caps are taken up in history order", "rules/caps",
           'of_day.orderBy("rush_close", *WINDOW)', 'of_day.orderBy(F.desc("rush_close"), *WINDOW)'),
    Mutant("a cap is one for a date and campaign", "rules/caps",
           'Window.partitionBy("account_id", "business_date", "campaign_id")',
           'Window.partitionBy("account_id", "business_date")'),
    Mutant("pay_from is the first date that is paid", "rules/tiers",
           'F.col("business_date") >= pay_from', 'F.col("business_date") > pay_from'),
    Mutant("cents left over go to the largest fractions", "rules/budget",
           "rank = -F.when(is_wide, high)", "rank = F.when(is_wide, high)"),
    Mutant("cents left over go to the largest of wide fractions too", "rules/budget",
           "(F.lit(_TEN_DIGITS - 1) - rest)", "rest"),
    Mutant("a business date is in the calendar", "rules/windows",
           "F.least(closing, F.lit(LAST_DATE))", "closing"),
    Mutant("a sum of payments is written as the greatest amount at most", "dataframes/money",
           "F.when(total > most, most)", "F.when(total > most, F.lit(None))"),
    Mutant("a team beyond every stock cannot fit", "rules/allocation",
           '(F.col("size") > F.col("stock"), "cannot_fit")',
           '(F.least("size", F.lit(2**31 - 1)) > F.col("stock"), "cannot_fit")'),
    Mutant("fractions that are equal go by account", "rules/budget",
           'F.concat_ws(END, "account_id", "commodity_id", "window_id")',
           'F.concat_ws(END, "window_id", "commodity_id", F.reverse("account_id"))'),
    Mutant("a budget that is met exactly is not exceeded", "rules/budget",
           'F.col("total") > F.col("budget")', 'F.col("total") >= F.col("budget") - 1'),
    Mutant("without clawback nothing is taken back", "ledger/posting",
           "F.when(claws_back, exactly).otherwise(F.greatest(exactly, F.lit(0)))", "exactly"),
    Mutant("revisions are counted", "ledger/posting",
           'F.col("revision").cast("string")', 'F.lit("0")'),
    # section 9: settings by date and campaign
    Mutant("a change holds from its date on", "settings/regimes",
           "(business_date >= F.lit(day))", "(business_date > F.lit(day))"),
    Mutant("a campaign has its own settings", "settings/regimes",
           "place = period * (len(self._campaigns) + 1) + campaign + 1",
           "place = period * (len(self._campaigns) + 1) + 1"),
    # section 10: closed dates judged again
    Mutant("rows of all business dates are accepted", "nightly/intake",
           'days(here, "business_date")', 'days(here, "business_date")[:1]'),
    Mutant("rows that came on another date alone touch nothing", "nightly/changed_files",
           '.where("count = 1")', '.where("count >= 1")'),
    Mutant("rows that no file has any more are gone", "nightly/changed_files",
           'remaining = was.join(gone, on=_ROW, how="left_anti")', 'remaining = was'),
    Mutant("a version that a window does not see does not touch it", "nightly/touched",
           'F.max(F.when(in_time, F.col("mark"))).alias("facts")', 'F.max(F.col("mark")).alias("facts")'),
    Mutant("a version that decides on a bonus awards again", "nightly/restatement",
           "sorted({*judged, *counted, *to_award})", "sorted({*judged, *counted})"),
    Mutant("other points touch a weighted lottery", "nightly/touched",
           'where("points_then <> points_now")', 'where("points_then < points_now")'),
    Mutant("what was judged anew since is not what a commit had closed", "nightly/past_history",
           "judged_since = min(judged_since, commit.judged_from)", "judged_since = first"),
    Mutant("windows that are gone are taken out", "rules/windows",
           'both = new.join(old, on=WINDOW, how="full")',
           'both = new.join(old, on=WINDOW, how="left")'),
)  # fmt: skip


def problem_with(mutant: Mutant) -> str | None:
    text = (ROOT / "solatium" / f"{mutant.module}.py").read_text()
    found = text.count(mutant.old)
    return None if found == 1 else f"{mutant.rule}: stands {found} times in {mutant.module}"


def noticed_by(mutant: Mutant, copy: Path) -> str | None:
    """The first test that fails on a mutant."""
    place = copy / "solatium" / f"{mutant.module}.py"
    original = place.read_text()
    place.write_text(original.replace(mutant.old, mutant.new))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    # those of its own room come first
    room = mutant.module.split("/")[0]
    tests = sorted(TESTS, key=lambda test: not test.startswith(f"tests/{room}/"))
    command += ["-m", "not torture", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    finally:
        place.write_text(original)
    if ended.returncode == 0:
        return None
    lines = ended.stdout.splitlines()
    named = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return (named or lines[-1:] or [ended.stderr[-200:]])[0]


def main(rules: list[str]) -> None:
    """Tries all mutants, or those whose rule has one of the given words in it."""
    chosen = [m for m in MUTANTS if not rules or any(word in m.rule for word in rules)]
    problems = [problem for mutant in chosen if (problem := problem_with(mutant))]
    if problems:
        raise SystemExit("\n".join(["the library has changed; change the mutants:", *problems]))
    survived = 0
    with TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "project"
        leave = shutil.ignore_patterns(".venv", ".git", "build", "dist", ".*_cache", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=leave)
        for mutant in chosen:
            by = noticed_by(mutant, copy)
            survived += by is None
            said = "SURVIVED" if by is None else f"caught: {by[:120]}"
            sys.stdout.write(f"{mutant.module}: {mutant.rule}: {said}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} mutants, {survived} survived\n")
    raise SystemExit(1 if survived else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
