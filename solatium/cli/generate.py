"""`solatium generate`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import (
    date_option,
    share_option,
)
from solatium.generate.spec import Spec


def generate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for what is made.")],
    participations: Annotated[
        int, typer.Option(metavar="N", help="Accounts that take part in a window, a night.")
    ] = Spec.participations,
    nights: Annotated[
        int, typer.Option(metavar="K", help="Business dates, one after the other.")
    ] = Spec.nights,
    first: Annotated[date, date_option("--first", "The first business date.")] = Spec.first_date,
    seed: Annotated[
        str, typer.Option(metavar="TEXT", help="Another seed makes other logs of the same kind.")
    ] = Spec.seed,
    accounts: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Accounts on the first night; some register on each later one. Without it, half "
            "as many as participations.",
        ),
    ] = None,
    windows: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Windows a night. Without it, one for 5,000 participations, and at least 8, of "
            "which all policies and units have some.",
        ),
    ] = None,
    hot: Annotated[
        float, share_option("participations of a night that one window draws")
    ] = Spec.hot,
    late: Annotated[
        float, share_option("event rows that arrive a day late or more, a tenth of them too late")
    ] = Spec.late,
    bad: Annotated[float, share_option("rows that are bad, of all kinds in turn")] = Spec.bad,
    duplicates: Annotated[float, share_option("event rows that arrive twice")] = Spec.duplicates,
    conflicts: Annotated[
        float, share_option("event rows that arrive again with the same id and another time")
    ] = Spec.conflicts,
    teams: Annotated[
        bool,
        typer.Option(
            "--teams/--no-teams", metavar="", help="Whether in some windows teams compete."
        ),
    ] = Spec.teams,
    campaigns: Annotated[
        int, typer.Option(metavar="N", help="Campaigns; some windows are of none.")
    ] = Spec.campaigns,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Write local times of this zone, without a zone; business dates are of it too.",
        ),
    ] = None,
    odd_names: Annotated[
        bool,
        typer.Option(
            "--odd-names", metavar="", help="Write a platform's own column names and codes."
        ),
    ] = False,
) -> None:
    """Make logs to try solatium with: rush sales of any size, the same for the same seed.

    OUT/landing gets the logs; OUT/config.yaml settings that fit them, with what
    maps own names and local times back onto the contract. It ends by printing
    the command that runs the nights.

    solatium generate logs --participations 100000 --nights 14
    """
    from solatium.generate.make import generate as make

    spec = Spec(
        participations=participations,
        nights=nights,
        first_date=first,
        seed=seed,
        accounts=accounts,
        windows=windows,
        hot=hot,
        late=late,
        bad=bad,
        duplicates=duplicates,
        conflicts=conflicts,
        teams=teams,
        campaigns=campaigns,
        timezone=Spec.timezone if timezone is None else timezone,
        local_times=timezone,
        odd_names=odd_names,
    )
    made = make(out, spec)
    console = Console()
    rows = ", ".join(f"{name} {count:,}" for name, count in made.rows.items())
    console.print(f"{made.landing}: {rows}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"\n{made.command()}", highlight=False, markup=False, soft_wrap=True)
