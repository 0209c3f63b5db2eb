"""Know which files and names are the project's, what its images take in, and what builds and starts them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from functools import cached_property
from pathlib import PurePosixPath

from assessor.analysis.facts.configuration_model import ComposeFacts, DockerFacts, ProjectFacts, Service
from assessor.analysis.facts.shell import words_of
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.steps import Ran, steps_of
from assessor.analysis.signals.words import builds_image, option, tests

__all__ = ["SKIPPED", "Images"]

SKIPPED = Lazy(r"(?:^|/)\.devcontainer/|(?:^|/)devcontainer", re.IGNORECASE)
MANIFEST_FILES = Lazy(
    r"(?:.*/)?(?:[^/]*requirements[^/]*|constraints[^/]*|pyproject\.toml|setup\.(?:py|cfg)|poetry\.lock|uv\.lock|pipfile(?:\.lock)?|[^/]*environment[^/]*"
    r"|[^/]*dependencies[^/]*|conda[^/]*\.ya?ml|package(?:-lock)?\.json|yarn\.lock|go\.(?:mod|sum)|\.npmrc|pip\.conf|[^/]*\.lock|readme[^/]*|license[^/]*)",
    re.IGNORECASE,
)
RUNS_CONTENT = Lazy(
    r"(?:^|/)(?:nginx|httpd|caddy|apache|uvicorn-gunicorn[\w-]*|meinheld-gunicorn[\w-]*|uwsgi-nginx[\w-]*|tensorflow/serving|serving|torchserve|tritonserver"
    r"|pytorch/torchserve|aws-lambda-python|lambda/[\w.-]+|azure-functions/[\w.-]+|airflow|apache/airflow|superset|mlserver|seldon-core-s2i[\w-]*|kserve[\w/-]*"
    r"|jupyter/[\w-]+|grafana/grafana|prom/prometheus|php)(?:[:@]|$)"
)
BUILDING = Lazy(
    r"docker/(?:build-push|bake)-action@|redhat-actions/buildah-build@|task:Docker(?:Compose)?@|.*kaniko|.*/(?:docker-build|build-push)[\w-]*@"
)
IDLE = Lazy(
    r"(?:(?:/bin/)?(?:ba|z)?sh\s+-\w*c\s+)?['\"]?(?:echo|true|sleep|tail|exit|printf)\b[^&|;]*|(?:/bin/|/usr/bin/)?(?:ba|z)?sh(?:\s+-\w+)*|i?python3?"
)
TRYING = Lazy(
    r"\bdocker(?:-compose|\s+compose)?\s+(?:\S+\s+){0,6}(?:run|exec|up)\b|container-structure-test|\bdgoss\b|\bkind load\b"
)
OWN_INSTALL = Lazy(
    r"\bpip[\d.]*\s+install\b[^&|;]*\s(?:-e\s+)?\.(?:/[\w\-./]*)?(?:\[[\w,]+\])?(?=\s|$)|\bsetup\.py\s+(?:install|develop|bdist|build)|\bpip[\d.]*\s+install\b[^&|;]*\.whl"
    r"|\b(?:poetry|pdm|pipenv)\s+(?:install|sync)|\buv\s+(?:sync|build)|\b(?:go|cargo|npm|yarn|pnpm|mvn|gradle|gradlew)\s+(?:run\s+)?(?:build|install|package|start)\b"
    r"|\bmake\b|\bcmake\b|\bdotnet\s+(?:build|publish)|\bmanage\.py\b|\b(?:npm|yarn|pnpm)\s+(?:run|start)"
)
WORD = Lazy(r"[\w./:\-=]+")


class Images:
    """Answer questions about the images of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._steps = steps_of(project)
        self._compose = {
            path: known for path, known in project.of(ComposeFacts).items() if role_of(path) is not Role.TEST
        }

    @cached_property
    def _code(self) -> frozenset[str]:
        kinds = (Kind.PYTHON, Kind.NOTEBOOK, Kind.SOURCE, Kind.SHELL, Kind.JSON, Kind.YAML, Kind.TOML, Kind.DATA)
        return frozenset(path for path in self._project.entries if kind_of(path) in kinds)

    @cached_property
    def _names(self) -> frozenset[str]:
        """Return the names of files, folders and commands that only the project's own code has."""
        names = {
            path.rpartition("/")[2]
            for path in self._code
            if kind_of(path) in (Kind.PYTHON, Kind.NOTEBOOK, Kind.SOURCE, Kind.SHELL)
        }
        for settings in self._project.of(ProjectFacts).values():
            names |= {name for name, _, _ in settings.entry_points}
        return frozenset(names)

    def copied(self, path: str, known: DockerFacts) -> int | None:
        """Return the line on which files of the repository enter an image, other than lists of dependencies."""
        folder = path.rpartition("/")[0]
        for one in known.instructions:
            if one.word not in ("COPY", "ADD") or "--from=" in one.text:
                if (
                    one.word == "RUN"
                    and re.search(r"\bgit\s+clone\b.*|pip[\d.]*\s+install\s+[^&|;]*git\+", one.text)
                    and self._clones_itself(one.text)
                ):
                    return one.line
                continue
            for source in [word for word in one.text.split() if not word.startswith("--")][:-1]:
                if self._is_code(source, folder):
                    return one.line
        return None

    @cached_property
    def _own_names(self) -> frozenset[str]:
        names = {settings.name.lower() for settings in self._project.of(ProjectFacts).values() if settings.name}
        names |= {
            path.partition("/")[0].lower()
            for path in self._project.python
            if path.count("/") == 1 and path.endswith("/__init__.py")
        }
        return frozenset(names)

    def _clones_itself(self, text: str) -> bool:
        cloned = re.findall(r"/([\w.-]+?)(?:\.git)?(?=[\s@#]|$)", text.lower())
        return any(name in self._own_names for name in cloned)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._code)

    @cached_property
    def _folders(self) -> dict[str, list[str]]:
        """Map the names of files and folders with code to their paths."""
        found: dict[str, list[str]] = defaultdict(list)
        whole = {str(parent) for path in self._code for parent in PurePosixPath(path).parents} | self._code
        for path in whole:
            found[path.rpartition("/")[2]].append(path)
        return found

    def _is_code(self, source: str, folder: str) -> bool:
        plain = source.strip("\"'").removeprefix("./").strip("/")
        while plain.startswith("../"):
            plain = plain[3:]
        if plain in ("", ".", "..", "*") or "$" in plain:
            return self._any_code
        if MANIFEST_FILES.fullmatch(plain) or "://" in plain:
            return False
        stem = plain.partition("*")[0]
        for start in (f"{folder}/{stem}" if folder else stem, stem):
            if start in self._code or _begins(self._sorted, start if "*" in plain else start + "/"):
                return True
        return any(one.endswith("/" + plain) for one in self._folders.get(plain.rpartition("/")[2], ()))

    @cached_property
    def _any_code(self) -> bool:
        return any(not MANIFEST_FILES.fullmatch(one) for one in self._code)

    def started(self, known: DockerFacts) -> tuple[int, bool] | None:
        """Return where an image runs something, and whether that is seen to be the project's; None where it runs nothing."""
        ends = [one for one in known.instructions if one.word in ("CMD", "ENTRYPOINT")]
        for one in known.instructions:
            if one.word in ("CMD", "ENTRYPOINT", "RUN") and self._runs_own(one.text):
                return one.line, True
        last = known.stages[-1]
        bases = " ".join(stage.image for stage in known.stages)
        if RUNS_CONTENT.search(last.image) and not ends:
            return last.line, True
        if last.image in {stage.name for stage in known.stages} and RUNS_CONTENT.search(bases):
            return last.line, True
        if ends and all(IDLE.fullmatch(one.text.strip()) for one in ends):
            return None
        return last.line, False

    def _runs_own(self, text: str) -> bool:
        if OWN_INSTALL.search(text):
            return True
        for word in WORD.findall(text):
            module = word.partition(":")[0]
            if word.rpartition("/")[2] in self._names or (
                ("." in module or f"-m {module}" in text) and module in self._project.modules
            ):
                return True
            if ":" in word and module in self._project.modules:
                return True
            if "." in module and self._project.modules.get(
                module.rpartition(".")[0]
            ):  # handler.function of a function service
                return True
        return False

    @cached_property
    def mounted(self) -> dict[str, int]:
        """Map Dockerfiles to the line of a service that mounts the project's folder into their image."""
        found: dict[str, int] = {}
        for _, service, target in self._services_built:
            if any(volume.startswith((".:", "./", "../", "$PWD", "${PWD}")) for volume in service.volumes):
                found.setdefault(target, service.line)
        return found

    @cached_property
    def _services_built(self) -> list[tuple[str, Service, str]]:
        """Return compose file, service and Dockerfile of every service that is built here."""
        found = []
        for path, known in self._compose.items():
            for service in known.services:
                target = self.target(path, service)
                if target is not None:
                    found.append((path, service, target))
        return found

    def target(self, path: str, service: Service) -> str | None:
        """Return the Dockerfile that a service is built from."""
        if not service.build:
            return None
        folder = path.rpartition("/")[0]
        words = (
            "build",
            *(("-f", f"{service.build}/{service.dockerfile}") if service.dockerfile else ()),
            service.build,
        )
        found = self._steps.dockerfile(words, folder)
        if found is None and service.dockerfile:
            found = self._steps.file(service.dockerfile, folder, Kind.DOCKERFILE)
        return found

    @cached_property
    def _builds(self) -> dict[str, list[Ran]]:
        """Return what builds each Dockerfile in CI; under "" stand builds that name none that is known."""
        found: dict[str, list[Ran]] = defaultdict(list)
        composed = sorted({target for _, _, target in self._services_built})[:200]
        for ran in self._steps.ran:
            if ran.uses:
                if BUILDING.match(ran.uses):
                    found[self._by_action(ran)].append(ran)
            elif builds_image(ran.words):
                if "compose" in ran.words[0] or ran.words[1:2] == ("compose",):
                    for target in composed:
                        found[target].append(ran)
                else:
                    file = option(ran.words, "-f", "--file", "--dockerfile")
                    named = (
                        self._steps.file(file, "", Kind.DOCKERFILE)
                        if file
                        else self._steps.dockerfile(ran.words[1:], "")
                    )
                    found[named or ""].append(ran)
        return found

    def _by_action(self, ran: Ran) -> str:
        given = {name.lower(): value for name, value in ran.inputs.items()}
        file = given.get("file", given.get("dockerfile", given.get("containerfiles", "")))
        named = ("-f", re.sub(r"\$\([^)]*\)/|\*\*/", "", file)) if file else ()
        return self._steps.dockerfile(("build", *named, given.get("context", given.get("buildcontext", "."))), "") or ""

    def built(self, path: str) -> tuple[str | None, str | None]:
        """Return what builds a Dockerfile, and what tries the image in a run that can fail."""
        wired = verified = None
        for ran in self._builds.get(path, []) + (self._builds.get("", []) if self._alone else []):
            place = f"{ran.path}:{ran.line} builds it"
            wired = wired or place
            if verified is None and ran.automatic and ran.can_fail and self._tried(path, ran):
                verified = f"{place} and tries it"
        if wired is None and path in self._composing:
            wired = f"{self._composing[path]} builds it"
        return wired, verified

    @cached_property
    def _alone(self) -> bool:
        return sum(1 for one in self._project.of(DockerFacts) if role_of(one) is Role.OWN) == 1

    @cached_property
    def _composing(self) -> dict[str, str]:
        return {target: f"{compose}:{service.line}" for compose, service, target in reversed(self._services_built)}

    @cached_property
    def _trials(self) -> set[tuple[str, str, str]]:
        """Return workflow, job and Dockerfile of what tries images; "" stands for any image."""
        found: set[tuple[str, str, str]] = set()
        for ran in self._steps.ran:
            if ran.can_fail and kind_of(ran.source) is Kind.DOCKERFILE and tests(ran.words):
                found.add((ran.path, ran.job, ran.source))
            if ran.can_fail and TRYING.search(ran.text):
                found.add((ran.path, ran.job, ""))
        return found

    def _tried(self, path: str, build: Ran) -> bool:
        """Tell whether the job that builds an image also starts it, or the image tests itself while it is built."""
        return bool({(build.path, build.job, path), (build.path, build.job, "")} & self._trials)

    def has(self, path: str) -> bool:
        """Tell whether a path is a file or a folder of the repository."""
        return path in self._project.entries or _begins(self._paths, path.rstrip("/") + "/")

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self._project.entries)

    def image_is_own(self, image: str) -> bool:
        """Tell whether an image is the project's: its CI or compose file tags it, or it bears the project's name."""
        plain = re.sub(r"\$\{[^}]*\}|\$\w+|\{\{[^}]*\}\}", "", image).partition("@")[0]
        base = re.sub(r"[^a-z0-9]", "", plain.rpartition("/")[2].partition(":")[0].lower())
        if not base:
            return "{{" in image or "$" in image
        return any(base == name or (len(name) > 3 and name in base) for name in self._tagged)

    @cached_property
    def _tagged(self) -> frozenset[str]:
        names: set[str] = set()
        for settings in self._project.of(ProjectFacts).values():
            names.add(settings.name)
        for path in self._project.python:
            if path.endswith("__init__.py") and path.count("/") <= 2 and role_of(path) is Role.OWN:
                names.add(path.split("/")[-2] if "/" in path else "")
        for ran in self._steps.ran:
            names |= {
                (word.rpartition("/")[2]).partition(":")[0]
                for word in [option(ran.words, "-t", "--tag") or "", ran.inputs.get("tags", "")]
            }
        for _, service, _ in self._services_built:
            names |= {service.name, service.image.rpartition("/")[2].partition(":")[0]}
        for path in self._project.of(DockerFacts):
            names.add(path.split("/")[-2] if "/" in path else "")
        aside = words_of("src docker app build images image dockerfiles server api backend base")
        return frozenset(re.sub(r"[^a-z0-9]", "", name.lower()) for name in names if name.lower() not in aside) - {""}


def _begins(paths: list[str], start: str) -> bool:
    """Tell whether one of sorted paths begins so."""
    place = bisect_left(paths, start)
    return place < len(paths) and paths[place].startswith(start)
