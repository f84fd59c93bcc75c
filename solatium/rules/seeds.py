"""The seed of a window's lottery, which cannot be drawn twice (docs/rules.md section 5).

The earliest commitment binds, and the earliest seed that matches it counts. So no later version of
a window can change the draw.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import WINDOW
from solatium.dataframes.versions import earliest


def seeds(versions: DataFrame) -> DataFrame:
    """One row for each window: its `seed`, or the reason why it has none.

    `versions` are all valid versions of the windows, late ones included, from
    `versions.with_content`. `without_seed` is `seed_mismatch` where some version has a seed that
    does not match the commitment, else `seed_missing`; it means something only where `seed` is
    null.
    """
    has_commitment = F.col("seed_commitment").isNotNull()
    commitments = earliest(versions.where(has_commitment), WINDOW)
    offered = versions.where(F.col("draw_seed").isNotNull()).join(
        commitments.select(*WINDOW, F.col("seed_commitment").alias("commitment")),
        on=WINDOW,
        how="left",
    )
    matches = F.col("commitment").isNull() | (
        F.sha2(F.col("draw_seed").cast("binary"), 256) == F.col("commitment")
    )
    seed = earliest(offered.where(matches), WINDOW)
    mismatched = offered.where(~matches).select(*WINDOW).distinct()
    mismatched = mismatched.withColumn("is_mismatched", F.lit(True))
    without_seed = F.when(F.col("is_mismatched"), "seed_mismatch").otherwise("seed_missing")
    return (
        versions.select(*WINDOW)
        .distinct()
        .join(seed.select(*WINDOW, F.col("draw_seed").alias("seed")), on=WINDOW, how="left")
        .join(mismatched, on=WINDOW, how="left")
        .select(*WINDOW, "seed", without_seed.alias("without_seed"))
    )
