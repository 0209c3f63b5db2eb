"""Layer 4: images that run the project's code, and what starts them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from assessor.analysis.facts.configuration_model import (
    ComposeFacts,
    DockerFacts,
    ManifestFacts,
    ProjectFacts,
    RecipeFacts,
    Resource,
    Service,
)
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.steps import Ran, steps_of
from assessor.analysis.signals.words import builds_image, option, tests

__all__ = ["docker", "orchestration"]

SKIPPED = re.compile(r"(?:^|/)\.devcontainer/|(?:^|/)devcontainer", re.IGNORECASE)
MANIFEST_FILES = re.compile(
    r"(?:.*/)?(?:[^/]*requirements[^/]*|constraints[^/]*|pyproject\.toml|setup\.(?:py|cfg)|poetry\.lock|uv\.lock|pipfile(?:\.lock)?|[^/]*environment[^/]*"
    r"|[^/]*dependencies[^/]*|conda[^/]*\.ya?ml|package(?:-lock)?\.json|yarn\.lock|go\.(?:mod|sum)|\.npmrc|pip\.conf|[^/]*\.lock|readme[^/]*|license[^/]*)",
    re.IGNORECASE,
)
RUNS_CONTENT = re.compile(
    r"(?:^|/)(?:nginx|httpd|caddy|apache|uvicorn-gunicorn[\w-]*|meinheld-gunicorn[\w-]*|uwsgi-nginx[\w-]*|tensorflow/serving|serving|torchserve|tritonserver"
    r"|pytorch/torchserve|aws-lambda-python|lambda/[\w.-]+|azure-functions/[\w.-]+|airflow|apache/airflow|superset|mlserver|seldon-core-s2i[\w-]*|kserve[\w/-]*"
    r"|jupyter/[\w-]+|grafana/grafana|prom/prometheus|php)(?:[:@]|$)"
)
BUILDING = re.compile(
    r"docker/(?:build-push|bake)-action@|redhat-actions/buildah-build@|task:Docker(?:Compose)?@|.*kaniko|.*/(?:docker-build|build-push)[\w-]*@"
)
IDLE = re.compile(
    r"(?:/bin/)?(?:bash|sh|zsh)?\s*(?:-\w+\s+)?['\"]?(?:echo|true|sleep|tail\s+-f|:|exit|/bin/bash|bash|sh|/bin/sh)?\b[^&|;/]*$"
)
OWN_INSTALL = re.compile(
    r"\bpip[\d.]*\s+install\b[^&|;]*\s(?:-e\s+)?\.(?:/[\w\-./]*)?(?:\[[\w,]+\])?(?=\s|$)|\bsetup\.py\s+(?:install|develop|bdist|build)|\bpip[\d.]*\s+install\b[^&|;]*\.whl"
    r"|\b(?:poetry|pdm|pipenv)\s+(?:install|sync)|\buv\s+(?:sync|build)|\b(?:go|cargo|npm|yarn|pnpm|mvn|gradle|gradlew)\s+(?:run\s+)?(?:build|install|package|start)\b"
    r"|\bmake\b|\bcmake\b|\bdotnet\s+(?:build|publish)|\bmanage\.py\b|\b(?:npm|yarn|pnpm)\s+(?:run|start)"
)
WORD = re.compile(r"[\w./:\-=]+")


def docker(project: Project) -> Iterator[Finding]:
    """Find Dockerfiles that take in the project's own files and run them.

    Bad: `FROM scratch`, a base image and `CMD ["bash"]`. Good: `COPY . /app` with `CMD ["python", "serve.py"]`.
    """
    own = _Own(project)
    for path, known in project.of(DockerFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or SKIPPED.search(path) or not known.stages:
            continue
        copied = own.copied(path, known)
        mounted = own.mounted.get(path)
        started = own.started(known)
        if copied is None and mounted is None:
            yield _told(
                "docker",
                "no-own-code",
                path,
                known.stages[0].line,
                "an image with none of the project's files",
                Strength.MENTIONED,
            )
            continue
        if started is None:
            yield _told(
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
        yield _told("docker", "image", path, line, "an image with the project's own code", strength, wired, verified)


def _told(
    signal: str,
    detector: str,
    path: str,
    line: int | None,
    message: str,
    strength: Strength = Strength.USED,
    wired_by: str | None = None,
    verified_by: str | None = None,
) -> Finding:
    setting = Setting.EXAMPLE if role_of(path) in (Role.EXAMPLE, Role.DOCS) else Setting.CONFIGURATION
    return Finding(
        signal, detector, path, line, message, strength, setting=setting, wired_by=wired_by, verified_by=verified_by
    )


class _Own:
    """Know which files and names are the project's, and what builds and starts its images."""

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

    def _clones_itself(self, text: str) -> bool:
        names = {settings.name.lower() for settings in self._project.of(ProjectFacts).values() if settings.name}
        names |= {
            path.partition("/")[0].lower()
            for path in self._project.python
            if path.count("/") == 1 and path.endswith("/__init__.py")
        }
        return any(re.search(rf"/{re.escape(name)}(?:\.git|[\s@#]|$)", text.lower()) for name in names)

    def _is_code(self, source: str, folder: str) -> bool:
        plain = source.strip("\"'").removeprefix("./").strip("/")
        while plain.startswith("../"):
            plain = plain[3:]
        if plain in ("", ".", "..", "*") or "$" in plain:
            return any(not MANIFEST_FILES.fullmatch(one) for one in self._code)
        if MANIFEST_FILES.fullmatch(plain) or "://" in plain:
            return False
        stem = plain.partition("*")[0].rstrip("/")
        for start in (f"{folder}/{stem}" if folder else stem, stem):
            if any(one == start or one.startswith(start if "*" in plain else start + "/") for one in self._code):
                return True
        return any(f"/{stem}/" in f"/{one}" or one.endswith("/" + stem) for one in self._code) if stem else False

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
    def _builds(self) -> list[tuple[str, Ran]]:
        """Return the Dockerfiles that CI builds; "" for a build that names none that is known."""
        found = []
        for ran in self._steps.ran:
            if ran.uses:
                if BUILDING.match(ran.uses):
                    found.append((self._by_action(ran), ran))
            elif builds_image(ran.words):
                if "compose" in ran.words[0] or ran.words[1:2] == ("compose",):
                    found += [(target, ran) for _, _, target in self._services_built]
                else:
                    file = option(ran.words, "-f", "--file", "--dockerfile")
                    target = (
                        self._steps.file(file, "", Kind.DOCKERFILE)
                        if file
                        else self._steps.dockerfile(ran.words[1:], "")
                    )
                    found.append((target or "", ran))
        return found

    def _by_action(self, ran: Ran) -> str:
        given = {name.lower(): value for name, value in ran.inputs.items()}
        file = given.get("file", given.get("dockerfile", given.get("containerfiles", "")))
        named = ("-f", re.sub(r"\$\([^)]*\)/|\*\*/", "", file)) if file else ()
        return self._steps.dockerfile(("build", *named, given.get("context", given.get("buildcontext", "."))), "") or ""

    def built(self, path: str) -> tuple[str | None, str | None]:
        """Return what builds a Dockerfile, and what tries the image in a run that can fail."""
        alone = sum(1 for one in self._project.of(DockerFacts) if role_of(one) is Role.OWN) == 1
        wired = verified = None
        for target, ran in self._builds:
            if target == path or (target == "" and alone):
                told = f"{ran.path}:{ran.line} builds it"
                wired = wired or told
                if verified is None and ran.automatic and ran.can_fail and self._tried(path, ran):
                    verified = f"{told} and tries it"
        for compose, service, target in self._services_built:
            if wired is None and target == path:
                wired = f"{compose}:{service.line} builds it"
        return wired, verified

    def _tried(self, path: str, build: Ran) -> bool:
        """Tell whether the job that builds an image also starts it, or the image tests itself while it is built."""
        for ran in self._steps.ran:
            if ran.path != build.path or ran.job != build.job or not ran.can_fail:
                continue
            if ran.source == path and tests(ran.words):
                return True
            if re.search(
                r"\bdocker(?:-compose|\s+compose)?\s+(?:\S+\s+){0,4}(?:run|exec|up)\b|container-structure-test|\bdgoss\b|\bkind load\b",
                ran.text,
            ):
                return True
        return False

    def image_is_own(self, image: str) -> bool:
        """Tell whether an image is the project's: its CI or compose file tags it, or it bears the project's name."""
        plain = re.sub(r"\$\{[^}]*\}|\$\w+|\{\{[^}]*\}\}", "", image).partition("@")[0]
        base = re.sub(r"[^a-z0-9]", "", plain.rpartition("/")[2].partition(":")[0].lower())
        if not base:
            return "{{" in image or "$" in image
        return any(base == name or (len(name) > 3 and name in base) for name in self._images)

    @cached_property
    def _images(self) -> frozenset[str]:
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
        aside = {
            "src",
            "docker",
            "app",
            "build",
            "images",
            "image",
            "dockerfiles",
            "server",
            "api",
            "backend",
            "base",
            "",
        }
        return frozenset(re.sub(r"[^a-z0-9]", "", name.lower()) for name in names if name.lower() not in aside) - {""}


OFF_THE_SHELF = re.compile(
    r"(?:^|/)(?:postgres|mysql|mariadb|mongo|mongodb|redis|valkey|rabbitmq|memcached|kafka|cp-kafka|zookeeper|elasticsearch|kibana|minio|mc|adminer|pgadmin4?"
    r"|phpmyadmin|nginx|traefik|busybox|alpine|ubuntu|debian|mailhog|localstack|influxdb|clickhouse[\w-]*|cassandra|neo4j|etcd|consul|vault|qdrant|weaviate"
    r"|chroma|milvus|opensearch|keycloak|registry|hello-world|pause|maildev|mailcatcher|timescaledb|postgis|pgvector)(?:[:@]|$)"
)
WORKLOADS = frozenset(
    words_of(
        "Deployment StatefulSet DaemonSet Job CronJob Pod ReplicaSet ReplicationController Rollout DeploymentConfig InferenceService SeldonDeployment"
        " RayService RayJob RayCluster PyTorchJob TFJob MPIJob XGBoostJob SparkApplication ElasticJob Workflow CronWorkflow WorkflowTemplate Experiment"
    )
)
APPLIES = re.compile(
    r"\b(?:kubectl\s+(?:\S+\s+){0,6}(?:apply|create|set|replace)|helm\s+(?:upgrade|install)|kustomize\s+build|skaffold\s+(?:run|deploy)|oc\s+apply|helmfile)\b"
)
APPLYING = re.compile(
    r"[aA]zure/k8s-\w+@|task:(?:HelmDeploy|Kubernetes\w*)@|.*(?:helm|kubectl|gke-deploy|kustomize)[\w-]*@"
)
CHECKS = re.compile(
    r"\b(?:kubectl\s+(?:\S+\s+){0,6}(?:rollout\s+status|wait)|helm\s+(?:test|lint)|kubeval|kubeconform|kube-score|ct\s+(?:lint|install)|kube-linter)\b"
)
STARTS = re.compile(
    r"\bdocker(?:-compose|\s+compose)\s+(?:\S+\s+){0,6}(?:up|run|exec|start)\b|\bdocker\s+stack\s+deploy\b"
)


def orchestration(project: Project) -> Iterator[Finding]:
    """Find compose files, manifests, charts and kustomizations that start the project's own services.

    Bad: a compose file with a database alone, `kind: Cluster` for tests, a chart that still starts nginx.
    Good: a service with `build: .`, a Deployment of the project's image.
    """
    own = _Own(project)
    yield from _composed(project, own)
    yield from _manifests(project, own)


def _composed(project: Project, own: _Own) -> Iterator[Finding]:
    for path, known in project.of(ComposeFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or SKIPPED.search(path) or not known.services:
            continue
        mine = [
            one
            for one in known.services
            if own.target(path, one) or one.build in (".", "..") or (one.image and own.image_is_own(one.image))
        ]
        others = [
            one
            for one in known.services
            if one not in mine and not OFF_THE_SHELF.search(one.image) and _mounts_own(project, path, one)
        ]
        if not mine and not others:
            message = "a compose file that starts nothing of the project"
            yield _told("orchestration", "not-own", path, known.services[0].line, message, Strength.MENTIONED)
            continue
        first = (mine or others)[0]
        names = ", ".join(one.name for one in (mine or others)[:5])
        wired, verified = _started(project, STARTS, re.compile(r"(?!)"))
        strength = Strength.USED if mine else Strength.DECLARED
        yield _told(
            "orchestration",
            "compose",
            path,
            first.line,
            f"starts {names} beside what they need",
            strength,
            wired,
            verified,
        )


def _mounts_own(project: Project, path: str, service: Service) -> bool:
    folder = path.rpartition("/")[0]
    for volume in service.volumes:
        source = volume.partition(":")[0]
        if source.startswith("."):
            plain = (f"{folder}/" if folder else "") + source.removeprefix("./").strip("/.")
            if any(one == plain or one.startswith(plain + "/") or not plain for one in project.entries):
                return True
    return False


def _started(
    project: Project, starts: re.Pattern[str], checks: re.Pattern[str], actions: re.Pattern[str] | None = None
) -> tuple[str | None, str | None]:
    """Return what starts things in CI or in a recipe, and what tries them in the same job in a run that can fail."""
    ran = steps_of(project).ran
    begun = [
        one
        for one in ran
        if (starts.search(one.text) and not one.uses) or (actions is not None and one.uses and actions.match(one.uses))
    ]
    for one in begun:
        told = f"{one.path}:{one.line} starts it"
        later = [other for other in ran if other.path == one.path and other.job == one.job and other.can_fail]
        tried = any(
            tests(other.words) or checks.search(other.text) or re.search(r"\bcurl\b|\bnewman\b|\bsmoke", other.text)
            for other in later
        )
        tried = tried or any(
            re.search(r"\bdocker(?:-compose|\s+compose)\s+(?:\S+\s+){0,6}(?:run|exec)\b", other.text) for other in later
        )
        if one.automatic and one.can_fail and tried:
            return told, f"{told} and tries it"
    if begun:
        return f"{begun[0].path}:{begun[0].line} starts it", None
    for path, known in project.of(RecipeFacts).items():
        if role_of(path) is Role.OWN:
            for text, line in known.commands:
                if starts.search(text):
                    return f"{path}:{line} starts it", None
    return None, None


def _manifests(project: Project, own: _Own) -> Iterator[Finding]:
    values = {
        path.rpartition("/")[0]: one
        for path, known in project.of(ManifestFacts).items()
        for one in known.objects
        if one.kind == "Values"
    }
    wired, verified = _started(project, APPLIES, CHECKS, APPLYING)
    for path, known in project.of(ManifestFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or path.startswith(".github/"):
            continue
        found = next((one for one in known.objects if _starts_own(path, one, values)), None)
        if found is None:
            continue
        strength = (
            Strength.USED
            if found.templated or any(own.image_is_own(image) for image, _ in found.images)
            else Strength.DECLARED
        )
        named = f" {found.name}" if found.name and "{{" not in found.name else ""
        message = f"a {found.kind}{named} of the project"
        yield _told("orchestration", "manifest", path, found.line, message, strength, wired, verified)


def _starts_own(path: str, one: Resource, values: dict[str, Resource]) -> bool:
    if one.kind not in WORKLOADS and not (one.images and "Job" in one.kind):
        return False
    images = [image for image, _ in one.images]
    if one.templated:
        chart = path.partition("/templates/")[0]
        held = values.get(chart)
        if held is not None and held.images:
            images = [image for image, _ in held.images]
    if one.kind in ("InferenceService", "SeldonDeployment", "Application"):
        return True
    return any(not OFF_THE_SHELF.search(image) for image in images)
