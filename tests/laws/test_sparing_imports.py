"""Great Expectations loads less than it would, and what needs the rest still works."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
from solatium.laws.sparing_imports import spare_imports
spare_imports()
from solatium.laws.suites import Suites
Suites()
heavy = ("altair.vegalite", "scipy.linalg", "boto3", "sqlalchemy", "pyspark")
print([name for name in heavy if sys.modules.get(name)])
"""

# Its result is statistics by scipy, and its picture in Data Docs a plot by altair.
STATISTICS = """
from solatium.laws.sparing_imports import spare_imports
spare_imports()
import great_expectations as gx
import pandas as pd
from great_expectations.expectations.core import (
    expect_column_kl_divergence_to_be_less_than as divergence,
)
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("here").add_dataframe_asset("rows")
batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(
    {"dataframe": pd.DataFrame({"side": ["a", "a", "b", "b"]})}
)
expectation = gx.expectations.ExpectColumnKLDivergenceToBeLessThan(
    column="side",
    partition_object={"values": ["a", "b"], "weights": [0.5, 0.5]},
    threshold=0.1,
)
print(batch.validate(expectation).success, divergence.alt.Chart.__name__)
"""


def printed(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_no_client_of_a_cloud_or_a_database_is_loaded_and_no_library_of_plots() -> None:
    assert printed(LOADED) == "[]"


def test_an_expectation_that_needs_statistics_or_a_plot_has_them() -> None:
    assert printed(STATISTICS) == "True Chart"
