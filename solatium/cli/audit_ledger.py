"""`solatium audit-ledger`."""

from __future__ import annotations

from rich.console import Console

from solatium.cli.options import (
    Engine,
    Warehouse,
    engine_named,
)


def audit_ledger(warehouse: Warehouse, engine_name: Engine = None) -> None:
    """Check the ledger: entries, digests, balances and payouts; name the first bad entry.

    It reads what was last committed, also while a run goes on. Note down the
    newest digest somewhere else: it stands for all that was posted up to then.

    solatium audit-ledger --warehouse wh
    """
    from solatium.cli import show
    from solatium.ledger.audit import audit
    from solatium.storage.location import Location

    audited = audit(Location.parse(warehouse), engine_named(engine_name))
    Console().print(show.of_audit(audited), highlight=False, markup=False, soft_wrap=True)
