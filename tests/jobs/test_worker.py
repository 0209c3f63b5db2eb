"""Real worker processes on a real database: what was stored is finished, whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from assessor.cli.db import upgrade
from assessor.config import Settings, resource_dir
from assessor.content.catalogue import load_catalogue
from assessor.jobs.queue import Queue
from assessor.models.hiring import Candidate
from assessor.models.portfolio import Analysis
from assessor.models.session import make_engine
from assessor.services.unit import UnitFactory
from tests.gitrepo import make_repo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("jobs")]

WITHIN = 60.0
"""Seconds within which nothing may be stuck: a promise to users, see docs/security.md."""

MODULE = "import numpy as np\n\n\ndef step{0}(x):\n    y = np.dot(x, x) + {0}\n    return y if y > 0 else -y\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    sources = tmp_path / "sources"
    make_repo(sources / "small", {"app.py": "print('hello')\n", "tests/test_app.py": "def test(): assert 1\n"})
    found = Settings.for_tests(tmp_path / "data", source_folder=sources)
    upgrade(found)
    return found


@pytest.fixture
def unit(settings: Settings) -> Iterator[UnitFactory]:
    factory = UnitFactory(make_engine(settings.database_url), load_catalogue(resource_dir("rubrics")), settings)
    yield factory
    factory.engine.dispose()


@contextmanager
def worker(settings: Settings, name: str = "first") -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "ASSESSOR_DATA_DIR": str(settings.data_dir),
        "ASSESSOR_SOURCE_FOLDER": str(settings.source_folder),
    }
    arguments = [sys.executable, "-m", "assessor", "worker", "--name", name]
    with (settings.data_dir / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=15)


def add(unit: UnitFactory, source: str = "folder:small") -> str:
    with unit(write=True) as u:
        found = u.account.find("ada@example.org") or u.account.create("ada@example.org", None)
        assert found.person is not None
        return u.portfolio.add(found.person.id, source).id


def wait_for(unit: UnitFactory, analysis_id: str, told: Callable[[Analysis], bool], settings: Settings) -> Analysis:
    deadline = time.monotonic() + WITHIN
    while True:
        with unit() as u:
            found = u.portfolio.analysis(analysis_id)
        if told(found):
            return found
        logs = "\n".join(path.read_text()[-2000:] for path in settings.data_dir.glob("*.log"))
        assert time.monotonic() < deadline, f"{found.state} {found.stage} {found.cause}\n{logs}"
        time.sleep(0.05)


def finished(analysis: Analysis) -> bool:
    return analysis.state in ("done", "failed")


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def large(settings: Settings) -> str:
    """Make a repository whose analysis takes long enough to be killed in the middle."""
    assert settings.source_folder is not None
    files = {f"pkg/module{number}.py": MODULE.format(number) * 40 for number in range(1500)}
    make_repo(settings.source_folder / "large", files)
    return "folder:large"


def test_what_is_queued_is_finished_and_progress_is_seen(settings: Settings, unit: UnitFactory) -> None:
    queue = Queue(settings)
    with worker(settings):
        analysis_id = add(unit)
        queue.enqueue(analysis_id)
        queue.enqueue(analysis_id)
        done = wait_for(unit, analysis_id, finished, settings)
    queue.close()
    assert (done.state, done.cause) == ("done", None)
    with unit() as u:
        assert u.portfolio.report(analysis_id).source == "folder:small"


def test_what_was_committed_but_never_queued_is_finished(settings: Settings, unit: UnitFactory) -> None:
    analysis_id = add(unit)  # the web process died here, between commit and enqueue
    with worker(settings):
        assert wait_for(unit, analysis_id, finished, settings).state == "done"


def test_a_source_that_cannot_be_read_ends_with_cause_and_cure(settings: Settings, unit: UnitFactory) -> None:
    assert settings.source_folder is not None
    (settings.source_folder / "empty-folder").mkdir()
    with worker(settings):
        failed = wait_for(unit, add(unit, "folder:empty-folder"), finished, settings)
    assert failed.state == "failed"
    assert failed.cause
    assert failed.cure


@pytest.mark.parametrize("after", ["first", "second"])
def test_a_worker_killed_in_the_middle_is_followed(settings: Settings, unit: UnitFactory, after: str) -> None:
    """The same worker started again, or another one when the first never comes back, finishes what was begun."""
    analysis_id = add(unit, large(settings))
    with worker(settings) as process:
        seen = wait_for(unit, analysis_id, lambda one: one.done > 0 or finished(one), settings)
        assert seen.state == "running", "the analysis was over before it could be killed"
        kill(process)
    with worker(settings, after):
        assert wait_for(unit, analysis_id, finished, settings).state == "done"
    with unit() as u:
        assert u.portfolio.report(analysis_id).quality.python_files == 1500


def test_candidates_whose_time_is_over_are_deleted(settings: Settings) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=settings.candidate_days + 1)
    past = UnitFactory(
        make_engine(settings.database_url), load_catalogue(resource_dir("rubrics")), settings, lambda: long_ago
    )
    with past(write=True) as u:
        user = u.account.create("mia@example.org", None, roles=("manager",))
        key = u.account.sign_in(user.id)
    with past(write=True) as u:
        manager = u.account.actor(key)
        assert manager is not None
        requisition = u.hiring.open(manager, "ML engineer", "ml-engineer")
        u.candidacy.invite(manager, requisition)
        u.hiring.close(manager, requisition)

    def left() -> int:
        with past() as u:
            return len(u.session.scalars(select(Candidate.id)).all())

    assert left() == 1
    with worker(settings):
        until = time.monotonic() + WITHIN
        while left() and time.monotonic() < until:
            time.sleep(0.2)
    assert left() == 0
    past.engine.dispose()
