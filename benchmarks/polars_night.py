"""One clean first night in Polars, as one would write it by hand for just this night.

It writes the same tables, and takes the same for granted, as benchmarks/duckdb_night.py.

    python -m benchmarks.polars_night LANDING OUT DATE
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
from polars import col

from benchmarks.by_hand import EVENTS, IDS, MAX_LOSSES_A_DAY, TABLES, TIMEZONE

MONEY = pl.Decimal(18, 2)

WINDOW = ["commodity_id", "window_id"]
ACCOUNT = ["w", "account_id"]

WELL_FORMED = r"^[^|\x00-\x1f\x7f-\x9f]{1,128}$"
OPTIONAL = {
    "participation": ("team_id", "quantity", "device_id"),
    "orders": ("quantity",),
    "windows": (
        "campaign_id",
        "category",
        "team_min",
        "team_max",
        "limit_per_account",
        "min_qualified",
        "draw_seed",
        "seed_commitment",
    ),
    "accounts": ("credit_score", "blacklisted", "person_id"),
}
ALLOWED = {
    "event_type": ("join", "withdraw"),
    "kind": ("advance_paid", "advance_refunded", "balance_paid", "balance_refunded"),
    "policy": ("first_come", "lottery", "weighted_lottery"),
    "unit": ("individual", "team"),
}
STATES = {
    "orders": ("confirmed", "submitted", "cancelled", "voided", "failed"),
    "accounts": ("active", "suspended", "closed"),
}
CONFIRMED, CANCELLED, VOIDED = 0, 2, 3  # places of orders' states, the first that holds


def night(landing: Path, out: Path, date: str) -> None:
    """Reads the landing zone and writes the tables of the night of `date`."""
    out.mkdir(parents=True, exist_ok=True)
    day = pl.lit(date).str.to_date()
    landed = {
        table: pl.scan_parquet(landing / table / "dt=*" / "*.parquet", hive_partitioning=True)
        .with_columns(col("dt").cast(pl.Date))
        .filter(col("dt") <= day)
        for table in TABLES
    }
    refuse_bad_rows(landed)

    windows = number_windows(landed["windows"])
    accounts = landed["accounts"].select(
        "account_id", "status", "blacklisted", "registered_at", "person_id"
    )
    accounts = accounts.collect().lazy()
    dates = windows.select(*WINDOW, "business_date").lazy()
    for table in EVENTS:
        columns = landed[table].collect_schema().names()
        accepted = landed[table].join(dates, on=WINDOW)
        no_sequence = pl.lit(None, pl.Int64).alias("sequence")
        accepted.select(*columns, no_sequence, "business_date").sink_parquet(
            out / f"{table}.parquet"
        )
    for table in ("windows", "accounts"):
        landed[table].sink_parquet(out / f"{table}.parquet")

    applied = latest_applications(landed["participation"], windows)
    paid = advances(landed["payment"], windows)
    ordered = order_states(landed["orders"], windows)
    screened = screen(applied, windows, accounts, paid)
    entered = enter(screened, windows, ordered)
    allocated = allocate(entered, place(entered, windows), windows)
    counted = count(allocated)
    awarded = award(counted, accounts)
    posted = post(awarded, windows, day)

    keys = windows.select("w", *WINDOW, "business_date").lazy()

    def write(table: str, rows: pl.LazyFrame, *columns: str | pl.Expr) -> None:
        rows.select(*columns).sink_parquet(out / f"{table}.parquet")

    key = (*WINDOW, "account_id", "business_date")
    write(
        "screened_participants",
        screened.lazy().join(keys, on="w"),
        *key,
        "joined_at",
        "team_id",
        pl.lit(1, pl.Int32).alias("quantity"),
        (col("reasons").list.len() == 0).alias("qualified"),
        "reasons",
        "advance_state",
        "advance_net",
    )
    write(
        "allocations",
        allocated.lazy().join(keys, on="w"),
        *key,
        "entry_id",
        "size",
        "ticket",
        "weight",
        "attempted_at",
        "outcome",
        "platform_outcome",
        pl.lit(1, pl.Int32).alias("quantity"),
    )
    write("window_results", results(windows, screened, allocated, ordered), pl.all())
    write("audit_discrepancies", audit(allocated, ordered).join(keys, on="w"), *key, "kind")
    currencies = windows.select("w", "currency").lazy()
    owed = refunds(paid, allocated).join(keys, on="w").join(currencies, on="w")
    write("refunds_due", owed, *key, "outcome", "amount", "currency")
    write(
        "account_outcomes",
        counted.lazy().join(keys, on="w"),
        "account_id",
        pl.lit("").alias("scope"),
        *WINDOW,
        "business_date",
        col("outcome").alias("result"),
        col("streak").alias("consecutive_failures"),
    )
    write("account_history", history(counted.lazy().join(keys, on="w")), pl.all())
    write(
        "bonus_awards",
        awarded.lazy().join(keys, on="w"),
        "account_id",
        *WINDOW,
        "business_date",
        col("streak").alias("consecutive_failures"),
        "raw_amount",
        "amount",
        pl.lit("CNY").alias("currency"),
        "reason",
    )
    write("bonus_ledger", posted.lazy(), pl.all())
    payouts = posted.lazy().group_by("account_id", "run_date", "currency")
    payout_id = pl.concat_str(pl.lit("0|"), "account_id")
    write(
        "bonus_payouts",
        payouts.agg(col("amount").sum().cast(MONEY), pl.len().cast(pl.Int32).alias("entries")),
        payout_id.map_batches(digests, return_dtype=pl.String).alias("payout_id"),
        pl.lit(0, pl.Int32).alias("posting"),
        "account_id",
        "run_date",
        "amount",
        "entries",
        "currency",
    )
    write(
        "bonus_waived",
        posted.lazy().head(0),
        "account_id",
        *WINDOW,
        "business_date",
        "amount",
        "currency",
        "run_date",
    )
    texts = dict.fromkeys(("source", "event_id", "payload"), pl.String)
    quarantine = pl.LazyFrame(schema={**texts, "dt": pl.Date, "reasons": pl.List(pl.String)})
    write("quarantine", quarantine, "source", "dt", "event_id", "reasons", "payload")


def refuse_bad_rows(landed: dict[str, pl.LazyFrame]) -> None:
    """Ends the night where a row breaks its contract, or an event id comes twice."""
    known = landed["windows"].select(WINDOW)
    for table, rows in landed.items():
        names = rows.collect_schema().names()
        is_bad = [col(n).is_null() for n in names if n not in OPTIONAL.get(table, ())]
        is_bad += [~col(n).str.contains(WELL_FORMED) for n in IDS if n in names]
        is_bad += [~col(n).is_in(values) for n, values in ALLOWED.items() if n in names]
        if table in STATES:
            is_bad.append(~col("status").is_in(STATES[table]))
        if table == "payment":
            is_bad.append(col("amount") <= 0)
        if table == "windows":
            opens, closes = col("application_open"), col("application_close")
            is_bad.append((opens >= closes) | (closes > col("rush_open")))
            is_bad.append(col("rush_open") >= col("rush_close"))
            is_bad.append((col("stock") < 0) | (col("advance_amount") < 0))
            sizes = (col("team_min") >= 1) & (col("team_min") <= col("team_max"))
            is_bad.append((col("unit") == "team") & ~sizes.fill_null(False))
        bad = rows.select(pl.any_horizontal(is_bad).sum())
        asked = [bad]
        if table in EVENTS:
            # equal hashes of different ids would be a false alarm, and no loss
            key = pl.struct(*WINDOW, "event_id").hash()
            asked.append(rows.select(pl.len() - key.n_unique()))
            asked.append(rows.join(known, on=WINDOW, how="anti").select(pl.len()))
        found = [frame.item() for frame in pl.collect_all(asked, engine="streaming")]
        if any(found):
            sys.exit(f"{table}: bad rows, ids that come twice, unknown windows: {found}")


def number_windows(windows: pl.LazyFrame) -> pl.DataFrame:
    """The windows with their dates; `w` numbers them in history order, and stands for their key."""
    local = col("rush_close").dt.convert_time_zone(TIMEZONE)
    ordered = windows.sort("rush_close", *WINDOW).with_row_index("w")
    return ordered.with_columns(
        col("w").cast(pl.Int16), local.dt.date().alias("business_date")
    ).collect()


def latest_applications(participation: pl.LazyFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """An account in a window: its last word in the application period, and when it first joined
    after its last withdrawal."""
    times = windows.lazy().select("w", *WINDOW, "application_open", "application_close")
    time = col("event_time")
    events = (
        participation.select(*WINDOW, "account_id", "event_type", "team_id", time, "event_id")
        .join(times, on=WINDOW)
        .select(
            *ACCOUNT,
            (col("event_type") == "join").alias("is_join"),
            "team_id",
            time,
            "event_id",
            ((time >= col("application_open")) & (time < col("application_close"))).alias("counts"),
        )
        .collect(engine="streaming")
    )
    inside = events.filter("counts").sort("event_time", "event_id").drop("event_id", "counts")
    inside = inside.with_row_index("place")
    grouped = (
        inside.lazy()
        .group_by(ACCOUNT)
        .agg(
            col("is_join").last().alias("is_in"),
            col("team_id").last(),
            col("event_time").filter("is_join").min().alias("first_join"),
            col("place").filter(~col("is_join")).max().alias("withdrawn"),
        )
        .collect()
    )
    left = grouped.lazy().filter(col("withdrawn").is_not_null()).select(*ACCOUNT, "withdrawn")
    returned = (
        inside.lazy()
        .join(left, on=ACCOUNT)
        .filter(col("is_join") & (col("place") > col("withdrawn")))
        .group_by(ACCOUNT)
        .agg(col("event_time").min().alias("returned"))
    )
    outside = (
        events.lazy().filter(~col("counts")).select(ACCOUNT).unique().join(
            grouped.lazy(), on=ACCOUNT, how="anti"
        )
    )  # fmt: skip
    joined_at = pl.when(col("withdrawn").is_null()).then("first_join").otherwise("returned")
    applied = grouped.lazy().join(returned, on=ACCOUNT, how="left")
    applied = applied.with_columns(
        pl.lit(True).alias("has_applied"),
        pl.when("is_in").then(joined_at).alias("joined_at"),
        pl.when("is_in").then("team_id").alias("team_id"),
    )
    names = (*ACCOUNT, "has_applied", "is_in", "joined_at", "team_id")
    never = outside.with_columns(
        pl.lit(False).alias("has_applied"),
        pl.lit(False).alias("is_in"),
        pl.lit(None, inside.schema["event_time"]).alias("joined_at"),
        pl.lit(None, pl.String).alias("team_id"),
    )
    return pl.concat([applied.select(names), never.select(names)]).collect()


def advances(payment: pl.LazyFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Advance payments in the currency of the window: before the rush, and in all."""
    facts = windows.lazy().select("w", *WINDOW, "rush_open", col("currency").alias("asked"))
    nothing = pl.lit(0).cast(MONEY)
    amount = col("amount")
    signed = (
        pl.when(col("kind") == "advance_paid").then(amount)
        .when(col("kind") == "advance_refunded").then(nothing - amount)
        .otherwise(nothing)
    )  # fmt: skip
    is_before = col("event_time") < col("rush_open")
    return (
        payment.join(facts, on=WINDOW)
        .filter(col("currency") == col("asked"))
        .select(
            *ACCOUNT,
            signed.cast(MONEY).alias("signed"),
            is_before.alias("is_before"),
            (is_before & (col("kind") == "advance_paid")).alias("has_paid"),
        )
        .with_columns(pl.when("is_before").then("signed").otherwise(nothing).alias("before"))
        .group_by(ACCOUNT)
        .agg(
            col("before").sum().cast(MONEY).alias("net_before"),
            col("has_paid").any(),
            col("signed").sum().cast(MONEY).alias("net"),
        )
        .collect(engine="streaming")
    )


def order_states(orders: pl.LazyFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Orders of an account in a window: `state` is a place in STATES, `attempt` the place in time
    of the first submission in the rush, and `attempted_at` its time."""
    times = windows.lazy().select("w", *WINDOW, "rush_open", "rush_close")
    places = {name: place for place, name in enumerate(STATES["orders"])}
    time = col("event_time")
    in_rush = (time >= col("rush_open")) & (time < col("rush_close"))
    events = (
        orders.join(times, on=WINDOW)
        .select(
            *ACCOUNT,
            "order_id",
            col("status").replace_strict(places, return_dtype=pl.Int8).alias("state"),
            (in_rush & (col("status") == "submitted")).alias("tries"),
            "event_time",
            "event_id",
        )
        .collect(engine="streaming")
        .sort("event_time", "event_id")
        .drop("event_id")
        .with_row_index("place")
    )
    of_order = (
        events.lazy()
        .group_by(*ACCOUNT, "order_id")
        .agg(
            col("state").last(),
            (col("state") == CONFIRMED).any().alias("was_confirmed"),
            col("place").filter("tries").min().alias("attempt"),
            col("event_time").filter("tries").min().alias("attempted_at"),
        )
    )
    given_up = [
        ((col("state") == state) & col("was_confirmed")).any().alias(name)
        for state, name in ((CANCELLED, "was_cancelled"), (VOIDED, "was_voided"))
    ]
    return (
        of_order.group_by(ACCOUNT)
        .agg(
            *given_up,
            col("state").min(),
            col("attempt").min(),
            col("attempted_at").min(),
            (col("state") == CONFIRMED).sum().alias("sold"),
        )
        .collect()
    )


def screen(
    applied: pl.DataFrame, windows: pl.DataFrame, accounts: pl.LazyFrame, paid: pl.DataFrame
) -> pl.DataFrame:
    """Reasons and advance states. Few people have two accounts, so only theirs are put in order."""
    facts = windows.lazy().select("w", "application_open", "unit", "advance_amount")
    is_in, is_known = col("is_in"), col("status").is_not_null()
    codes = {
        "outside_application_period": ~col("has_applied"),
        "withdrawn": col("has_applied") & ~is_in,
        "account_unknown": ~is_known,
        "account_not_active": col("status") != "active",
        "account_blacklisted": col("blacklisted"),
        "account_too_new": col("registered_at") > col("application_open"),
        "team_missing": is_in & (col("unit") == "team") & col("team_id").is_null(),
    }
    reasons = [pl.when(holds).then(pl.lit(code)) for code, holds in codes.items()]
    net, due = col("net_before").fill_null(0).cast(MONEY), col("advance_amount")
    state = (
        pl.when(due == 0).then(pl.lit("not_required"))
        .when(net >= due).then(pl.lit("paid"))
        .when(net > 0).then(pl.lit("partial"))
        .when(col("has_paid")).then(pl.lit("refunded"))
        .otherwise(pl.lit("unpaid"))
    )  # fmt: skip
    judged = (
        applied.lazy()
        .join(facts, on="w")
        .join(accounts, on="account_id", how="left")
        .join(paid.lazy().drop("net"), on=ACCOUNT, how="left")
        .select(
            *ACCOUNT,
            "joined_at",
            "team_id",
            "person_id",
            pl.concat_list(reasons).list.drop_nulls().alias("reasons"),
            state.alias("advance_state"),
            net.alias("advance_net"),
        )
        .collect()
    )
    people = accounts.filter(col("person_id").is_not_null()).group_by("person_id")
    shared = people.len().filter(col("len") > 1)
    doubles = (
        judged.lazy()
        .filter(col("reasons").list.len() == 0)
        .join(shared, on="person_id", how="semi")
        .sort("w", "person_id", "joined_at", "account_id")
        .select(*ACCOUNT, pl.int_range(pl.len()).over("w", "person_id").alias("earlier"))
        .filter(col("earlier") > 0)
    )
    double = pl.concat_list(pl.lit("duplicate_person"))
    return (
        judged.lazy()
        .join(doubles, on=ACCOUNT, how="left")
        .with_columns(
            pl.when(col("earlier") > 0).then(double).otherwise("reasons").alias("reasons")
        )
        .drop("person_id", "earlier")
        .collect()
    )


def enter(screened: pl.DataFrame, windows: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
    """Ready accounts, each with the entry that competes for it, where it has one."""
    facts = windows.lazy().select("w", "unit", "team_min", "team_max")
    is_ready = col("advance_state").is_in(("paid", "not_required"))
    ready = (
        screened.lazy()
        .filter((col("reasons").list.len() == 0) & is_ready)
        .select(*ACCOUNT, "joined_at", "team_id")
        .join(facts, on="w")
        .join(ordered.lazy().drop("sold"), on=ACCOUNT, how="left")
        .collect()
    )
    own = (col("account_id").alias("entry_id"), pl.lit(1, pl.Int32).alias("size"))
    alone = ready.lazy().filter(col("unit") == "individual")
    alone = alone.with_columns(*own, pl.lit(None, pl.String).alias("left_out"))

    team = ["w", "team_id"]
    teams = (
        ready.lazy()
        .filter(col("unit") == "team")
        .sort(*team, "joined_at", "account_id")
        .with_columns(
            pl.int_range(pl.len()).over(team).alias("earlier"), pl.len().over(team).alias("mates")
        )
    )
    is_whole, is_over = col("mates") >= col("team_min"), col("earlier") >= col("team_max")
    orders = ["attempt", "attempted_at", "state", "was_cancelled", "was_voided"]
    of_team = (
        teams.filter(is_whole & ~is_over)
        .group_by(team)
        .agg(
            col("account_id").len().cast(pl.Int32).alias("size"),
            *(col(name).min() for name in orders[:3]),
            *(col(name).max() for name in orders[3:]),
        )
    )
    members = teams.filter(is_whole & ~is_over).drop(orders).join(of_team, on=team)
    members = members.with_columns(
        col("team_id").alias("entry_id"), pl.lit(None, pl.String).alias("left_out")
    )
    why = pl.when(is_over).then(pl.lit("team_overfull")).otherwise(pl.lit("team_incomplete"))
    others = teams.filter(~is_whole | is_over).with_columns(
        pl.lit(None, pl.String).alias("entry_id"),
        pl.lit(None, pl.Int32).alias("size"),
        why.alias("left_out"),
    )
    names = [*ACCOUNT, "unit", "entry_id", "size", *orders, "left_out"]
    return pl.concat([part.select(names) for part in (alone, members, others)]).collect()


def place(entered: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """What competes, with its ticket. All entries of a window have one size, so the first ones
    fit."""
    facts = windows.lazy().select("w", *WINDOW, "policy", "stock", "draw_seed")
    entries = entered.lazy().filter(col("entry_id").is_not_null())
    entries = entries.select("w", "unit", "entry_id", "size", "attempt")
    alone = entries.filter(col("unit") == "individual")
    teams = entries.filter(col("unit") == "team").unique()
    entries = pl.concat([alone, teams]).join(facts, on="w")

    is_drawn = col("policy") != "first_come"
    said = pl.concat_str("draw_seed", *WINDOW, "entry_id", pl.lit("0"), separator="|")
    ticket = said.map_batches(digests, return_dtype=pl.String).str.head(16)
    drawn = entries.filter(is_drawn).with_columns(ticket.alias("ticket"))
    tried = entries.filter(~is_drawn & col("attempt").is_not_null())
    tried = tried.with_columns(pl.lit(None, pl.String).alias("ticket"))
    number = pl.int_range(1, pl.len() + 1).over("w")
    return (
        pl.concat([drawn.sort("w", "ticket", "entry_id"), tried.sort("w", "attempt")])
        .select("w", "entry_id", "ticket", (number * col("size") <= col("stock")).alias("wins"))
        .collect()
    )


def digests(texts: pl.Series) -> pl.Series:
    """SHA-256 of each text, as lower-case hex digits; Polars has none of its own."""
    return pl.Series(texts.name, [sha256(text.encode()).hexdigest() for text in texts], pl.String)


def allocate(
    entered: pl.DataFrame, placed: pl.DataFrame, windows: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    facts = windows.lazy().select("w", "policy", "stock")
    state = col("state")
    outcome = (
        pl.when(col("left_out").is_not_null()).then("left_out")
        .when(col("wins").is_null()).then(pl.lit("no_attempt"))
        .when(col("size") > col("stock")).then(pl.lit("cannot_fit"))
        .when(~col("wins")).then(pl.lit("lost"))
        .when(state == CANCELLED).then(pl.lit("forfeited"))
        .when(state == VOIDED).then(pl.lit("voided"))
        .otherwise(pl.lit("won"))
    )  # fmt: skip
    by_platform = (
        pl.when(state.is_null()).then(pl.lit("none"))
        .when(state == CONFIRMED).then(pl.lit("won"))
        .when((state == CANCELLED) & col("was_cancelled")).then(pl.lit("forfeited"))
        .when((state == VOIDED) & col("was_voided")).then(pl.lit("voided"))
        .otherwise(pl.lit("lost"))
    )  # fmt: skip
    competes = (col("policy") == "first_come") & col("entry_id").is_not_null()
    attempted_at = pl.when(competes).then("attempted_at")
    return (
        entered.lazy()
        .join(placed.lazy(), on=["w", "entry_id"], how="left")
        .join(facts, on="w")
        .select(
            *ACCOUNT,
            "unit",
            "entry_id",
            "size",
            "ticket",
            pl.when(col("ticket").is_not_null()).then(pl.lit(1, pl.Int32)).alias("weight"),
            attempted_at.alias("attempted_at"),
            outcome.alias("outcome"),
            by_platform.alias("platform_outcome"),
        )
        .collect()
    )


def results(
    windows: pl.DataFrame, screened: pl.DataFrame, allocated: pl.DataFrame, ordered: pl.DataFrame
) -> pl.LazyFrame:
    """`window_results`."""
    outcome = col("outcome")
    qualified = col("reasons").list.len() == 0
    is_ready = qualified & col("advance_state").is_in(("paid", "not_required"))
    people = (
        screened.lazy()
        .group_by("w")
        .agg(
            pl.len().alias("participants"),
            qualified.sum().alias("qualified"),
            is_ready.sum().alias("ready"),
        )
    )
    by_account = (
        allocated.lazy()
        .group_by("w")
        .agg(
            (outcome == "won").sum().alias("winners"),
            (outcome == "lost").sum().alias("losers"),
            (outcome == "forfeited").sum().alias("forfeits"),
            outcome.is_in(("won", "forfeited", "voided")).sum().alias("allocated_units"),
        )
    )
    competing = allocated.lazy().filter(col("entry_id").is_not_null())
    competing = competing.select("w", "unit", "entry_id", (outcome != "no_attempt").alias("tried"))
    alone = competing.filter(col("unit") == "individual")
    teams = competing.filter(col("unit") == "team").unique()
    by_entry = pl.concat([alone, teams]).group_by("w")
    entries = by_entry.agg(pl.len().alias("entries"), col("tried").sum().alias("attempts"))
    sales = ordered.lazy().group_by("w").agg(col("sold").sum().cast(pl.Int64))
    counts = (
        "participants", "qualified", "ready", "entries", "attempts", "winners", "losers",
        "forfeits", "allocated_units",
    )  # fmt: skip
    joined = windows.lazy()
    for numbers in (people, by_account, entries, sales):
        joined = joined.join(numbers, on="w", how="left")
    oversold = (col("sold").fill_null(0) - col("stock")).clip(lower_bound=0)
    return joined.select(
        *WINDOW,
        "business_date",
        pl.lit("allocated").alias("status"),
        "policy",
        "unit",
        "stock",
        *(col(name).fill_null(0).cast(pl.Int64) for name in counts),
        oversold.alias("oversold_units"),
    )


def audit(allocated: pl.DataFrame, ordered: pl.DataFrame) -> pl.LazyFrame:
    """Accounts on whose `won` replay and platform disagree; all that have orders are looked at."""
    replay = allocated.lazy().select(*ACCOUNT, "outcome", "platform_outcome")
    platform = ordered.lazy().select(*ACCOUNT, "state")
    by_replay = (col("outcome") == "won").fill_null(False)
    by_orders = (col("state") == CONFIRMED).fill_null(False)
    by_platform = (col("platform_outcome") == "won").fill_null(by_orders)
    over, under = pl.lit("should_not_have_won"), pl.lit("should_have_won")
    kind = pl.when(by_replay).then(under).otherwise(over)
    both = replay.join(platform, on=ACCOUNT, how="full", coalesce=True)
    return both.filter(by_replay != by_platform).select(*ACCOUNT, kind.alias("kind"))


def refunds(paid: pl.DataFrame, allocated: pl.DataFrame) -> pl.LazyFrame:
    """Advances that the platform still holds, of accounts that neither won nor forfeited."""
    outcome = col("outcome").fill_null("not_ready")
    return (
        paid.lazy()
        .filter(col("net") > 0)
        .join(allocated.lazy().select(*ACCOUNT, "outcome"), on=ACCOUNT, how="left")
        .filter(~outcome.is_in(("won", "forfeited")))
        .select(*ACCOUNT, outcome.alias("outcome"), col("net").alias("amount"))
    )


def count(allocated: pl.DataFrame) -> pl.DataFrame:
    """Counted outcomes, each with the streak after it."""
    is_lost = col("outcome") == "lost"
    losses = is_lost.cum_sum().over("account_id").alias("losses")
    # losses of the account up to its last win or forfeit; they only grow
    before = pl.when(~is_lost).then("losses").fill_null(0).cum_max().over("account_id")
    streak = pl.when(is_lost).then(col("losses") - col("before")).otherwise(0)
    return (
        allocated.lazy()
        .filter(col("outcome").is_in(("won", "lost", "forfeited")))
        .select("account_id", "w", "outcome", "platform_outcome")
        .sort("account_id", "w")
        .with_columns(losses)
        .filter(~is_lost | (col("losses") <= MAX_LOSSES_A_DAY))
        .with_columns(before.alias("before"))
        .with_columns(streak.cast(pl.Int32).alias("streak"))
        .drop("losses", "before")
        .collect()
    )


def history(counted: pl.LazyFrame) -> pl.LazyFrame:
    """`account_history`; `counted` is in history order for each account."""
    won, lost = col("outcome") == "won", col("outcome") == "lost"
    date, streak = col("business_date"), col("streak")
    return (
        counted.sort("account_id", "w")
        .group_by("account_id")
        .agg(
            pl.lit("").first().alias("scope"),
            pl.len().cast(pl.Int64).alias("attempts"),
            won.sum().cast(pl.Int64).alias("wins"),
            lost.sum().cast(pl.Int64).alias("failures"),
            (col("outcome") == "forfeited").sum().cast(pl.Int64).alias("forfeits"),
            streak.last().alias("consecutive_failures"),
            streak.max().alias("longest_streak"),
            date.min().alias("first_business_date"),
            date.max().alias("last_business_date"),
            date.filter(won).max().alias("last_win_date"),
            date.filter(lost).max().alias("last_failure_date"),
        )
    )


def award(counted: pl.DataFrame, accounts: pl.LazyFrame) -> pl.DataFrame:
    """What each counted loss from the third on is worth, and what of it is granted."""
    streak = col("streak")
    raw = pl.when(streak >= 10).then(2000).when(streak >= 5).then(500).otherwise(200)
    is_eligible = (col("status") == "active") & ~col("blacklisted").fill_null(False)
    reason = (
        pl.when(col("platform_outcome") == "won").then(pl.lit("served_by_platform"))
        .when(is_eligible.fill_null(False)).then(pl.lit("granted"))
        .otherwise(pl.lit("account_ineligible"))
    )  # fmt: skip

    def money(cents: pl.Expr) -> pl.Expr:
        return (cents.cast(pl.Decimal(18, 0)) * pl.lit("0.01").cast(MONEY)).cast(MONEY)

    granted = pl.when(col("reason") == "granted").then("cents").otherwise(0)
    return (
        counted.lazy()
        .filter((col("outcome") == "lost") & (streak >= 3))
        .join(accounts, on="account_id", how="left")
        .with_columns(raw.alias("cents"), reason.alias("reason"))
        .select(
            *ACCOUNT,
            "streak",
            money(col("cents")).alias("raw_amount"),
            money(granted).alias("amount"),
            "reason",
        )
        .collect()
    )


def post(awarded: pl.DataFrame, windows: pl.DataFrame, day: pl.Expr) -> pl.DataFrame:
    """`bonus_ledger`, of a night that has posted nothing before."""
    said = pl.concat_str("account_id", *WINDOW, pl.lit("0"), separator="|")
    return (
        awarded.lazy()
        .filter(col("amount") != 0)
        .join(windows.lazy().select("w", *WINDOW, "business_date"), on="w")
        .select(
            said.map_batches(digests, return_dtype=pl.String).alias("entry_id"),
            "account_id",
            *WINDOW,
            "business_date",
            "amount",
            pl.lit("CNY").alias("currency"),
            pl.lit("award").alias("kind"),
            pl.lit(0, pl.Int32).alias("revision"),
            day.alias("run_date"),
        )
        .collect()
    )


if __name__ == "__main__":
    night(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
