"""Starts Dagster runs inside this process, so that they look in the UI like any other run of the same job.

Dagster's own launcher would start a process for every run; a backfill of a year would spend most of its time
on that. The internal names of Dagster that this needs are used in this file only.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import psutil
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo

from huracan.errors import AgedOut, InputRefused, InvalidInput, Unavailable
from huracan_resources.settings.secrets import withhold

WORKER_TAG = ".dagster/huracan_worker"
"""Host, process and its start: by it a later console knows a run whose process has died. The UI hides what
begins like this, so that the run looks like any other."""

_REFUSED = "DagsterAssetCheckFailedError"
"""What Dagster raises where a blocking check fails: it names the check and not the reason."""

_INTERRUPTED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
"""What Ctrl-C is in a step, which Dagster then counts as one that failed, or tries again."""

_WRAPPING = ("Dagster", "RetryRequested")
"""Begin the names of the errors that Dagster wraps around another."""

_OUR_ERRORS = {kind.__name__ for kind in (AgedOut, InputRefused, InvalidInput, Unavailable)}

_UNFINISHED = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_SILENCE_SECONDS = 180.0
"""Longer than any pause between two heartbeats of a daemon that lives."""

LOCATION, _REPOSITORY = "huracan", "__repository__"


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended. `failed_step` and `error` say where and why it failed."""

    job: str
    day: date
    run_id: str
    is_success: bool
    failed_step: str = ""
    error: str = ""
    trace: str = ""


class RunStarter:
    """Runs jobs of one set of definitions against one instance, one after the other."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions = definitions
        self._instance = instance

    def run(self, job: str, day: date, tags: Mapping[str, str]) -> FinishedRun:
        """Run `job` for `day` to its end. A failed run is an answer, not an exception.

        `KeyboardInterrupt` where somebody stopped it; the run is marked as failed then.
        """
        definition = self._definitions.resolve_job_def(job)
        run = self._instance.create_run_for_job(
            definition,
            tags={
                **definition.run_tags,
                **tags,
                "dagster/partition": day.isoformat(),
                WORKER_TAG: worker_identity(),
            },
            remote_job_origin=_origin(job),
        )
        failed_step, error, trace = "", "", ""
        is_stopped = False
        refusals = list[str]()
        events: Any = execute_run_iterator(InMemoryJob(definition), run, self._instance)
        for event in events:
            is_stopped |= _is_interruption(event)
            if is_stopped and event.is_step_up_for_retry:
                events.close()
                break
            if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                refusals += _refusal(event.asset_check_evaluation_data)
            elif event.is_step_failure and not failed_step:
                failed_step = event.step_key or ""
                error, trace = _explain(event, refusals)
            elif event.is_run_failure and not error:
                error, trace = _explain(event, refusals)
        if is_stopped:
            raise KeyboardInterrupt
        ended = self._instance.get_run_by_id(run.run_id)
        is_success = ended is not None and ended.status == dg.DagsterRunStatus.SUCCESS
        return FinishedRun(job, day, run.run_id, is_success, failed_step, withhold(error), withhold(trace))


def reap(instance: dg.DagsterInstance, *, is_daemon_gone: bool = False) -> list[str]:
    """Mark runs whose process has died as failed, and free what they held; their ids.

    A run of a console is known by its process. One of the daemon is taken for dead where no daemon has given
    a sign of life for minutes, as after a power cut, or where it is known to be gone: Dagster itself would
    wait for its time limit.
    """
    is_daemon_alive = not is_daemon_gone and _seconds_since_heartbeat(instance) < _SILENCE_SECONDS
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        worker = run.tags.get(WORKER_TAG)
        # A re-execution from the UI carries the tags of its parent, but runs in a process of its own.
        of_console = worker is not None and run.parent_run_id is None
        if is_alive(worker) if of_console and worker else is_daemon_alive:
            continue
        instance.report_run_failed(run, "The process of this run has died.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        dead.append(run.run_id)
    return dead


def _seconds_since_heartbeat(instance: dg.DagsterInstance) -> float:
    beats = [status.timestamp for status in instance.get_daemon_heartbeats().values()]
    return time.time() - max(beats) if beats else float("inf")


def worker_identity() -> str:
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_alive(worker: str) -> bool:
    """Whether the process that `worker_identity` named still runs; those of other hosts are left alone."""
    host, pid, started = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except psutil.NoSuchProcess:
        return False


def _origin(job: str) -> RemoteJobOrigin:
    """The same origin that workspace.yaml gives the job, so that the UI links the run to it."""
    target = LoadableTargetOrigin(module_name="huracan_assets.definitions")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, _REPOSITORY), job)


def _error_of(event: dg.DagsterEvent) -> SerializableErrorInfo | None:
    return event.step_failure_data.error if event.is_step_failure else event.job_failure_data.error


def _is_interruption(event: dg.DagsterEvent) -> bool:
    error = None
    if event.is_step_failure or event.is_run_failure:
        error = _error_of(event)
    elif event.is_step_up_for_retry:
        error = event.step_retry_data.error
    while error is not None and error.cls_name not in _INTERRUPTED:
        error = error.cause
    return error is not None


def _refusal(judged: dg.AssetCheckEvaluation) -> list[str]:
    """Why a check that failed lets nothing pass; nothing where it passed or only warns."""
    if judged.passed or judged.severity != dg.AssetCheckSeverity.ERROR:
        return []
    return [f"{judged.check_name}: {judged.description or 'it gave no reason.'}"]


def _explain(event: dg.DagsterEvent, refusals: Sequence[str]) -> tuple[str, str]:
    """(one line for a person, the trace for who asks for it) of a failed step, or of a run without any."""
    error = _error_of(event)
    trace = error.to_string() if error else ""
    failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
    if failure is not None and failure.description:
        return failure.description, trace
    chain = []
    while error is not None:
        chain.append(error)
        error = error.cause
    if refusals and any(each.cls_name == _REFUSED for each in chain):
        return " ".join(refusals), trace
    # What lies behind one of ours is for who asks for the trace: our own words say what to do.
    foreign = (each for each in chain if not (each.cls_name or "").startswith(_WRAPPING))
    told = next((each for each in chain if each.cls_name in _OUR_ERRORS), next(foreign, None))
    if told is None:
        return (event.message or "It failed.").partition("\n")[0], trace
    # The first line: notes, and what a database adds, come after it.
    kind, _, said = told.message.strip().partition("\n")[0].partition(": ")
    if told.cls_name in _OUR_ERRORS:
        return said, trace
    return f"{told.cls_name or kind}: {said}" if said else str(told.cls_name or kind), trace
