"""What must hold of a ledger: its entries, its chain of digests, its balances and its payouts.

docs/rules.md section 8.7. Each function looks at whole tables on the engine and gives findings, one
row for each thing that is wrong; of a sound ledger there are none.

A finding has `law`, the position of its law in LAWS; `run_date` and `entry_id`, where it is about
an entry; `subject`, what it is about in words; and `said`, what was found there and what should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import AWARD
from solatium.dataframes.money import cents
from solatium.landing.row_rules import is_bad_id
from solatium.ledger import digests, posting
from solatium.ledger.books import books, is_overdrawn, is_unbalanced, money

LAWS = {
    "entry_id": "the id of an entry is the SHA-256 of its account, commodity, window and revision",
    "revision": "the entries of an account and window are numbered from 0, each once",
    "kind": "the first entry is an award, one that leaves 0.00 a reversal, others adjustments",
    "amount": "no entry is of 0.00",
    "currency": "all entries of an account and window have one currency",
    "business_date": "no entry is posted before its business date",
    "sealed": "the entries of a run date are those that its newest posting sealed",
    "number": "postings are numbered from 0, each once",
    "previous": "a posting holds the digest of the one before",
    "digest": "a posting's digest is that of its other columns",
    "balance": "of a closed date, the balance less what was waived is the award",
    "waived": "less than nothing is never waived",
    "payout": "the payouts of a run date are the net of its entries, for each account",
    "payout_id": "the id of a payout is the SHA-256 of its posting and account, and stands once",
    "payout_sum": "the payouts of a posting are the entries that it sealed",
}

FINDING = ("law", "run_date", "entry_id", "subject", "said")


def entries(rows: DataFrame) -> DataFrame:
    """What is wrong with entries of `bonus_ledger`, each by itself and among those of its key."""
    names = contracts.warehouse("bonus_ledger").names
    others = [name for name in names if name not in (*AWARD, "revision")]
    by_key = Window.partitionBy(*AWARD).orderBy("revision", *others)
    so_far = by_key.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    key = AWARD
    # most keys have one entry; putting the others in order costs the most
    repeated = rows.groupBy(*key).count().where("count > 1").select(*key)
    alone = rows.join(repeated, on=key, how="left_anti").select(
        *names,
        F.lit(0).alias("position"),
        F.col("amount").cast("decimal(28,2)").alias("balance"),
        F.col("currency").alias("first_currency"),
    )
    several = rows.join(repeated, on=key, how="left_semi").select(
        *names,
        (F.row_number().over(by_key) - 1).alias("position"),
        F.sum("amount").over(so_far).cast("decimal(28,2)").alias("balance"),
        F.first("currency").over(so_far).alias("first_currency"),
    )
    judged = alone.unionByName(several)
    has_bad_id = reduce(or_, (is_bad_id(F.col(name)) for name in AWARD))
    revision, position = F.col("revision"), F.col("position")
    entry_id, kind = posting.entry_id(), posting.kind(F.col("balance"))
    currency, first = F.col("currency"), F.col("first_currency")
    business_date = F.col("business_date")
    broken = {
        "entry_id": (
            has_bad_id | (F.col("entry_id") != entry_id),
            _words("entry_id should be ", entry_id),
        ),
        "revision": (revision != position, _words("revision ", revision, ", should be ", position)),
        "kind": (F.col("kind") != kind, _words("kind ", F.col("kind"), ", should be ", kind)),
        "amount": (F.col("amount") == 0, _words("amount 0.00")),
        "currency": (currency != first, _words("currency ", currency, ", before it ", first)),
        "business_date": (
            business_date > F.col("run_date"),
            _words("business date ", business_date),
        ),
    }
    return _found(judged, broken, entry_id=F.col("entry_id"), subject=_key())


def postings(sealed_postings: DataFrame, rows: DataFrame) -> DataFrame:
    """What is wrong with the chain `bonus_ledger_digests`, and with what it says of the entries.

    Of each run date the newest posting seals all entries. Those of earlier ones cannot be told
    apart any more; their rows are held by the chain, and their numbers by their sum.
    """
    in_order = Window.partitionBy(F.lit(0)).orderBy("number", "digest")  # few rows, a chain
    by_date = Window.partitionBy("run_date")
    now = digests.contents(rows).select(
        F.col("run_date").alias("date_now"),
        *(F.col(name).alias(f"{name}_now") for name in ("entries", "amount", "content")),
    )
    judged = (
        sealed_postings.withColumn("position", F.row_number().over(in_order) - 1)
        .withColumn("before", F.coalesce(F.lag("digest").over(in_order), F.lit(digests.NOTHING)))
        .withColumn("newest", F.max("number").over(by_date))
        .withColumn("entries_then", F.sum("entries").over(by_date))
        .withColumn("amount_then", F.sum("amount").over(by_date))
        .join(now, on=F.col("run_date") == F.col("date_now"), how="left")
        .fillna(0, subset=["entries_now", "amount_now"])
    )
    number, previous, digest = F.col("number"), F.col("previous"), F.col("digest")
    differs = (
        (F.col("entries_now") != F.col("entries_then"))
        | (F.col("amount_now") != F.col("amount_then"))
        | ~F.col("content").eqNullSafe(F.col("content_now"))
    )
    there_are = (", there are ", F.col("entries_now"), " of ", F.col("amount_now"))
    then = ("sealed were ", F.col("entries_then"), " entries of ", F.col("amount_then"))
    broken = {
        "sealed": ((number == F.col("newest")) & differs, _words(*then, *there_are)),
        "number": (number != F.col("position"), _words("should be number ", F.col("position"))),
        "previous": (
            previous != F.col("before"),
            _words("previous ", previous, ", should be ", F.col("before")),
        ),
        "digest": (
            digest != digests.seal(),
            _words("digest ", digest, ", should be ", digests.seal()),
        ),
    }
    posted = sealed_postings.select("run_date").distinct()
    unsealed = now.withColumnRenamed("date_now", "run_date").join(
        posted, on="run_date", how="left_anti"
    )
    nowhere = {"sealed": (F.lit(True), _words("sealed was nothing", *there_are))}
    return _found(judged, broken, subject=_words("posting ", number)).unionByName(
        _found(unsealed, nowhere, subject=_words("no posting"))
    )


def balances(
    awards: DataFrame,
    rows: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    last_closed: date,
) -> DataFrame:
    """Accounts and windows of closed dates whose balance is not the award; with the newest entry.

    The dates up to `last_closed` are closed; `windows` are those in force.
    """
    by_key = books(
        awards, rows, waived, windows, lambda day: day <= F.lit(last_closed), last=last_closed
    )
    off = by_key.where(is_unbalanced() | is_overdrawn())
    newest = (
        rows.join(off.select(*AWARD), on=AWARD, how="left_semi")
        .groupBy(*AWARD)
        .agg(
            F.max_by("entry_id", "revision").alias("entry_id"),
            F.max_by("run_date", "revision").alias("run_date"),
        )
    )
    said = _words(
        *("balance ", money("posted"), ", waived ", money("given_up")),
        *(", award ", money("award")),
    )
    return _found(
        off.join(newest, on=AWARD, how="left"),
        {"balance": (is_unbalanced(), said), "waived": (is_overdrawn(), said)},
        entry_id=F.col("entry_id"),
        subject=_key(),
    )


def payouts(paid: DataFrame, rows: DataFrame) -> DataFrame:
    """Run dates, accounts and currencies whose `bonus_payouts` are not the net of the entries."""
    key = ["run_date", "account_id", "currency"]
    amount, none = cents(F.col("amount")), F.lit(0)
    sides = rows.select(
        *key, amount.alias("posted"), F.lit(1).alias("entries"), none.alias("paid"),
        none.alias("of_entries"),
    ).unionByName(
        paid.select(
            *key, none.alias("posted"), none.alias("entries"), amount.alias("paid"),
            F.col("entries").alias("of_entries"),
        )
    )  # fmt: skip
    sums = ("posted", "entries", "paid", "of_entries")
    net = sides.groupBy(*key).agg(*(F.sum(name).alias(name) for name in sums))
    is_other = (F.col("posted") != F.col("paid")) | (F.col("entries") != F.col("of_entries"))
    said = _words(
        *(money("paid"), " for ", F.col("of_entries"), " entries, should be "),
        *(money("posted"), " for ", F.col("entries")),
    )
    subject = _words("account ", F.col("account_id"), ", ", F.col("currency"))
    return _found(net, {"payout": (is_other, said)}, subject=subject)


def payout_ids(paid: DataFrame, sealed_postings: DataFrame) -> DataFrame:
    """Payouts with a wrong id, or one that stands twice, and postings whose payouts do not add up.

    `sealed_postings` is `bonus_ledger_digests`.
    """
    firsts = paid.groupBy("posting").agg(F.min("currency").alias("first_currency"))
    times = paid.groupBy("payout_id").agg(F.count("*").alias("times"))
    named = paid.join(F.broadcast(firsts), on="posting").join(times, on="payout_id")
    should = posting.payout_id(F.col("first_currency"))
    is_wrong = (F.col("payout_id") != should) | (F.col("times") > 1)
    said = _words(
        *("payout_id ", F.col("payout_id"), " stands ", F.col("times"), " times, should be "),
        *(should, " once"),
    )
    subject = _words("posting ", F.col("posting"), ", account ", F.col("account_id"))
    ids = _found(named, {"payout_id": (is_wrong, said)}, subject=subject)
    amount, none = cents(F.col("amount")), F.lit(0)
    sides = sealed_postings.select(
        F.col("number").alias("posting"), "run_date", amount.alias("sealed"),
        F.col("entries").alias("entries"), none.alias("paid"), none.alias("of_entries"),
    ).unionByName(
        paid.select(
            "posting", "run_date", none.alias("sealed"), none.alias("entries"),
            amount.alias("paid"), F.col("entries").alias("of_entries"),
        )
    )  # fmt: skip
    sums = ("sealed", "entries", "paid", "of_entries")
    net = sides.groupBy("posting", "run_date").agg(*(F.sum(name).alias(name) for name in sums))
    differs = (F.col("sealed") != F.col("paid")) | (F.col("entries") != F.col("of_entries"))
    said = _words(
        *(money("paid"), " for ", F.col("of_entries"), " entries, should be "),
        *(money("sealed"), " for ", F.col("entries")),
    )
    subject = _words("posting ", F.col("posting"))
    return ids.unionByName(_found(net, {"payout_sum": (differs, said)}, subject=subject))


def _found(
    rows: DataFrame,
    broken: Mapping[str, tuple[Column, Column]],
    *,
    subject: Column,
    entry_id: Column | None = None,
) -> DataFrame:
    """The findings of rows: by the name of a law, when it is broken and what is said then.

    A finding is a text that begins with the position of the law: Sail takes arrays of structures
    with and without nulls for different types.
    """
    places = list(LAWS)
    each = [
        F.when(holds, F.concat(F.lit(f"{places.index(law):02}"), said))
        for law, (holds, said) in broken.items()
    ]
    found = F.col("found")
    is_broken = reduce(or_, (holds for holds, _ in broken.values()))
    return (
        rows.where(is_broken)
        .select(
            "run_date",
            (F.lit(None) if entry_id is None else entry_id).cast("string").alias("entry_id"),
            subject.alias("subject"),
            F.explode(F.array_compact(F.array(*each))).alias("found"),
        )
        .select(
            F.substring(found, 1, 2).cast("int").alias("law"),
            *("run_date", "entry_id", "subject"),
            F.expr("substring(found, 3)").alias("said"),
        )
    )


def _key() -> Column:
    account, commodity, window = map(F.col, AWARD)
    return _words("account ", account, ", commodity ", commodity, ", window ", window)


def _words(*parts: str | Column) -> Column:
    texts = (F.lit(part) if isinstance(part, str) else part.cast("string") for part in parts)
    return F.concat(*texts)
