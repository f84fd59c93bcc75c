"""`solatium catalog`."""

from __future__ import annotations

from typing import Annotated

import typer

from solatium.cli.options import Engine, Warehouse, engine_named
from solatium.cli.work import work


def catalog(
    warehouse: Warehouse,
    schema: Annotated[
        str, typer.Option(metavar="NAME", help="The schema of the views; made if it is missing.")
    ],
    engine_name: Engine = None,
) -> None:
    """Register the tables as views in Spark's catalog, as of the newest night that is done.

    Queries such as SELECT * FROM solatium.allocations then never see half a night. The next nights
    move the views forward with nightly --catalog NAME. Where the catalog lies is Spark's own
    configuration: hive-site.xml, or --conf of spark-submit.

    solatium catalog --engine spark --warehouse wh --schema solatium
    """
    from solatium import engine
    from solatium.storage.location import Location
    from solatium.warehouse import catalog as views
    from solatium.warehouse import commits

    with work("catalog", warehouse, {"schema": schema}) as done:
        root, name = Location.parse(warehouse), engine_named(engine_name)
        views.refuse_catalog(schema, name)
        commit = commits.built(root)[-1]
        with engine.running(name, views.LASTING, delta=True) as running:
            views.refuse_fleeting(running)
            moved = views.register(running, root, commit, schema)
        done.says(f"{schema}: {moved} views show the night of {commit.day}")
