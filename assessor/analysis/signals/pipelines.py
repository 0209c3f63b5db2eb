"""Layer 6: stages that pass artefacts on, declared in files or built in code."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from assessor.analysis.facts.configuration_model import PipelineFacts, PipelineStage, RecipeFacts, Task
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Command, Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Place, Site, at_call, at_place, scopes_within
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["IDLE", "pipeline_dag", "reproduces"]

IDLE = Lazy(r"\s*(?:echo|true|sleep|printf|exit|:|ls|pwd|date|mkdir|touch)\b[^&|;]*$")
REPRODUCES = Lazy(
    r"(?:\S*/)?(?:dvc\s+(?:repro|exp\s+run)|snakemake|kedro\s+run|zenml\s+pipeline\s+run|luigi|metaflow)\b"
)


def pipeline_dag(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find pipelines of two or more stages of which one takes what another made.

    Bad: stages that echo, a lone stage, jobs of CI. Good: a dvc.yaml whose `train` depends on the output of `prepare`;
    `extract() >> train()` of Airflow; a flow that hands the result of one task to the next.
    """
    yield from _declared(project, reach)
    yield from _made(project, reach)
    look = lookup_of(project)
    yield from _flows(look)
    yield from _operators(look)
    yield from _classes(look)
    yield from _steps(look)


def reproduces(text: str) -> bool:
    """Tell whether a command runs a pipeline that files declare."""
    return bool(REPRODUCES.match(text))


def _declared(project: Project, reach: Reach) -> Iterator[Finding]:
    for path, known in project.of(PipelineFacts).items():
        if role_of(path) is not Role.OWN or known.system == "mlflow":
            continue
        working = [one for one in known.stages if any(not IDLE.match(text) for text, _ in one.run)]
        link = _linked(working)
        if link is None:
            line = known.stages[0].line if known.stages else 1
            yield told(
                "pipeline-dag",
                "unlinked",
                path,
                line,
                "stages of which none takes what another made",
                Strength.MENTIONED,
            )
            continue
        first, then, passed = link
        message = f"{then.name} takes {passed}, which {first.name} makes"
        runs = [reach.runs(Command(path, line, text)) for one in (first, then) for text, line in one.run]
        wired = f"{path}:{then.line} runs after {first.name}" if any(runs) or known.system == "snakemake" else None
        verified = None
        for ran in steps_of(project).ran:
            if ran.automatic and ran.can_fail and reproduces(" ".join(ran.words)):
                verified = f"{ran.path}:{ran.line} reproduces it and can fail"
                break
        yield told("pipeline-dag", known.system, path, first.line, message, Strength.USED, wired or verified, verified)


def _linked(stages: list[PipelineStage]) -> tuple[PipelineStage, PipelineStage, str] | None:
    made = {_plain(output): one for one in stages for output in one.outputs}
    for one in stages:
        for need in map(_plain, one.needs):
            for start in (need, *_parents(need)):
                if start in made and made[start] is not one:
                    return made[start], one, need
    return None


def _plain(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


DATA_WORD = Lazy(
    r"[\w./\-]+\.(?:csv|parquet|json|jsonl|pkl|joblib|npz|npy|h5|pt|pth|onnx|feather|txt|db|model)\b|(?:data|models?|artifacts?|output)/[\w./\-]*"
)


def _made(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find targets of a Makefile that run the project's code on what another target's run made."""
    for path, known in project.of(RecipeFacts).items():
        if role_of(path) is not Role.OWN or path.endswith((".sh", ".bash")):
            continue
        tasks: dict[str, Task] = {}
        for one in known.tasks:
            if any(reach.runs(Command(path, line, text)) for text, line in one.run if ".py" in text or " -m " in text):
                tasks.setdefault(one.name, one)
        for name, task in tasks.items():
            before = next((tasks[need] for need in task.needs if need in tasks and need != name), None)
            if before is not None and _passes(before, task):
                message = f"{name} runs on what {before.name} makes"
                wired = f"{path}:{task.line} runs after {before.name}"
                yield told("pipeline-dag", "targets", path, task.line, message, Strength.USED, wired)
                break


def _passes(before: Task, after: Task) -> bool:
    if "/" in before.name or "." in before.name:
        return True
    first, then = (set(DATA_WORD.findall(" ".join(text for text, _ in one.run))) for one in (before, after))
    return bool(first & then)


FLOW = Lazy(
    r"prefect\.(?:flows\.)?flow|(?:airflow\.decorators|airflow\.sdk)\.dag\b|zenml\.(?:pipelines\.)?pipeline|dagster\.(?:job|graph|pipeline)|kfp\.(?:v2\.)?dsl\.pipeline"
    r"|flytekit\.(?:dynamic|workflow)|azure\.ai\.ml\.dsl\.pipeline|sematic\.func|hamilton\.|covalent\.lattice"
)
TASK = Lazy(
    r"prefect\.(?:tasks\.)?task|(?:airflow\.decorators|airflow\.sdk)\.task|zenml\.(?:steps\.)?step|dagster\.(?:op|solid)|kfp\.(?:v2\.)?dsl\.(?:component|container_component)|kfp\.components\.\w+"
    r"|flytekit\.task|mldesigner\.command_component|covalent\.electron"
)
COMPONENT = Lazy(
    r"(?:kfp\.components\.\w+|azure\.ai\.ml\.load_component)\(\)(?:\(\))?$|kfp\.(?:v2\.)?dsl\.(?:ContainerOp|importer)$|\w+_op(?:\(\))?$"
)


class _Tasks(NamedTuple):
    """Hold what a framework takes for a task: resolved names, and which of them do something."""

    names: frozenset[str]
    working: frozenset[str]


def _flows(look: Lookup) -> Iterator[Finding]:
    """Find flows that call two tasks or more, one on the result of another."""
    code = look.code
    names: set[str] = set()
    working: set[str] = set()
    for one in look.decorated:
        if TASK.match(one.name):
            name = f"{code.project.module_of(one.place.path)}.{_qualified(look, one.place)}"
            names.add(name)
            if works(look, one.place):
                working.add(name)
    tasks = _Tasks(frozenset(names), frozenset(working))
    for one in look.decorated:
        if not FLOW.match(one.name):
            continue
        calls = list(code.calls_within(one.place.path, one.place.index))
        asked = [call for call in calls if _task_called(look, one.place.path, call.name, tasks)]
        given = any(
            value is None or (isinstance(value, str) and value.startswith("="))
            for call in asked
            for value in (*call.arguments, *(value for _, value in call.keywords))
        )
        handed = any(not call.discarded for call in asked) and given
        if len({call.name for call in asked}) >= 2 and (handed or _ordered(look, one.place)):
            yield at_place(
                "pipeline-dag", "flow", one.place, f"{one.place.definition.name}() hands results from task to task"
            )


def _qualified(look: Lookup, place: Place) -> str:
    known, names, index = look.code.files[place.path], [], int(place.index)
    while index >= 0:
        names.append(known.definitions[index].name)
        index = known.definitions[index].parent
    return ".".join(reversed(names))


def works(look: Lookup, place: Place) -> bool:
    """Tell whether a function does more than print: a stage that echoes is none."""
    said = look.code.body(place.path, place.index)
    calls = [call.name for call in said.calls if call.name not in ("print", "time.sleep", "len", "str")]
    calls = [name for name in calls if "log" not in name.partition(".")[0].lower()]
    return bool(calls or said.operations) and place.definition.statements > 0


def _task_called(look: Lookup, path: str, name: str, tasks: _Tasks) -> bool:
    resolved = look.code.project.resolve(path, name)
    for end in (".submit", ".map", ".override()", ".expand", ".with_options()", "()"):
        resolved = resolved.removesuffix(end)
    return resolved in tasks.working or (resolved not in tasks.names and bool(COMPONENT.match(resolved)))


def _ordered(look: Lookup, place: Place) -> bool:
    said = look.code.body(place.path, place.index)
    signs = {sign for sign, _ in said.operations}
    after = any(last_of(call.name) in ("after", "set_downstream", "set_upstream") for call in said.calls)
    outputs = any(re.search(r"\.outputs?\b", one.name) for one in said.references)
    return bool(signs & {">>", "<<"}) or after or outputs


OPERATOR = Lazy(r"airflow\.(?:\w+\.)*\w+(?:Operator|Sensor)$")
EMPTY = Lazy(r".*\.(?:Dummy|Empty)Operator$")
DAG = Lazy(r"airflow\.(?:models\.(?:dag\.)?|sdk\.)?DAG$")
BEFORE = frozenset({"set_downstream", "set_upstream", "chain"})


def _operators(look: Lookup) -> Iterator[Finding]:
    """Find DAGs of Airflow whose operators do something and stand in an order."""
    found: dict[str, list[Site]] = defaultdict(list)
    for site in look.rooted(OPERATOR, "airflow"):
        given = dict(site.call.keywords).get("bash_command")
        if not EMPTY.match(site.name) and not (isinstance(given, str) and IDLE.match(given)):
            found[site.path].append(site)
    tasked = {
        one.place.path
        for one in look.decorated
        if TASK.match(one.name) and one.name.startswith("airflow") and works(look, one.place)
    }
    for site in look.rooted(DAG, "airflow"):
        known = look.code.files[site.path]
        signs = {sign for sign, _, _ in known.operations}
        ordered = bool(signs & {">>", "<<"}) or any(last_of(call.name) in BEFORE for call in known.calls)
        if ordered and (len(found[site.path]) >= 2 or site.path in tasked):
            place = f"{site.path}:{site.call.line} is run by Airflow's scheduler"
            finding = at_call("pipeline-dag", "operators", site, "a DAG whose tasks follow one another")
            yield replace(finding, wired_by=place)


def _classes(look: Lookup) -> Iterator[Finding]:
    """Find flows that are classes, and assets that take one another."""
    code = look.code
    luigi: list[Place] = []
    for place in code.classes():
        if not place.definition.bases:
            continue
        ancestors = set(code.project.ancestors(place.path, place.definition))
        known = code.files[place.path]
        if ancestors & {"metaflow.FlowSpec", "metaflow.flowspec.FlowSpec"}:
            inside = scopes_within(known, place.index)
            following = [call for call in known.calls if call.scope in inside and call.name.endswith(".next")]
            kept = any(one.scope in inside and one.target.startswith("self.") for one in known.assigns)
            if len(following) >= 2 and kept:
                yield at_place("pipeline-dag", "metaflow", place, f"{place.definition.name} passes what its steps keep")
        elif any(name.startswith("luigi.") for name in ancestors):
            luigi.append(place)
    yield from _required(look, luigi)
    assets = [
        one for one in look.decorated if re.match(r"dagster\.(?:multi_)?asset\b", one.name) and works(look, one.place)
    ]
    taking = [
        one for one in assets if one.place.definition.parameters or _given(look, one.place, one.line, "deps", "ins")
    ]
    if len({one.place for one in assets}) >= 2 and taking:
        yield at_place(
            "pipeline-dag", "assets", taking[0].place, f"{taking[0].place.definition.name} is made from other assets"
        )


def _required(look: Lookup, places: list[Place]) -> Iterator[Finding]:
    names = {f"{look.code.project.module_of(one.path)}.{one.definition.name}" for one in places}
    for place in places:
        known = look.code.files[place.path]
        for index in sorted(scopes_within(known, place.index)):
            if known.definitions[index].name == "requires":
                calls = look.code.body(place.path, index).calls
                if any(look.code.project.resolve(place.path, call.name) in names for call in calls):
                    yield at_place("pipeline-dag", "luigi", place, f"{place.definition.name} requires another task")


def _given(look: Lookup, place: Place, line: int, *keys: str) -> bool:
    return any(
        call.line == line and any(key in keys for key, _ in call.keywords) for call in look.code.files[place.path].calls
    )


STEP = Lazy(
    r"azureml\.pipeline\.steps\.(?:\w+\.)?\w+Step$|sagemaker\.workflow\.(?:steps|\w+_step)\.\w+Step$|(?:tfx\.(?:v1\.)?components|tfx\.components\.\w+(?:\.\w+)*)\.[A-Z]\w+$"
    r"|kedro\.pipeline\.(?:node\.)?node$|azure\.ai\.ml\.(?:command|spark)$"
)
WHOLE = Lazy(
    r"azureml\.pipeline\.core\.(?:pipeline\.)?Pipeline$|sagemaker\.workflow\.pipeline\.Pipeline$|tfx\.(?:v1\.)?(?:orchestration\.pipeline|dsl)\.Pipeline$"
    r"|kedro\.pipeline\.(?:modular_pipeline\.)?(?:pipeline|Pipeline)$|tfx\.orchestration\.pipeline\.Pipeline$"
)
STEP_ROOTS = words_of("azureml sagemaker tfx kedro azure")


def _steps(look: Lookup) -> Iterator[Finding]:
    """Find pipelines of managed platforms: two steps or more in one file that are put together there."""
    steps: dict[str, list[Site]] = defaultdict(list)
    for site in look.rooted(STEP, *STEP_ROOTS):
        steps[site.path].append(site)
    for site in look.rooted(WHOLE, *STEP_ROOTS):
        if len(steps[site.path]) >= 2:
            message = f"{len(steps[site.path])} steps are put together to a pipeline"
            yield at_call("pipeline-dag", "steps", site, message, Strength.USED)
