"""Whom a lineage event is about: a run, its job, and the run that started it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from solatium.observe.places import Place


@dataclass(frozen=True)
class Parent:
    """The run that started this one, such as a task of a scheduler."""

    namespace: str
    job: str
    run_id: str

    @classmethod
    def of(cls, text: str) -> Parent | None:
        """The run of `NAMESPACE/JOB/RUN_ID`, as Airflow and dbt write it; None for other text."""
        parts = text.rsplit("/", 2)
        try:
            UUID(parts[-1])
        except ValueError:
            return None
        return cls(*parts) if len(parts) == 3 and all(parts) else None


@dataclass(frozen=True)
class Subject:
    """A run: its job and id, the dates `first` to `last` that it is for, and its places."""

    namespace: str
    job: str
    run_id: str
    parent: Parent | None
    first: date
    last: date
    landing: Place
    warehouse: Place
