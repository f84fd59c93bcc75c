"""The seed of a window's lottery, which cannot be drawn twice (docs/rules.md section 5).

The earliest commitment binds, and the earliest seed that matches it counts. So no later version of
a window can change the draw.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from solatium.contracts.keys import WINDOW
from solatium.dataframes.versions import earliest_value


def with_seeds(versions: DataFrame) -> DataFrame:
    """The versions with the `seed` of their window, or the reason `without_seed`.

    `versions` are all valid versions of the windows, late ones included, from
    `versions.with_content`. `without_seed` is `seed_mismatch` where some version has a seed that
    does not match the commitment, else `seed_missing`; it means something only where `seed` is
    null.
    """
    offers = F.col("draw_seed").isNotNull()
    is_promised = F.sha2(F.col("draw_seed").cast("binary"), 256) == F.col("_commitment")
    matches = offers & (F.col("_commitment").isNull() | is_promised)
    is_mismatched = F.bool_or(offers & ~matches).over(Window.partitionBy(*WINDOW))
    return (
        versions.withColumn("_commitment", earliest_value(F.col("seed_commitment"), WINDOW))
        .withColumn("seed", earliest_value(F.when(matches, F.col("draw_seed")), WINDOW))
        .withColumn(
            "without_seed", F.when(is_mismatched, "seed_mismatch").otherwise("seed_missing")
        )
        .drop("_commitment")
    )
