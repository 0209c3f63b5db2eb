"""Layer 4: images that run the project's code."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import DockerFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.images import SKIPPED, Images
from assessor.analysis.signals.told import told

__all__ = ["docker"]


def docker(project: Project) -> Iterator[Finding]:
    """Find Dockerfiles that take in the project's own files and run them.

    Bad: `FROM scratch`, a base image and `CMD ["bash"]`. Good: `COPY . /app` with `CMD ["python", "serve.py"]`.
    """
    own = Images(project)
    for path, known in project.of(DockerFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or SKIPPED.search(path) or not known.stages:
            continue
        copied = own.copied(path, known)
        mounted = own.mounted.get(path)
        started = own.started(known)
        if copied is None and mounted is None:
            yield told(
                "docker",
                "no-own-code",
                path,
                known.stages[0].line,
                "an image with none of the project's files",
                Strength.MENTIONED,
            )
            continue
        if started is None:
            yield told(
                "docker",
                "runs-nothing",
                path,
                known.stages[-1].line,
                "an image that runs nothing of the project",
                Strength.MENTIONED,
            )
            continue
        wired, verified = own.built(path)
        strength = Strength.USED if started[1] else Strength.DECLARED
        line = copied or started[0]
        yield told("docker", "image", path, line, "an image with the project's own code", strength, wired, verified)
