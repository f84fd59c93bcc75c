"""`solatium report`: a period of business dates as one page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console

from solatium.errors import UsageError


def write_report(
    warehouse: str,
    out: Path,
    day: date | None,
    first: date | None,
    last: date | None,
    *,
    with_accounts: bool,
) -> None:
    """Writes the page, and says where it is. UsageError for dates that do not go together."""
    from solatium.report.page import report
    from solatium.warehouse.snapshot import Snapshot

    if day is not None and (first is not None or last is not None):
        raise UsageError("--date is one business date; give it, or --from and --to, not both")
    page = report(Snapshot.of(warehouse), day or first, day or last, with_accounts=with_accounts)
    # written whole or not at all: a reader of the old page never sees half of the new one
    half = out.with_name(f".{out.name}.part")
    half.write_text(page, encoding="utf-8")
    half.replace(out)
    Console().print(f"{out}: {len(page.encode()):,} bytes", highlight=False, soft_wrap=True)
