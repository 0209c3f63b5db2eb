"""One worker process: executes queued work, sweeps what was stored but never queued, adopts what a dead worker held."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from assessor.analysis.gate import Gate
from assessor.config import Settings
from assessor.jobs.analysis import Analyses
from assessor.jobs.queue import ANALYSES, VERSION, Queue
from assessor.jobs.stages import Stages, sweep_folders
from assessor.services.unit import UnitFactory

SWEEP_EVERY = 15.0
DEAD_AFTER = timedelta(seconds=30)
"""Two missed beats; with one sweep on top, work of a worker that never comes back is adopted within a minute."""

log = logging.getLogger(__name__)


def work(settings: Settings, unit: UnitFactory, *, name: str, stop: threading.Event, gate: Gate | None = None) -> None:
    """Execute queued work under a stable name until `stop` is set; unfinished work goes on when the name comes back."""
    # One analysis at a time: each has a parsing child of its own, and a web server lives on the same machine.
    DBOS(
        config=DBOSConfig(
            name="assessor",
            system_database_url=settings.jobs_database_url,
            application_version=VERSION,
            executor_id=name,
            serializer=DBOSPortableJSONSerializer(),
            log_level="WARNING",
            max_executor_threads=8,
        )
    )
    Analyses(Stages(unit, settings, gate))
    queue = Queue(settings)
    with unit(write=True) as u:
        u.work.beat(name)
    DBOS.launch()
    try:
        DBOS.register_queue(ANALYSES, worker_concurrency=1, polling_interval_sec=0.5, on_conflict="always_update")
        while True:
            _sweep(settings, unit, queue, name)
            if stop.wait(SWEEP_EVERY):
                break
    finally:
        queue.close()
        DBOS.destroy()


def _sweep(settings: Settings, unit: UnitFactory, queue: Queue, name: str) -> None:
    """Beat, queue what was committed but never queued, take over from silent workers, and clear what nobody needs."""
    try:
        with unit(write=True) as u:
            u.work.beat(name)
            stored, silent = u.portfolio.sweepable(), u.work.silent_for(DEAD_AFTER)
            u.portfolio.forget_uploads()
            u.profile.forget_drafts()
        for analysis_id in stored:
            queue.enqueue(analysis_id)
        sweep_folders(settings, set(stored))
        _end_given_up(unit, stored)
        for lost in silent:
            _adopt(lost)
            with unit(write=True) as u:
                u.work.forget(lost)
        with unit(write=True) as u:
            u.hiring.forget_expired()
    except Exception:
        # A locked or unreachable database must not end the worker; the next sweep tries again.
        log.exception("a sweep failed and is repeated in %s s", SWEEP_EVERY)


def _end_given_up(unit: UnitFactory, unfinished: Sequence[str]) -> None:
    """Tell the people whose analysis ended a worker so often that it is not tried again."""
    given_up = ["MAX_RECOVERY_ATTEMPTS_EXCEEDED", "ERROR", "CANCELLED"]
    if not unfinished:
        return
    for status in DBOS.list_workflows(
        workflow_ids=list(unfinished), status=given_up, load_input=False, load_output=False
    ):
        with unit(write=True) as u:
            u.portfolio.fail(
                status.workflow_id,
                "This repository stopped the worker again and again; it is not tried any more.",
                "Report it to the operator: the log names the cause.",
            )


def _adopt(worker: str) -> None:
    for status in DBOS.list_workflows(executor_id=worker, status="PENDING", load_input=False, load_output=False):
        log.warning("worker %s is silent; its analysis %s goes on here", worker, status.workflow_id)
        DBOS.resume_workflow(status.workflow_id, queue_name=ANALYSES)
