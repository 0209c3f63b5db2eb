"""Put radon's figures of single files together: facts for the reader, without weight in any level."""

from __future__ import annotations

from radon.metrics import mi_compute

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.report.model import Quality

__all__ = ["quality_of"]


def quality_of(project: Project) -> Quality:
    """Return counts, the mean cyclomatic complexity of own functions and the mean maintainability of own modules.

    Maintainability is radon's index (0 to 100), from Halstead's volume, complexity, lines and comments.
    """
    modules = {path: known for path, known in project.python.items() if kind_of(path) is Kind.PYTHON}
    own = {path: known for path, known in modules.items() if role_of(path) is not Role.TEST}
    blocks = [body.complexity for known in own.values() for body in known.definitions if body.kind != "class"]
    indices = [_maintainability(known) for known in own.values() if known.text.source]
    return Quality(
        python_files=len(modules),
        sloc=sum(known.text.source for known in own.values()),
        test_sloc=sum(known.text.source for path, known in modules.items() if path not in own),
        notebooks=len(project.python) - len(modules),
        mean_complexity=round(sum(blocks) / len(blocks), 4) if blocks else None,
        maintainability=round(sum(indices) / len(indices), 4) if indices else None,
    )


def _maintainability(known: PythonFacts) -> float:
    complexity = sum(body.complexity for body in known.definitions if body.kind != "class")
    share = 100 * known.text.comments / known.text.source
    return float(mi_compute(known.text.halstead_volume, complexity, known.text.source, share))
