"""The command `solatium`: arguments in, a run, and what it did in words and an exit status.

Each command loads what it needs when it is called: the engine's packages take a second.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from solatium import __version__
from solatium.errors import SolatiumError, UsageError
from solatium.generate.spec import Spec
from solatium.settings.values import calendar_date

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Replays rush sales night by night from a platform's logs, audits who won, and turns "
    "repeated failures into consolation bonuses, in a ledger that never pays twice.",
    epilog="Start with: solatium demo. The rules are in docs/rules.md, the tables in "
    "docs/tables.md. Exit status: 0 done; 2 wrong usage or configuration; 3 input refused; "
    "4 another run holds the warehouse; 1 anything else.",
)

_Landing = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", help="The landing zone: Parquet files under TABLE/dt=YYYY-MM-DD/."
    ),
]
_Warehouse = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", help="The warehouse: a folder of Delta tables, made if it is missing."
    ),
]
_Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Settings in YAML; without it, the defaults of conf/defaults.yaml."
    ),
]
_Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="embedded|spark",
        help="embedded (in this process, no Java) or spark. Without it: spark under spark-submit, "
        "else embedded.",
    ),
]
_Rescan = Annotated[
    bool,
    typer.Option("--rescan", help="Look for changed files of all arrival dates, not only recent."),
]
_Restate = Annotated[
    bool,
    typer.Option("--restate", help="Let changed settings judge closed dates anew as well."),
]
_AcceptGate = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-gate",
        metavar="TABLE:DATE:REASON",
        help="Let the bad rows of a landing table and arrival date pass, although there are more "
        "than gates.max_quarantine_share; the reason is kept in run_log. May be given repeatedly.",
    ),
]

_DataDocs = Annotated[
    str | None,
    typer.Option(
        "--data-docs",
        metavar="FOLDER",
        help="Write down as web pages how every night fared with the laws it is checked by.",
    ),
]

_AllowFuture = Annotated[
    bool,
    typer.Option("--allow-future", help="Let --date be after today, in the configured time zone."),
]


def _calendar_date(text: str) -> date:
    try:
        return calendar_date(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _date(name: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(name, parser=_calendar_date, metavar="YYYY-MM-DD", help=text)


def _share(of: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="SHARE", help=f"Share, from 0 to 1, of {of}.")


@app.command()
def nightly(
    landing: _Landing,
    warehouse: _Warehouse,
    day: Annotated[date, _date("--date", "The date to handle, and all before it.")],
    config: _Config = None,
    engine_name: _Engine = None,
    rescan: _Rescan = False,
    restate: _Restate = False,
    accept_gate: _AcceptGate = None,
    data_docs: _DataDocs = None,
    allow_future: _AllowFuture = False,
    report_to: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write the report of the newest date as a page."
        ),
    ] = None,
) -> None:
    """Handle every date up to --date that is not handled yet, and judge open dates anew.

    solatium nightly --landing logs --warehouse wh --date 2026-11-01
    """
    _run(
        landing, warehouse, config, engine_name, day,
        rescan=rescan, restate=restate, accept_gate=accept_gate, data_docs=data_docs,
        allow_future=allow_future,
    )  # fmt: skip
    if report_to is not None:
        from solatium.cli.report import write_report

        write_report(warehouse, report_to, None, None, None, with_accounts=False)


@app.command()
def backfill(
    landing: _Landing,
    warehouse: _Warehouse,
    first: Annotated[date, _date("--from", "The first date to judge anew.")],
    last: Annotated[date, _date("--to", "The last date to judge anew.")],
    config: _Config = None,
    engine_name: _Engine = None,
    rescan: _Rescan = False,
    restate: _Restate = False,
    accept_gate: _AcceptGate = None,
    data_docs: _DataDocs = None,
) -> None:
    """Judge a range of dates anew; later dates that were handled follow, as they stand on it.

    solatium backfill --landing logs --warehouse wh --from 2026-11-01 --to 2026-11-05
    """
    if last < first:
        raise UsageError(f"--to {last} is before --from {first}")
    _run(
        landing, warehouse, config, engine_name, last,
        again_from=first, rescan=rescan, restate=restate,
        accept_gate=accept_gate, data_docs=data_docs,
    )  # fmt: skip


@app.command()
def rollback(
    warehouse: _Warehouse,
    to: Annotated[date, _date("--to", "The date to go back to; later dates are undone.")],
    engine_name: _Engine = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
) -> None:
    """Take the warehouse back to what it was after the night of --to.

    Dates that were not closed then are open again. Decisions stay: what the ledger got
    for them is reversed, or waived without clawback, and used up when they close again.

    solatium rollback --warehouse wh --to 2026-11-01 --dry-run
    """
    from solatium.cli.rollback import roll_back

    roll_back(warehouse, to, _engine_named(engine_name), dry_run=dry_run)


@app.command()
def report(
    warehouse: _Warehouse,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write, as HTML.")],
    day: Annotated[
        date | None,
        _date("--date", "The business date to report; without it, the newest with a window."),
    ] = None,
    first: Annotated[date | None, _date("--from", "The first of several business dates.")] = None,
    last: Annotated[date | None, _date("--to", "The last of several business dates.")] = None,
    with_accounts: Annotated[
        bool, typer.Option("--with-accounts", help="Name accounts; without it, none is.")
    ] = False,
) -> None:
    """Write business dates as one page: who came, who won, what it cost, what to look at.

    The page is one file that needs no network.

    solatium report --warehouse wh --date 2026-11-01 --out night.html
    """
    from solatium.cli.report import write_report

    write_report(warehouse, out, day, first, last, with_accounts=with_accounts)


@app.command("config")
def show_config(
    config: _Config = None,
    day: Annotated[
        date | None,
        _date(
            "--date", "The business date of a window; without it, the settings before any change."
        ),
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(metavar="ID", help="The campaign of a window; without it, none.")
    ] = None,
) -> None:
    """Check the settings, and show which are in force, and where each of them comes from.

    solatium config --config night.yaml --date 2026-11-01 --campaign spring
    """
    from solatium.cli import show
    from solatium.settings.in_force import in_force

    found = in_force(config, day, campaign or None)
    console = Console()
    if console.is_terminal:
        console.print(show.settings(found))
    else:
        console.out(show.settings_as_text(found), highlight=False)


@app.command()
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the logs and the warehouse in this new folder.")
    ] = None,
) -> None:
    """Run the nights of a real lottery: 36,695 applications for permits in the Enchantments."""
    from solatium.demo.show import show_demo

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty; name a folder that is new")
    with tempfile.TemporaryDirectory(prefix="solatium-demo-") as folder:
        show_demo(keep or Path(folder), Console())


@app.command()
def generate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for what is made.")],
    participations: Annotated[
        int, typer.Option(metavar="N", help="Accounts that take part in a window, a night.")
    ] = Spec.participations,
    nights: Annotated[
        int, typer.Option(metavar="K", help="Business dates, one after the other.")
    ] = Spec.nights,
    first: Annotated[date, _date("--first", "The first business date.")] = Spec.first_date,
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
    hot: Annotated[float, _share("participations of a night that one window draws")] = Spec.hot,
    late: Annotated[
        float, _share("event rows that arrive a day late or more, a tenth of them too late")
    ] = Spec.late,
    bad: Annotated[float, _share("rows that are bad, of all kinds in turn")] = Spec.bad,
    duplicates: Annotated[float, _share("event rows that arrive twice")] = Spec.duplicates,
    conflicts: Annotated[
        float, _share("event rows that arrive again with the same id and another time")
    ] = Spec.conflicts,
    teams: Annotated[
        bool, typer.Option("--teams/--no-teams", help="Whether in some windows teams compete.")
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
        bool, typer.Option("--odd-names", help="Write a platform's own column names and codes.")
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


@app.command("audit-ledger")
def audit_ledger(warehouse: _Warehouse, engine_name: _Engine = None) -> None:
    """Check the ledger: entries, digests, balances and payouts; name the first bad entry.

    It reads what was last committed, and may go on while a run does. Note down the
    newest digest somewhere else: it stands for all that was posted up to then.

    solatium audit-ledger --warehouse wh
    """
    from solatium.cli import show
    from solatium.ledger.audit import audit
    from solatium.storage.location import Location

    audited = audit(Location.parse(warehouse), _engine_named(engine_name))
    Console().print(show.of_audit(audited), highlight=False, markup=False, soft_wrap=True)


@app.command()
def tables(
    warehouse: Annotated[
        str | None, typer.Option(help="Tell of the tables of this warehouse, as last committed.")
    ] = None,
    as_of: Annotated[
        date | None,
        _date("--as-of", "Tell of them as they stood after the newest night up to this date."),
    ] = None,
) -> None:
    """List the tables: what a row of each is and, with --warehouse, its version and its rows.

    solatium tables --warehouse wh --as-of 2026-11-01
    """
    if as_of and not warehouse:
        raise UsageError(f"--as-of {as_of}: of which warehouse? give --warehouse too")
    from solatium import contracts
    from solatium.cli import show
    from solatium.warehouse.snapshot import Snapshot

    snapshot = Snapshot.of(warehouse, as_of) if warehouse else None
    Console().print(show.tables(contracts.WAREHOUSE, snapshot))


@app.command()
def vacuum(
    warehouse: Annotated[str, typer.Option(metavar="FOLDER", help="The warehouse.")],
    config: _Config = None,
    is_rehearsal: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be freed, and remove nothing.")
    ] = False,
) -> None:
    """Remove the files of versions that are no longer kept: of dates older than retention_days.

    The newest tables stay whole. As of a date that is not kept they can no longer be
    read, and a backfill to before what is kept handles all dates again.

    solatium vacuum --warehouse wh --dry-run
    """
    from solatium.cli import show
    from solatium.settings.load import load
    from solatium.storage.location import Location
    from solatium.warehouse import vacuum

    retention_days = load(config).retention_days
    done = vacuum.vacuum(Location.parse(warehouse), retention_days, is_rehearsal=is_rehearsal)
    Console().print(show.of_vacuum(done))


def _run(
    landing: str,
    warehouse: str,
    config: Path | None,
    engine_name: str | None,
    day: date,
    *,
    again_from: date | None = None,
    rescan: bool,
    restate: bool,
    accept_gate: list[str] | None,
    data_docs: str | None,
    allow_future: bool = False,
) -> None:
    from solatium.laws.verdict import gate_apart

    with gate_apart(docs=data_docs is not None) as gate:  # which loads while all else does
        from solatium.cli import show
        from solatium.landing.gates import accepted_gates
        from solatium.nightly.request import Request
        from solatium.nightly.run import run
        from solatium.settings.load import load
        from solatium.storage.location import Location

        settings = load(config)
        request = Request(
            landing=Location.parse(landing),
            warehouse=Location.parse(warehouse),
            settings=settings,
            engine=_engine_named(engine_name),
            day=day,
            again_from=again_from,
            rescan=rescan,
            restate=restate,
            accepted=accepted_gates(accept_gate or []),
            data_docs=Location.parse(data_docs) if data_docs else None,
            today=None if allow_future else datetime.now(ZoneInfo(settings.timezone)).date(),
        )
        report = run(request, Console(stderr=True), expectations=gate)
    Console().print(show.of_run(report))


def _engine_named(name: str | None) -> str:
    from solatium import engine

    name = name or engine.default_name()
    if name not in engine.NAMES:
        raise UsageError(f"--engine {name}: expected {' or '.join(engine.NAMES)}")
    return name


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        Console().print(f"solatium {__version__}", highlight=False)
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """The command; ends the process with the exit status of docs/rules.md section 10."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("solatium").setLevel(logging.INFO)
    try:
        app(args=arguments, prog_name="solatium")
    except SolatiumError as error:
        sys.stderr.write(f"solatium: {error}\n")
        sys.exit(error.exit_status)
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"solatium: {error.filename}: {error.strerror}\n")
        sys.exit(SolatiumError.exit_status)


if __name__ == "__main__":
    main()
