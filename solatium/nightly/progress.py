"""What a run tells while it goes: a progress bar where a person looks, else a line per stage."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

log = logging.getLogger("solatium")


@dataclass
class Stage:
    """One stage of one date, while it runs. Rows that it would have to count are left out."""

    name: str
    day: date
    rows_in: int | None = None
    rows_out: int = 0
    seconds: float = 0.0


@dataclass
class Stages:
    """The stages of a run, and the bar that shows them; `started` hears of each that begins."""

    bar: Progress | None = None
    started: Callable[[], None] = lambda: None
    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, day: date) -> Iterator[Stage]:
        """Times one stage, and tells of it when it is done."""
        self.started()
        stage = Stage(name, day)
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], description=f"{day} {name}")
        start = time.perf_counter()
        yield stage
        stage.seconds = time.perf_counter() - start
        self.done.append(stage)
        if self.bar is None:
            rows_in = "" if stage.rows_in is None else f"{stage.rows_in} rows in, "
            rows = f"{rows_in}{stage.rows_out} rows out"
            log.info("%s %s: %s, %.1f s", day, name, rows, stage.seconds)

    def night_done(self) -> None:
        if self.bar is not None:
            self.bar.advance(self.bar.task_ids[0])

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, over all dates, in the order in which stages first ran."""
        sums: dict[str, float] = {}
        for stage in self.done:
            sums[stage.name] = sums.get(stage.name, 0.0) + stage.seconds
        return sums


@contextmanager
def shown(nights: int, console: Console, started: Callable[[], None]) -> Iterator[Stages]:
    """Stages with a progress bar on a terminal, and with log lines elsewhere."""
    if not console.is_terminal:
        yield Stages(started=started)
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} nights"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task("", total=nights)
        yield Stages(bar, started)
