"""The analysis of one repository as three durable steps: fetch, score, record."""

from __future__ import annotations

import logging

from dbos import DBOS, DBOSConfiguredInstance

from assessor.analysis.source import SourceError
from assessor.jobs.queue import ANALYSES
from assessor.jobs.stages import Stages
from assessor.services.errors import NotFound

__all__ = ["Analyses"]

log = logging.getLogger(__name__)


@DBOS.dbos_class()
class Analyses(DBOSConfiguredInstance):
    """Run analyses; the workflow's id is the analysis' id, so that queueing one twice runs it once."""

    def __init__(self, stages: Stages) -> None:
        super().__init__(config_name=ANALYSES)
        self._stages = stages

    @DBOS.workflow(max_recovery_attempts=5)
    def analyse(self, analysis_id: str) -> None:
        """Fetch the source, score it and record the result; a source that cannot be read is a result too."""
        try:
            self.fetch_source(analysis_id)
            self.score_source(analysis_id)
            self.record_result(analysis_id)
        except SourceError as error:
            self.record_failure(analysis_id, error.cause, error.cure)
        except NotFound:
            log.info("analysis %s was removed while it waited", analysis_id)
            self._stages.clean(analysis_id)
        except Exception:
            log.exception("analysis %s failed", analysis_id)
            self.record_failure(
                analysis_id, "The analysis stopped on an error of ours; it is in the log.", "Scan the repository again."
            )

    @DBOS.step()
    def fetch_source(self, analysis_id: str) -> None:
        """Bring the source to this machine."""
        self._stages.fetch(analysis_id)

    @DBOS.step()
    def score_source(self, analysis_id: str) -> None:
        """Score the source and keep the report."""
        self._stages.score(analysis_id)

    @DBOS.step()
    def record_result(self, analysis_id: str) -> None:
        """Count the report for the person."""
        self._stages.record(analysis_id)

    @DBOS.step()
    def record_failure(self, analysis_id: str, cause: str, cure: str) -> None:
        """Tell the person why there is no report."""
        self._stages.fail(analysis_id, cause, cure)
