"""`python -m solatium.engine --fetch-jars`: starts Spark once, which fetches Delta's jars."""

from __future__ import annotations

import logging
import sys

from solatium.engine.start import running


def main(arguments: list[str]) -> None:
    if arguments != ["--fetch-jars"]:
        raise SystemExit("usage: python -m solatium.engine --fetch-jars")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with running("spark", delta=True) as engine:
        logging.getLogger(__name__).info("Spark %s is ready", engine.spark.version)


if __name__ == "__main__":
    main(sys.argv[1:])
