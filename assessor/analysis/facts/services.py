"""Read the CI configurations of the smaller services, each in a few lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assessor.analysis.facts.configuration_model import Job, Lines, Step, WorkflowFacts
from assessor.analysis.facts.shell import logical_lines
from assessor.analysis.facts.yamltext import Map, Scalar, Seq, as_map, as_seq, maps, script, text, texts

__all__ = ["OTHERS", "step"]

BOTH = ("push", "pull_request")
EXTERNAL = ("external",)
"""What starts these is told to the service and not to the repository."""


def step(
    line: int,
    *,
    run: Lines = (),
    uses: str = "",
    inputs: Mapping[str, Any] | None = None,
    image: str = "",
    folder: str = "",
    tolerant: bool = False,
    never: bool = False,
    piped: bool = False,
) -> Step:
    """Make a step."""
    given = tuple((str(key), text(value)[:2000]) for key, value in (inputs or {}).items() if isinstance(value, Scalar))
    return Step(line, run, uses, given, image, folder.removeprefix("./"), tolerant, never, piped)


def _job(name: str, line: int, steps: Iterator[Step] | tuple[Step, ...], **further: Any) -> Job:
    made = Job(name, line, "", "", (), "", False, True, tuple(steps))
    return made._replace(**further)


def _travis(found: list[Map]) -> WorkflowFacts:
    top = found[0]
    allowed = list(maps(as_map(top.get("jobs", top.get("matrix"))).get("allow_failures")))
    jobs = []
    if "script" in top:
        jobs.append(_job("script", top.line_of("script"), _travis_steps(top)))
    for one in maps(as_map(top.get("jobs", top.get("matrix"))).get("include")):
        if "script" in one:
            tolerant = any(base and all(one.get(key) == value for key, value in base.items()) for base in allowed)
            name = text(one.get("name")) or text(one.get("stage")) or "job"
            jobs.append(_job(name, one.line, _travis_steps(one), tolerant=tolerant))
    triggers = ("schedule",) if re.fullmatch(r"type\s*=\s*cron", text(top.get("if"))) else BOTH
    return WorkflowFacts("travis", triggers, tuple(jobs), ())


def _travis_steps(part: Map) -> Iterator[Step]:
    for key in ("before_install", "install", "before_script", "script", "after_success"):
        if key in part:
            yield step(part.line_of(key), run=script(part[key]), tolerant=key == "after_success")


def _circle(found: list[Map]) -> WorkflowFacts:
    top = found[0]
    commands = as_map(top.get("commands"))
    jobs = []
    flows = {name: one for name, one in as_map(top.get("workflows")).items() if isinstance(one, Map)}
    scheduled, pushed, needs = set[str](), set[str](), {}
    for flow in flows.values():
        timed = any("schedule" in trigger for trigger in maps(flow.get("triggers")))
        for one in flow.get("jobs", ()):
            for name in [one] if isinstance(one, Scalar) else list(as_map(one)):
                detail = as_map(as_map(one).get(name))
                tags = as_map(detail.get("filters"))
                only_tags = "tags" in tags and "/.*/" in texts(as_map(tags.get("branches")).get("ignore"))
                (scheduled if timed or only_tags else pushed).add(name)
                needs[name] = tuple(texts(detail.get("requires")))
                if "/" in name:  # a job of an orb
                    jobs.append(
                        _job(name, as_map(one).line or flow.line, (step(flow.line, uses=f"orb:{name}", inputs=detail),))
                    )
    named = as_map(top.get("jobs"))
    for name, raw in named.items():
        one = as_map(raw)
        steps = tuple(found for part in one.get("steps", ()) for found in _circle_steps(part, commands, 4))
        automatic = name in pushed or name not in scheduled
        images = [text(image.get("image")) for image in maps(one.get("docker"))]
        jobs.append(
            _job(
                name,
                named.line_of(name),
                steps,
                automatic=automatic,
                needs=needs.get(name, ()),
                image="".join(images[:1]),
            )
        )
    old = as_map(top.get("test"))  # version 1
    runs = script(old.get("override")) + script(old.get("post"))
    if runs:
        jobs.append(_job("test", top.line_of("test"), (step(old.line, run=runs),)))
    return WorkflowFacts("circleci", BOTH, tuple(jobs), ())


def _circle_steps(part: object, commands: Map, depth: int) -> Iterator[Step]:
    if isinstance(part, Scalar):
        if part in commands and depth:
            for one in as_map(commands[part]).get("steps", ()):
                yield from _circle_steps(one, commands, depth - 1)
        else:
            yield step(part.line, uses=f"orb:{part}" if "/" in part else str(part))
        return
    for name, value in as_map(part).items():
        if name == "run":
            detail = as_map(value)
            run = script(detail.get("command")) if isinstance(value, Map) else script(value)
            folder = text(detail.get("working_directory"))
            yield step(
                as_map(part).line, run=run, folder=folder, piped=True, never=text(detail.get("when")) == "on_fail"
            )
        elif name in ("when", "unless"):
            for one in as_map(value).get("steps", ()):
                yield from _circle_steps(one, commands, depth - 1) if depth else ()
        elif name in commands and depth:
            for one in as_map(commands[name]).get("steps", ()):
                yield from _circle_steps(one, commands, depth - 1)
        else:
            yield step(as_map(part).line, uses=f"orb:{name}" if "/" in name else name, inputs=as_map(value))


def _bitbucket(found: list[Map]) -> WorkflowFacts:
    top = as_map(found[0].get("pipelines"))
    jobs: list[Job] = []
    for key, value in top.items():
        groups = [value] if isinstance(value, Seq) else list(as_map(value).values())
        for group in groups:
            jobs += _bitbucket_jobs(group, key not in ("custom", "tags"), 4)
    return WorkflowFacts("bitbucket", BOTH, tuple(jobs), ())


def _bitbucket_jobs(group: object, automatic: bool, depth: int) -> Iterator[Job]:
    for one in maps(group):
        for key, value in one.items():
            detail = as_map(value)
            if key == "step":
                manual = text(detail.get("trigger")) == "manual"
                own = step(detail.line, run=script(detail.get("script")), image=text(detail.get("image")))
                yield _job(text(detail.get("name")) or "step", detail.line, (own,), automatic=automatic and not manual)
            elif key in ("parallel", "stage") and depth:
                yield from _bitbucket_jobs(detail.get("steps", value), automatic, depth - 1)


def _drone(found: list[Map]) -> WorkflowFacts:
    jobs: list[Job] = []
    for top in found:
        parts = top.get("steps", top.get("pipeline"))
        named = list(parts.items()) if isinstance(parts, Map) else [(text(one.get("name")), one) for one in maps(parts)]
        events = _events(top.get("trigger", top.get("when")))
        for name, raw in named:
            one = as_map(raw)
            aside = events or _events(one.get("when"))
            own = step(
                one.line,
                run=script(one.get("commands")),
                image=text(one.get("image")),
                inputs=as_map(one.get("settings")),
                tolerant=text(one.get("failure")) == "ignore",
            )
            automatic = not aside or bool(aside & {"push", "pull_request"})
            jobs.append(_job(name or "step", one.line, (own,), automatic=automatic))
    return WorkflowFacts("drone", BOTH, tuple(jobs), ())


def _events(value: object) -> set[str]:
    found = set[str]()
    for one in maps(value):
        event = one.get("event")
        found |= set(texts(as_map(event).get("include"))) | set(texts(event))
    return found


def _cloudbuild(found: list[Map]) -> WorkflowFacts:
    steps = []
    for one in maps(found[0].get("steps")):
        image = text(one.get("name"))
        words = [text(one.get("entrypoint")), *texts(one.get("args"))]
        arguments = as_seq(one.get("args"))
        shell = words[0].rpartition("/")[2] in ("bash", "sh") and len(arguments) > 1
        tool = "" if words[0] else image.rpartition("/")[2].partition(":")[0] + " "
        run = script(arguments[-1]) if shell else ((tool + " ".join(filter(None, words)), one.line),)
        tolerant = text(one.get("allowFailure")).lower() == "true"
        steps.append(
            step(
                one.line,
                run=script(one.get("script")) or run,
                image=image,
                folder=text(one.get("dir")),
                tolerant=tolerant,
            )
        )
    return WorkflowFacts("cloudbuild", EXTERNAL, (_job("steps", found[0].line_of("steps"), tuple(steps)),), ())


def _phases(system: str, triggers: tuple[str, ...], parts: list[tuple[str, int, Lines]]) -> WorkflowFacts:
    jobs = tuple(_job(name, line, (step(line, run=run),)) for name, line, run in parts if run)
    return WorkflowFacts(system, triggers, jobs, ())


def _buildspec(found: list[Map]) -> WorkflowFacts:
    phases = as_map(found[0].get("phases"))
    parts = [(name, phases.line_of(name), script(as_map(one).get("commands"))) for name, one in phases.items()]
    return _phases("codebuild", EXTERNAL, parts)


def _appveyor(found: list[Map]) -> WorkflowFacts:
    top = found[0]
    parts = []
    for key in ("install", "build_script", "test_script"):
        value = top.get(key)
        lines = [line for one in maps(value) for command in one.values() for line in script(command)] + [
            line
            for one in (value if isinstance(value, Seq) else [value])
            if isinstance(one, Scalar)
            for line in script(one)
        ]
        parts.append((key, top.line_of(key), tuple(sorted(lines, key=lambda line: line[1]))))
    return _phases("appveyor", BOTH, parts)


def _cirrus(found: list[Map]) -> WorkflowFacts:
    parts = []
    for name, raw in found[0].items():
        for one in maps(raw):
            run = tuple(line for key, value in one.items() if key.endswith("script") for line in script(value))
            parts.append((name, found[0].line_of(name), run))
    return _phases("cirrus", BOTH, parts)


def _buildkite(found: list[Map]) -> WorkflowFacts:
    parts = []
    for one in maps(found[0].get("steps")):
        run = script(one.get("commands", one.get("command")))
        parts.append((text(one.get("label")) or "step", one.line, () if "soft_fail" in one else run))
    return _phases("buildkite", EXTERNAL, parts)


def _semaphore(found: list[Map]) -> WorkflowFacts:
    parts = []
    for block in maps(found[0].get("blocks")):
        task = as_map(block.get("task"))
        before = script(as_map(task.get("prologue")).get("commands"))
        parts += [
            (text(one.get("name")) or "job", one.line, before + script(one.get("commands")))
            for one in maps(task.get("jobs"))
        ]
    return _phases("semaphore", BOTH, parts)


COMMENT = re.compile(r"(?<![:'\"])//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
SHELL_STEP = re.compile(
    r"\b(?:sh|bat|powershell|pwsh)\b\s{0,9}\(?\s{0,99}(?:script\s{0,9}:\s{0,9})?(?:'''(?P<c>.*?)'''|\"\"\"(?P<d>.*?)\"\"\"|'(?P<a>[^'\n]*)'|\"(?P<b>(?:[^\"\\\n]|\\.)*)\")"
    r"(?P<rest>[^\n]{0,200})",
    re.DOTALL,
)
LENIENT = re.compile(r"catchError\s*\([^)]*buildResult\s*:\s*['\"]SUCCESS|catchError\s*\{|warnError\s*\(")


def _jenkins(found: list[Any]) -> WorkflowFacts:
    source = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), str(found[0]))
    lenient = bool(LENIENT.search(source))
    steps = []
    line, counted = 1, 0
    for match in SHELL_STEP.finditer(source):
        name = next(key for key in "cdab" if match[key] is not None)
        line, counted = line + source.count("\n", counted, match.start(name)), match.start(name)
        tolerant = lenient or "returnStatus" in match["rest"] or "returnStatus" in match[0][:80]
        steps.append(step(line, run=logical_lines(match[name], line), tolerant=tolerant))
    return WorkflowFacts("jenkins", EXTERNAL, (_job("pipeline", 1, tuple(steps)),) if steps else (), ())


OTHERS: dict[str, Callable[[list[Any]], WorkflowFacts]] = {
    "travis": _travis,
    "circle": _circle,
    "bitbucket": _bitbucket,
    "drone": _drone,
    "cloudbuild": _cloudbuild,
    "buildspec": _buildspec,
    "appveyor": _appveyor,
    "cirrus": _cirrus,
    "buildkite": _buildkite,
    "semaphore": _semaphore,
    "jenkins": _jenkins,
}
