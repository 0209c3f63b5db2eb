"""What web processes know of background work: they put it into the queue and never run it."""

from __future__ import annotations

import logging
import threading

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions

from assessor.config import Settings

ANALYSES = "analyses"
"""Name of the queue, of the workflow class' instance, and of nothing else."""

VERSION = "1"
"""Raised by hand when a workflow's steps change; a computed one would strand pending work at every release."""

log = logging.getLogger(__name__)


def create_tables(settings: Settings) -> None:
    """Create or migrate the tables of the job queue, before any process that enqueues starts."""
    DBOS.migrate(settings.jobs_database_url)


class Queue:
    """Put analyses into the queue. The connection is made at the first use, so that a web process starts without it."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.jobs_database_url
        self._client: DBOSClient | None = None
        self._lock = threading.Lock()

    def enqueue(self, analysis_id: str) -> None:
        """Queue an analysis that was committed as queued; doing it twice does no harm.

        A queue that cannot be reached is logged and not raised: the analysis is stored and the workers' sweep finds it.
        """
        try:
            self._connected().enqueue(
                EnqueueOptions(
                    workflow_name="Analyses.analyse",
                    class_name="Analyses",
                    instance_name=ANALYSES,
                    queue_name=ANALYSES,
                    workflow_id=analysis_id,
                    app_version=VERSION,
                ),
                analysis_id,
            )
        except Exception:
            log.exception("analysis %s is stored but could not be queued; the next sweep queues it", analysis_id)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def _connected(self) -> DBOSClient:
        with self._lock:
            if self._client is None:
                self._client = DBOSClient(
                    system_database_url=self._url,
                    serializer=DBOSPortableJSONSerializer(),
                    lazy=True,
                    retry_connection_errors=False,
                )
            return self._client
