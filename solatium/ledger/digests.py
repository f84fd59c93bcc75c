"""The chain of digests: each posting to the ledger is sealed, and each seal holds the one before.

docs/rules.md section 8.6. Whoever changes, adds or takes away an entry would have to change the
digests of its posting and of all later ones. The engine computes them, whatever the number of
entries and however they are spread over files: only digests are brought together.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.dataframes.event_keys import content
from solatium.dataframes.side_by_side import side_by_side

# What stands for the digest of a posting before the first.
NOTHING = "0" * 64

# By their first hex characters entries come into 256 buckets, so that none is put in order at once.
_BUCKET = 2


def posting(before: DataFrame, entries: DataFrame, ledger: DataFrame, run_date: date) -> DataFrame:
    """The row of `bonus_ledger_digests` that seals the `entries` of a posting.

    `before` are the rows that there are, `ledger` is `bonus_ledger` with the entries in it.
    """
    newest = before.agg(
        F.coalesce(F.max("number") + 1, F.lit(0)).alias("number"),
        F.coalesce(F.max_by("digest", "number"), F.lit(NOTHING)).alias("previous"),
    )
    posted = entries.agg(F.count("*").alias("entries"), F.sum("amount").alias("amount"))
    of_date = contents(ledger.where(F.col("run_date") == F.lit(run_date)))
    row = side_by_side([of_date.select("run_date", "content"), newest, posted])
    return contracts.warehouse("bonus_ledger_digests").shape(row.withColumn("digest", seal()))


def seal() -> Column:
    """The digest of a row of `bonus_ledger_digests`: that of its other columns."""
    return _sha256(content(contracts.warehouse("bonus_ledger_digests"), but=("digest",)))


def contents(entries: DataFrame) -> DataFrame:
    """A row for each run date of ledger entries: `run_date`, `entries`, `amount` and `content`.

    `content` is a digest of digests. Each entry has one; those of the entries whose id begins with
    the same two characters have one together, and so have all of these.
    """
    entry = _sha256(content(contracts.warehouse("bonus_ledger")))
    bucket = F.substring("entry_id", 1, _BUCKET)
    buckets = entries.groupBy("run_date", bucket.alias("bucket")).agg(
        F.count("*").alias("entries"),
        F.sum("amount").alias("amount"),
        _sha256(_lines(F.array_sort(F.collect_list(entry)))).alias("digest"),
    )
    in_order = F.array_sort(F.collect_list(F.struct("bucket", "digest")))
    digests = F.transform(in_order, lambda bucket: bucket["digest"])
    return buckets.groupBy("run_date").agg(
        F.sum("entries").alias("entries"),
        F.sum("amount").alias("amount"),
        _sha256(_lines(digests)).alias("content"),
    )


def _sha256(text: Column) -> Column:
    return F.sha2(text.cast("binary"), 256)


def _lines(texts: Column) -> Column:
    """Each text and a line feed, as `sort` writes them."""
    return F.concat(F.array_join(texts, "\n"), F.lit("\n"))
