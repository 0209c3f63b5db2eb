"""The analysis of one repository as three durable steps: fetch, score, record."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfiguredInstance

from assessor.analysis.engine import Options, score
from assessor.analysis.source import SourceError, fetch
from assessor.config import Settings
from assessor.jobs.queue import ANALYSES
from assessor.services.unit import UnitFactory

TELL_EVERY = 0.5
"""Seconds between two stored states of progress: a page that refreshes each second sees it move, the database rests."""


@DBOS.dbos_class()
class Analyses(DBOSConfiguredInstance):
    """Run analyses; the workflow's id is the analysis' id, so that queueing one twice runs it once."""

    def __init__(self, unit: UnitFactory, settings: Settings) -> None:
        super().__init__(config_name=ANALYSES)
        self._unit = unit
        self._settings = settings

    @DBOS.workflow(max_recovery_attempts=5)
    def analyse(self, analysis_id: str) -> None:
        """Fetch the source, score it and record the result; a source that cannot be read is a result too."""
        self.fetch_source(analysis_id)
        self.score_source(analysis_id)
        self.record_result(analysis_id)
