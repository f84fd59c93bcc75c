"""The OpenLineage events of a run: what they say of its job, of its time and of its tables.

Imported by the thread that sends them, since the client takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from openlineage.client import event_v2 as events
from openlineage.client import facet_v2 as facets

from solatium import contracts
from solatium.observe.places import Place, without_credentials
from solatium.observe.subject import Subject
from solatium.observe.traces import Read, Traces, Written
from solatium.version import VERSION

_PRODUCER = f"https://pypi.org/project/solatium/{VERSION}/"
_Facet = TypeVar("_Facet")


def started(subject: Subject, facts: Mapping[str, Any]) -> events.RunEvent:
    """The tables that a run may read and write; which of them it does is known in the end."""
    inputs = [_input(subject.landing, table) for table in contracts.LANDING]
    outputs = [_output(subject.warehouse, table) for table in contracts.WAREHOUSE]
    return _event(subject, events.RunState.START, facts["started_at"], inputs, outputs)


def ended(subject: Subject, facts: Mapping[str, Any], traces: Traces) -> events.RunEvent:
    """COMPLETE or FAIL, with what was committed; of an error its headline, which names no row."""
    inputs = [_input(subject.landing, read.table, read) for read in traces.read]
    outputs = [_output(subject.warehouse, one.table, one) for one in traces.written]
    state, more = events.RunState.COMPLETE, dict[str, Any]()
    if facts["error"] is not None:
        state = events.RunState.FAIL
        message = without_credentials(facts["error"]["headline"])
        more["errorMessage"] = _facet(
            facets.error_message_run.ErrorMessageRunFacet,
            message=f"exit status {facts['exit_status']}: {message}",
            programmingLanguage="PYTHON",
        )
    return _event(subject, state, facts["ended_at"], inputs, outputs, more)


def _event(
    subject: Subject,
    state: events.RunState,
    at: str,
    inputs: list[events.InputDataset],
    outputs: list[events.OutputDataset],
    more: Mapping[str, Any] | None = None,
) -> events.RunEvent:
    kind = _facet(
        facets.job_type_job.JobTypeJobFacet,
        processingType="BATCH",
        integration="SOLATIUM",
        jobType="COMMAND",
    )
    return events.RunEvent(
        eventType=state,
        eventTime=at,
        run=events.Run(runId=subject.run_id, facets={**_of_run(subject), **(more or {})}),
        job=events.Job(namespace=subject.namespace, name=subject.job, facets={"jobType": kind}),
        inputs=inputs,
        outputs=outputs,
        producer=_PRODUCER,
    )


def _of_run(subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = {
        "nominalTime": _facet(
            facets.nominal_time_run.NominalTimeRunFacet,
            nominalStartTime=_midnight(subject.first),
            nominalEndTime=None
            if subject.last == date.max
            else _midnight(subject.last + timedelta(days=1)),
        ),
        "processing_engine": _facet(
            facets.processing_engine_run.ProcessingEngineRunFacet, name="solatium", version=VERSION
        ),
    }
    if parent := subject.parent:
        found["parent"] = _facet(
            facets.parent_run.ParentRunFacet,
            run=facets.parent_run.Run(runId=parent.run_id),
            job=facets.parent_run.Job(namespace=parent.namespace, name=parent.job),
        )
    return found


def _input(landing: Place, table: str, read: Read | None = None) -> events.InputDataset:
    place, of_input = landing / table, dict[str, Any]()
    if read is not None:
        of_input["inputStatistics"] = _facet(
            facets.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
            rowCount=read.rows,
            size=read.size,
            fileCount=read.files,
        )
        subsets = facets.base_subset_dataset
        days = [
            subsets.Partition(identifier=f"dt={day}", dimensions={"dt": str(day)})
            for day in read.dates
        ]
        of_input["subset"] = _facet(
            subsets.InputSubsetInputDatasetFacet,
            inputCondition=subsets.PartitionSubsetCondition(partitions=days),
        )
    return events.InputDataset(place.namespace, place.name, inputFacets=of_input)


def _output(warehouse: Place, table: str, written: Written | None = None) -> events.OutputDataset:
    place, contract = warehouse / table, contracts.warehouse(table)
    fields = [
        facets.schema_dataset.SchemaDatasetFacetFields(
            name=column.name, type=column.type, description=column.meaning
        )
        for column in contract.columns
    ]
    known: dict[str, Any] = {
        "schema": _facet(facets.schema_dataset.SchemaDatasetFacet, fields=fields),
        "documentation": _facet(
            facets.documentation_dataset.DocumentationDatasetFacet,
            description=contract.description(),
        ),
    }
    of_output: dict[str, Any] = {}
    if written is not None:
        known["version"] = _facet(
            facets.dataset_version_dataset.DatasetVersionDatasetFacet,
            datasetVersion=str(written.version),
        )
        if written.rows is not None:
            of_output["outputStatistics"] = _facet(
                facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
                rowCount=written.rows,
            )
    return events.OutputDataset(place.namespace, place.name, facets=known, outputFacets=of_output)


def _facet(kind: Callable[..., _Facet], **fields: Any) -> _Facet:
    return kind(producer=_PRODUCER, **fields)


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
