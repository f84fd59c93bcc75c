"""One step from a raw amount to what is granted (docs/rules.md section 8).

Each step takes the amounts that the step before left, and gives its reason where it changes one.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def stepped(awards: DataFrame, code: str, holds: Column, cents: Column) -> DataFrame:
    """The awards after a step: where it `holds`, `cents` is the amount, and `code` the reason.

    The reason stays where the step leaves the amount as it was.
    """
    changes = holds & (F.col("cents") != cents)
    return awards.withColumns(
        {
            "reason": F.when(changes, F.lit(code)).otherwise(F.col("reason")),
            "cents": F.when(changes, cents).otherwise(F.col("cents")),
        }
    )
