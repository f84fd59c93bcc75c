"""The nightly job for spark-submit; the arguments are those of `solatium nightly`.

    spark-submit --properties-file conf/spark-defaults.conf \
      --packages io.delta:delta-spark_4.1_2.13:4.4.0 --py-files dist/solatium.zip \
      jobs/nightly.py --landing LOGS --warehouse WAREHOUSE --date 2026-11-01

The way of a night through the rooms stands in solatium/nightly/night.py.
"""

import sys

from solatium.cli.app import main

if __name__ == "__main__":
    main(["nightly", *sys.argv[1:]])
