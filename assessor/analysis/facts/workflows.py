"""Read CI configurations: what starts them, what their steps run, and whether a failing step fails the job."""

from __future__ import annotations

import re
from collections.abc import Callable

from assessor.analysis.facts.configuration_model import Job, Lines, Step, WorkflowFacts
from assessor.analysis.facts.model import Skipped
from assessor.analysis.facts.services import OTHERS, step
from assessor.analysis.facts.yamltext import Map, Scalar, Seq, as_map, as_seq, documents, maps, script, text, texts

__all__ = ["read_workflow", "workflow_of"]

FALSE = re.compile(r"(?:\$\{\{)?\s*(?:!\s*true|false|0)\s*(?:\}\})?|.*&&\s*false\s*(?:\}\})?", re.IGNORECASE)
TRUE = re.compile(r"(?:\$\{\{)?\s*true\s*(?:\}\})?", re.IGNORECASE)
NOT_PUSHED = re.compile(
    r"(?:github\.event_name\s*==\s*['\"](?:schedule|workflow_dispatch|release|repository_dispatch)|CI_PIPELINE_SOURCE\s*==\s*['\"](?:schedule|web|api)"
    r"|startsWith\(\s*github\.ref,\s*['\"]refs/tags|CI_COMMIT_TAG\b|Build\.Reason'?\],\s*'(?:Schedule|Manual))"
)
PUSHED = re.compile(r"\|\||push|pull_request|merge_request|CI_COMMIT_BRANCH|!=")
MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")


def read_workflow(path: str, data: bytes) -> WorkflowFacts | Skipped | None:
    """Return the facts of a CI configuration, None where it declares no jobs of a known kind."""
    name = path.lower().rpartition("/")[2]
    if name.startswith("jenkinsfile"):
        return OTHERS["jenkins"]([Scalar(data.decode("utf-8", "replace"), 1)])
    found = documents(data)
    return Skipped(path, found) if isinstance(found, str) else workflow_of(path.lower(), [as_map(one) for one in found])


def workflow_of(path: str, found: list[Map]) -> WorkflowFacts | None:
    """Return the facts of the documents of a CI configuration; `path` in lower case says of which system."""
    if not found:
        return None
    for pattern, read in _READERS:
        if pattern.search(path):
            return read(found)
    return None


def _github(found: list[Map]) -> WorkflowFacts:
    top = found[0]
    if "runs" in top:  # a composite action
        steps = tuple(_github_step(one, "") for one in maps(as_map(top["runs"]).get("steps")))
        job = Job("runs", top.line_of("runs"), "", "", (), "", False, True, steps)
        return WorkflowFacts("github-action", ("call",), (job,) if steps else (), ())
    triggers = _github_triggers(top.get("on", top.get("true")))
    shell = text(as_map(as_map(top.get("defaults")).get("run")).get("shell"))
    jobs = as_map(top.get("jobs"))
    return WorkflowFacts(
        "github",
        triggers,
        tuple(_github_job(name, jobs.line_of(name), as_map(one), shell) for name, one in jobs.items()),
        (),
    )


def _github_triggers(value: object) -> tuple[str, ...]:
    named = value if isinstance(value, Map) else dict.fromkeys(texts(value))
    found = []
    for name, detail in named.items():
        detail = as_map(detail)
        known = {
            "pull_request_target": "pull_request",
            "merge_group": "pull_request",
            "workflow_dispatch": "manual",
            "repository_dispatch": "other",
            "workflow_call": "call",
        }.get(name, name)
        if name == "push" and any(key in detail for key in ("tags", "tags-ignore")) and "branches" not in detail:
            known = "push" if "branches-ignore" in detail else "tag"
        if name in ("push", "pull_request") and set(texts(detail.get("branches-ignore"))) & {"**", "*"}:
            known = "other"
        found.append(known if known in KNOWN else "other")
    return tuple(dict.fromkeys(found))


KNOWN = frozenset({"push", "pull_request", "schedule", "manual", "tag", "call", "release"})


def _github_job(name: str, line: int, job: Map, shell: str) -> Job:
    shell = text(as_map(as_map(job.get("defaults")).get("run")).get("shell")) or shell
    folder = text(as_map(as_map(job.get("defaults")).get("run")).get("working-directory"))
    container = job.get("container")
    condition = text(job.get("if"))
    matrix = _matrix(job)
    return Job(
        name,
        line,
        text(job.get("uses")),
        text(as_map(container).get("image")) or text(container),
        tuple(texts(job.get("needs"))),
        condition,
        bool(TRUE.fullmatch(text(job.get("continue-on-error")))),
        _automatic(condition),
        tuple(_github_step(one, shell, folder, matrix) for one in maps(job.get("steps"))),
    )


def _matrix(job: Map) -> dict[str, list[str]]:
    """Return the values of each key of a matrix, included ones among them."""
    matrix = as_map(as_map(job.get("strategy")).get("matrix"))
    found = {key: texts(value) for key, value in matrix.items() if key not in ("include", "exclude")}
    for one in maps(matrix.get("include")):
        for key, value in one.items():
            found.setdefault(key, []).extend(texts(value))
    return found


def _expanded(commands: Lines, matrix: dict[str, list[str]]) -> Lines:
    """Put the values of a matrix into commands: one line for each value of the first key that a line names."""
    found: list[tuple[str, int]] = []
    for text_of, line in commands:
        match = MATRIX.search(text_of)
        values = list(dict.fromkeys(matrix.get(match[1], ())))[:12] if match else []
        found += (
            [(text_of.replace(match[0], value), line) for value in values] if match and values else [(text_of, line)]
        )
    return tuple(found)


def _automatic(condition: str) -> bool:
    if FALSE.fullmatch(condition):
        return False
    return not NOT_PUSHED.search(condition) or bool(PUSHED.search(condition))


def _github_step(one: Map, shell: str, folder: str = "", matrix: dict[str, list[str]] | None = None) -> Step:
    shell = text(one.get("shell")) or shell
    condition = text(one.get("if"))
    return step(
        one.line,
        run=() if shell.startswith("python") else _expanded(script(one.get("run")), matrix or {}),
        uses=text(one.get("uses")),
        inputs={**as_map(one.get("with")), **as_map(one.get("env"))},
        folder=text(one.get("working-directory")) or folder,
        tolerant=bool(TRUE.fullmatch(text(one.get("continue-on-error")))) or "failure()" in condition,
        never=not _automatic(condition),
        piped=shell.startswith("bash"),
    )


GITLAB_WORDS = frozenset(
    (
        "default",
        "include",
        "stages",
        "variables",
        "workflow",
        "image",
        "services",
        "cache",
        "before_script",
        "after_script",
        "spec",
    )
)


def _gitlab(found: list[Map]) -> WorkflowFacts:
    top = {key: value for one in found for key, value in one.items()}
    lines = {key: line for one in found for key, line in one.lines.items()}
    includes = [text(one.get("local")) if isinstance(one, Map) else text(one) for one in _flat(top.get("include"))]
    named = {name: value for name, value in top.items() if name not in GITLAB_WORDS and isinstance(value, Map)}
    before = script(as_map(top.get("default")).get("before_script", top.get("before_script")))
    jobs = []
    for name, raw in named.items():
        if name.startswith("."):
            continue
        job = _extended(raw, named)
        if "script" in job or "trigger" in job:
            jobs.append(_gitlab_job(name, lines[name], job, before, top.get("image")))
    rules = as_seq(as_map(top.get("workflow")).get("rules"))
    triggers = _gitlab_triggers(rules) if rules else ("push", "pull_request")
    return WorkflowFacts("gitlab", triggers, tuple(jobs), tuple(one.lstrip("/") for one in includes if one))


def _flat(value: object) -> list[object]:
    return list(value) if isinstance(value, Seq) else [] if value is None else [value]


def _extended(job: Map, named: dict[str, Map], hops: int = 8) -> Map:
    """Return a job with what it extends, its own keys first."""
    parents = texts(job.get("extends"))
    if not parents or hops == 0:
        return job
    made = Map(job.line)
    for parent in reversed(parents[:10]):
        if parent in named:
            base = _extended(named[parent], named, hops - 1)
            made.update((key, value) for key, value in base.items() if key not in made)
    made.update(job)
    return made


def _gitlab_triggers(rules: Seq) -> tuple[str, ...]:
    conditions = [text(rule.get("if")) for rule in maps(rules) if text(rule.get("when")) != "never"]
    found = ["push" for one in conditions if _automatic(one)]
    found += ["schedule" for one in conditions if "schedule" in one]
    return tuple(dict.fromkeys(found))


def _gitlab_job(name: str, line: int, job: Map, before: tuple[tuple[str, int], ...], image: object) -> Job:
    commands = (script(job["before_script"]) if "before_script" in job else before) + script(job.get("script"))
    image = job.get("image", image)
    rules = list(maps(job.get("rules")))
    only = _flat(job.get("only"))
    refs = {text(one) for one in only} | set(texts(as_map(job.get("only")).get("refs")))
    manual = text(job.get("when")) in ("manual", "never", "delayed", "on_failure") or (
        bool(rules)
        and all(text(rule.get("when")) in ("manual", "never") or not _automatic(text(rule.get("if"))) for rule in rules)
    )
    aside = bool(refs) and refs <= {"schedules", "tags", "web", "triggers", "api"}
    tolerant = bool(TRUE.fullmatch(text(job.get("allow_failure"))))
    own = step(line, run=commands, image=text(as_map(image).get("name")) or text(image))
    used = ",".join(texts(as_map(job.get("trigger")).get("include")))
    needs = tuple(text(as_map(one).get("job")) or text(one) for one in _flat(job.get("needs", job.get("dependencies"))))
    return Job(name, line, used, own.image, needs, "", tolerant, not (manual or aside), (own,))


def _azure(found: list[Map]) -> WorkflowFacts:
    top = found[0]
    template = "parameters" in top and "trigger" not in top and "pool" not in top
    jobs: list[Job] = []
    _azure_jobs(top, jobs, "")
    triggers = []
    if text(top.get("trigger")) != "none":
        triggers.append("push" if not _tags_only(as_map(top.get("trigger"))) else "tag")
    if "pr" in top and text(top["pr"]) != "none":
        triggers.append("pull_request")
    if "schedules" in top:
        triggers.append("schedule")
    used = [one.uses for job in jobs for one in job.steps]
    includes = tuple(one.removeprefix("template:") for one in used if one.startswith("template:"))
    includes += tuple(job.uses for job in jobs if job.uses)
    return WorkflowFacts("azure", ("call",) if template and "pr" not in top else tuple(triggers), tuple(jobs), includes)


def _tags_only(trigger: Map) -> bool:
    return "tags" in trigger and "branches" not in trigger


def _azure_jobs(part: Map, jobs: list[Job], above: str, depth: int = 6) -> None:
    """Collect the jobs of stages, of jobs and of bare steps; strategies of deployments hold steps further down."""
    if depth == 0:
        return
    if "steps" in part:
        name = text(part.get("job")) or text(part.get("deployment")) or above
        condition = text(part.get("condition"))
        jobs.append(
            Job(
                name,
                part.line_of("steps"),
                "",
                text(part.get("container")),
                tuple(texts(part.get("dependsOn"))),
                condition,
                bool(TRUE.fullmatch(text(part.get("continueOnError")))),
                _automatic(condition),
                tuple(found for one in maps(part["steps"]) for found in _azure_steps(one)),
            )
        )
    if "template" in part and "steps" not in part:
        jobs.append(Job(above, part.line, text(part["template"]), "", (), "", False, True, ()))
    for key in ("stages", "jobs", "extends", "strategy", "runOnce", "rolling", "canary", "deploy", "preDeploy"):
        for one in maps(part.get(key)):
            name = text(one.get("stage")) or text(one.get("job")) or text(one.get("deployment")) or above
            _azure_jobs(one, jobs, name, depth - 1)
    for key, value in part.items():  # ${{ if ... }}: a list below a condition
        if key.startswith("${{"):
            for one in maps(value):
                _azure_jobs(one, jobs, above, depth - 1)


def _azure_steps(one: Map, depth: int = 4) -> list[Step]:
    for key, value in one.items():
        if key.startswith("${{") and depth:
            return [found for inner in maps(value) for found in _azure_steps(inner, depth - 1)]
    inputs = as_map(one.get("inputs"))
    run = script(one.get("script", one.get("bash", one.get("pwsh", one.get("powershell")))))
    run += script(inputs.get("script", inputs.get("inlineScript")))
    uses = (
        f"task:{text(one['task'])}"
        if "task" in one
        else f"template:{text(one['template'])}"
        if "template" in one
        else ""
    )
    return [
        step(
            one.line,
            run=run,
            uses=uses,
            inputs={**inputs, **as_map(one.get("parameters"))},
            folder=text(one.get("workingDirectory")) or text(inputs.get("workingDirectory")),
            tolerant=bool(TRUE.fullmatch(text(one.get("continueOnError")))),
            never=bool(FALSE.fullmatch(text(one.get("enabled")))) or bool(FALSE.fullmatch(text(one.get("condition")))),
        )
    ]


_READERS: tuple[tuple[re.Pattern[str], Callable[[list[Map]], WorkflowFacts | None]], ...] = (
    (re.compile(r"(?:^|/)\.github/"), _github),
    (re.compile(r"gitlab"), _gitlab),
    (re.compile(r"(?:^|/)\.?travis"), OTHERS["travis"]),
    (re.compile(r"circleci"), OTHERS["circle"]),
    (re.compile(r"bitbucket-pipelines"), OTHERS["bitbucket"]),
    (re.compile(r"drone|woodpecker"), OTHERS["drone"]),
    (re.compile(r"cloudbuild"), OTHERS["cloudbuild"]),
    (re.compile(r"buildspec"), OTHERS["buildspec"]),
    (re.compile(r"appveyor"), OTHERS["appveyor"]),
    (re.compile(r"cirrus"), OTHERS["cirrus"]),
    (re.compile(r"buildkite"), OTHERS["buildkite"]),
    (re.compile(r"semaphore"), OTHERS["semaphore"]),
    (re.compile(r"pipelines?[/-]|pipelines?\.ya?ml"), _azure),
)
