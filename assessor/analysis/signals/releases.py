"""Layers 4 and 6: models under a name with versions, releases, owners and approvals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.facts.configuration_model import PaperFacts, WorkflowFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of, texts_given
from assessor.analysis.signals.sites import Site, at_call, at_place, methods
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["governance", "model_registry", "release_discipline"]

REGISTERS = Lazy(
    r"mlflow\.(?:tracking\.)?(?:_model_registry\.fluent\.)?register_model$|mlflow\.(?:tracking\.|client\.)?(?:client\.)?MlflowClient\(\)\.(?:create_registered_model|create_model_version|set_registered_model_alias|transition_model_version_stage)$"
    r"|azureml\.core(?:\.model)?\.Model\.register$|azureml\.core\..*\.register_model$|sagemaker\.model\.ModelPackage$|sagemaker\.workflow\.(?:step_collections\.RegisterModel|model_step\.ModelStep)$"
    r"|google\.cloud\.aiplatform\.(?:Model|gapic\.\w+)\.(?:upload|upload_model)$|vertexai\..*\.register$|bentoml\.\w+\.(?:save_model|save)$|comet_ml\..*\.register_model$|clearml\.OutputModel$"
    r"|neptune\.init_model(?:_version)?$|hsml\..*|modelstore\..*\.upload$|gto\.api\.(?:register|assign|annotate)$|dvclive\.Live\(\)\.log_artifact$|truss\.push|openlayer\..*"
)
REGISTER_ROOTS = words_of(
    "mlflow azureml sagemaker google vertexai bentoml comet_ml clearml neptune hsml modelstore gto dvclive truss openlayer"
)
METHODS = words_of(
    "register_model create_registered_model create_model_version create_model_package create_model_package_group transition_model_version_stage"
    " set_registered_model_alias link_model link_artifact store_model update_model create_model_revision register create_or_update upload_model RegisterModel"
)
STORES = Lazy(r".*\.repository\.(?:store_model|update_model|create_model_revision)$")
OWN_REGISTRY = Lazy(r"model_?(?:registry|store|catalog|repository)|registry", re.I)


def model_registry(project: Project) -> Iterator[Finding]:
    """Find models that are registered with versions under a name.

    Bad: `torch.save(model, "model.pt")`, `run_id = run.info.run_id`, a registry of providers.
    Good: `mlflow.register_model(uri, "churn")`, `log_model(..., registered_model_name="churn")`, `Model.register(model_name=...)`.
    """
    look = lookup_of(project)
    for site in look.rooted(REGISTERS, *REGISTER_ROOTS):
        yield at_call(
            "model-registry", "registered", site, f"{last_of(site.name)}() keeps versions of a model under a name"
        )
    for site in look.keyed("registered_model_name"):
        if dict(site.call.keywords)["registered_model_name"] != "":
            yield at_call("model-registry", "registered", site, "a logged model gets a version under a registered name")
    for site in look.ending(*METHODS):
        if site.name.startswith(
            ("?", "boto3.", "azure.ai.ml.", "wandb.", "azureml.", "~", "ibm_watson")
        ) and _registers(look, site):
            yield at_call("model-registry", "registered", site, f"{last_of(site.name)}() keeps versions of a model")
    for site in look.rooted(re.compile(r"wandb\.(?:sdk\.\w+\.)?Artifact$"), "wandb"):
        kind = dict(site.call.keywords).get("type") or (site.call.arguments[1:2] or (None,))[0]
        if (
            isinstance(kind, str)
            and "model" in kind
            and any(
                last_of(one.name) in ("log_artifact", "link_artifact", "save")
                for one in look.code.files[site.path].calls
            )
        ):
            yield at_call("model-registry", "artifact", site, "a model is logged as a versioned artefact")
    yield from _by_command(project)
    yield from _own_registry(look)


def _registers(look: Lookup, site: Site) -> bool:
    """Tell whether a method of an unknown or a client object registers a model, by what it is given."""
    last, keys = last_of(site.name), {key for key, _ in site.call.keywords}
    roots = look.imported[site.path]
    if STORES.match(site.name):
        return True
    if last in ("create_model_package", "create_model_package_group"):
        return bool(keys & {"ModelPackageGroupName", "ModelPackageName", "InferenceSpecification"}) or "boto3" in roots
    if last == "register_model":
        return bool(keys & {"model_name", "name", "model_path"}) or "azureml" in roots or "mlflow" in roots
    if last in (
        "create_registered_model",
        "create_model_version",
        "transition_model_version_stage",
        "set_registered_model_alias",
    ):
        return "mlflow" in roots
    if last == "register":
        return {"model_name", "model_path"} <= keys or ("content_types" in keys and "sagemaker" in roots)
    if last == "create_or_update":
        return bool(re.search(r"\bmodels\.create_or_update$", site.name)) and "azure" in roots
    if last in ("link_model", "link_artifact"):
        return "wandb" in roots
    return False


GTO = Lazy(
    r"(?:\S*/)?(?:gto\s+(?:register|assign)|bentoml\s+models?\s+(?:push|import)|az\s+ml\s+model\s+(?:create|register)|gcloud\s+ai\s+models\s+upload|aws\s+sagemaker\s+create-model-package|mlflow\s+models\s+register)\b"
)


def _by_command(project: Project) -> Iterator[Finding]:
    seen: set[tuple[str, int]] = set()
    for ran in steps_of(project).ran:
        if GTO.match(" ".join(ran.words)) and (ran.path, ran.line) not in seen:
            seen.add((ran.path, ran.line))
            wired = f"{ran.path}:{ran.line} runs it"
            yield told(
                "model-registry",
                "command",
                ran.path,
                ran.line,
                f"registers a model ({ran.text[:60]})",
                Strength.USED,
                wired,
            )
    for command in project.commands:
        if GTO.match(command.text) and (command.path, command.line) not in seen and role_of(command.path) is Role.OWN:
            yield told(
                "model-registry",
                "command",
                command.path,
                command.line,
                f"registers a model ({command.text[:60]})",
                Strength.USED,
            )


def _own_registry(look: Lookup) -> Iterator[Finding]:
    """Find registries of the project's own: a class that registers, numbers versions and loads."""
    code = look.code
    for place in code.classes():
        if not OWN_REGISTRY.search(place.definition.name) or not re.search(r"model", place.definition.name, re.I):
            continue
        named = {body.name: index for index, body in methods(code.files[place.path], place.index) if body.statements}
        registers = [
            index for name, index in named.items() if re.match(r"_?(?:register|publish|add|save|put|push)", name)
        ]
        loads = any(re.match(r"_?(?:load|get|latest|resolve|promote|fetch)", name) for name in named)
        spoken = " ".join(
            [one.target for index in named.values() for one in code.body(place.path, index).assigns]
            + [one.name for index in named.values() for one in code.body(place.path, index).references]
            + [one.name for index in named.values() for one in code.body(place.path, index).calls]
            + list(named)
        )
        stores = re.search(r"\.dump|\.save|\.copy|write|insert|execute|upload|put_object|joblib|pickle|json", spoken)
        if registers and loads and "version" in spoken.lower() and stores:
            yield at_place("model-registry", "own", place, f"{place.definition.name} keeps models with versions")


VERSION_TAG = Lazy(r"(?:.*[/\-_@])?[vV]?\d+\.\d+(?:\.\d+)?(?:[\-.+_]?\w+)*$|[vV]\d+$")
ENOUGH_TAGS = ENOUGH_VERSIONS = 2


def release_discipline(project: Project) -> Iterator[Finding]:
    """Find two or more version tags with a changelog that names two versions, or with a workflow that runs on tags.

    Bad: `__version__ = "1.0"`, tags alone, a changelog without tags. Good: tags v1.0 and v1.1, `## 1.1` in CHANGELOG.md.
    """
    tags = [tag for tag in project.tags if VERSION_TAG.match(tag)]
    enough = len(tags) >= ENOUGH_TAGS
    told_of = f"{len(tags)} version tags" if enough else "without two version tags"
    strength = Strength.DECLARED if enough else Strength.MENTIONED
    workflow = next(_on_tags(project), None)
    wired = f"{workflow[0]}:{workflow[1]} runs for a release" if workflow else None
    shown = False
    for path, known in project.of(PaperFacts).items():
        named = {version for version, _ in known.points}
        if known.kind == "changelog" and len(named) >= ENOUGH_VERSIONS and role_of(path) in (Role.OWN, Role.DOCS):
            message = f"a changelog of {len(named)} versions, {told_of}"
            shown = True
            yield _released(path, known.points[0][1], message, strength, wired if enough else None)
    if workflow is not None:
        shown = True
        yield _released(*workflow, f"a workflow for releases, {told_of}", strength, wired if enough else None)
    if enough and not shown:
        yield Finding(
            "release-discipline",
            "tags",
            ".",
            None,
            f"{told_of}, but no changelog and no workflow",
            Strength.MENTIONED,
            setting=Setting.HISTORY,
        )


def _released(path: str, line: int, message: str, strength: Strength, wired: str | None) -> Finding:
    return Finding(
        "release-discipline", "release", path, line, message, strength, setting=Setting.CONFIGURATION, wired_by=wired
    )


def _on_tags(project: Project) -> Iterator[tuple[str, int]]:
    for path, known in project.of(WorkflowFacts).items():
        if role_of(path) not in (Role.OWN, Role.GENERATED):
            continue
        tagged = bool({"tag", "release"} & set(known.triggers))
        for job in known.jobs:
            if (job.steps or job.uses) and (tagged or ON_TAG.search(job.condition)):
                yield path, job.line
                break


ON_TAG = Lazy(r"refs/tags|CI_COMMIT_TAG|release")
ENOUGH_SECTIONS = 3
MODEL_PATHS = Lazy(
    r"(?:^|[/_*\-.])(?:models?|ml|train\w*|data|datasets?|features?|pipelines?|prompts?|inference|evaluation)(?:[/_*\-.]|$)",
    re.I,
)
APPROVES = Lazy(r"task:ManualValidation@|.*/manual-approval@|.*manual-approval")
APPROVAL_KEYS = ("ModelApprovalStatus", "approval_status")
CARD_CODE = Lazy(
    r"huggingface_hub\.(?:repocard\.)?(?:ModelCard|DatasetCard)\.(?:from_template|load)$|huggingface_hub\.(?:repocard\.)?(?:ModelCard|DatasetCard)\(\)\.(?:save|push_to_hub)$|model_card_toolkit\.ModelCardToolkit\(\)\.\w+$|skops\.card\.Card(?:\(\)\.\w+)?$|sagemaker\.model_card\.ModelCard$|verifyml\."
)
CODE_KEY = Lazy(r"git|commit|(?:code|source)[._\-]?(?:version|rev|sha)|build_?id", re.I)
DATA_KEY = Lazy(r"data(?:set)?[._\-]?(?:version|hash|sha\w*|digest|rev\w*|commit|md5|id)|dvc", re.I)


def governance(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find filled model or data cards, approvals, owners of model paths, and versions recorded with the model.

    Bad: a card of "[More Information Needed]", an owner of `*`. Good: a card with intended use, data and limits;
    `/models/ @ml-team` in CODEOWNERS; `Model.register(..., datasets=[...], tags={"commit": sha})`.
    """
    for path, known in project.of(PaperFacts).items():
        if role_of(path) is Role.TEST or "template" in path.lower():
            continue
        if known.kind == "card":
            full = len(known.points) >= ENOUGH_SECTIONS
            names = ", ".join(title for title, _ in known.points[:3])
            message = f"a card that tells of {names}" if full else "a card with hardly a line filled"
            yield _governs(path, known.points[0][1], message, Strength.DECLARED if full else Strength.MENTIONED)
        elif known.kind == "owners":
            owned = next(
                ((text, line) for text, line in known.points if MODEL_PATHS.search(text) and _exists(project, text)),
                None,
            )
            if owned is not None:
                yield _governs(path, owned[1], f"{owned[0]} has owners", Strength.DECLARED)
    for ran in steps_of(project).ran:
        if ran.uses and APPROVES.match(ran.uses):
            yield told(
                "governance",
                "approval",
                ran.path,
                ran.line,
                "a person approves before it goes on",
                Strength.USED,
                f"{ran.path}:{ran.line} waits for it",
            )
    for finding in _governed(lookup_of(project)):
        # A grade of 1 makes this signal present: code that nothing reaches must stay below.
        alive = reach.of(finding.path, finding.scope).alive
        yield finding if alive else replace(finding, strength=Strength.MENTIONED)


def _governed(look: Lookup) -> Iterator[Finding]:
    for site in look.keyed(*APPROVAL_KEYS):
        yield at_call("governance", "approval", site, "a model's approval is part of its registration")
    for site in look.rooted(CARD_CODE, "huggingface_hub", "model_card_toolkit", "skops", "sagemaker", "verifyml"):
        yield at_call("governance", "card", site, "a card is written for the model")
    yield from _recorded(look)


def _governs(path: str, line: int, message: str, strength: Strength) -> Finding:
    return Finding("governance", "paper", path, line, message, strength, setting=Setting.CONFIGURATION)


def _exists(project: Project, pattern: str) -> bool:
    plain = pattern.strip("/").partition("*")[0].rstrip("/")
    if not plain:
        return True
    return any(
        path == plain or path.startswith(plain + "/") or (f"/{plain}/" in f"/{path}" and not pattern.startswith("/"))
        for path in project.entries
    )


RECORDS = words_of("set_tag set_tags log_param log_params set_model_version_tag set_registered_model_tag log_dict")


def _recorded(look: Lookup) -> Iterator[Finding]:
    """Find versions of code and data that are recorded with a run or a registered model."""
    for site in look.keyed("datasets"):
        if last_of(site.name) in ("register", "register_model") and "tags" in dict(site.call.keywords):
            yield at_call("governance", "lineage", site, "a model is registered with its data sets and tags")
    for site in look.ending(*RECORDS):
        if not ({"mlflow", "wandb", "azureml", "clearml", "neptune", "comet_ml"} & look.imported[site.path]):
            continue
        keys = texts_given(site)[:1] if last_of(site.name) in ("set_tag", "log_param") else texts_given(site)
        keys += _keys_near(look, site)
        if any(CODE_KEY.search(key) or DATA_KEY.search(key) for key in keys):
            yield at_call("governance", "lineage", site, "versions of code or data are recorded with the model")


def _keys_near(look: Lookup, site: Site) -> list[str]:
    """Return what a dictionary of tags is filled with in the same function: tags["commit"] = sha."""
    said = look.code.body(site.path, site.call.scope)
    return [
        one.name
        for one in said.calls
        if one.line == site.call.line and re.search(r"hexsha|rev_parse|git_sha|get_commit|git_commit", one.name)
    ]
