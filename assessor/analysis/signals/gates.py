"""Layers 5 and 6: CI that trains or judges a model, and training that a schedule starts and a gate ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from weakref import WeakKeyDictionary

from assessor.analysis.facts.configuration_model import Job, ManifestFacts, WorkflowFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Command, Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import last_of, lookup_of
from assessor.analysis.signals.pipelines import IDLE, reproduces
from assessor.analysis.signals.steps import Ran, steps_of
from assessor.analysis.signals.told import told
from assessor.analysis.signals.words import tests

__all__ = ["ml_ci_gate", "retraining"]

LEARNING = frozenset(
    words_of(
        "sklearn torch tensorflow keras transformers xgboost lightgbm catboost onnxruntime sentence_transformers spacy jax flax fastai statsmodels prophet"
        " pytorch_lightning lightning azureml sagemaker kfp vertexai mlflow bentoml joblib timm ultralytics diffusers gensim surprise implicit"
    )
)
FITS = Lazy(
    r".*\.(?:fit|partial_fit|fit_generator|fit_transform_predict|train|backward|fit_predict)$|(?:xgboost|lightgbm|catboost)\.(?:train|cv)$|sklearn\.model_selection\.cross_val\w+$"
    r"|azureml\..*\.(?:submit|publish)$|azureml\.pipeline\.core\.(?:pipeline\.)?Pipeline$|sagemaker\..*\.(?:fit|start|upsert)$|kfp\..*\.(?:create_run_from_\w+|run_pipeline)$"
    r"|google\.cloud\.aiplatform\.(?:PipelineJob|CustomTrainingJob)(?:\(\)\.(?:run|submit))?$"
)
JUDGES = Lazy(
    r"sklearn\.metrics\.(?!pairwise)\w+$|.*\.(?:evaluate|score|cross_val_score)$|mlflow\.(?:models\.)?evaluate$|evaluate\.load\(\)\.compute$|torchmetrics\.|sklearn\.model_selection\.cross_val\w+$"
)
SPEAKS = Lazy(
    r"(?:^|[/_.\-])(?:train\w*|retrain\w*|fit|eval\w*|experiment\w*|backtest\w*|score|validate_model|model_?(?:test|check|validation|quality)\w*|pipeline\w*|hpo|tune)(?:[/_.\-]|$)",
    re.I,
)
CML = Lazy(
    r"(?:\S*/)?(?:cml(?:-\S+)?|mlflow\s+run|dvc\s+metrics\s+diff|az\s+ml\s+job\s+create|gcloud\s+ai\s+custom-jobs\s+create|papermill)\b"
)
DEPLOYS = Lazy(
    r"\b(?:kubectl\s+(?:\S+\s+){0,6}(?:apply|set|rollout)|helm\s+(?:upgrade|install)|gcloud\s+(?:run|app|functions|ai\s+endpoints)\s+deploy\S*|aws\s+(?:ecs\s+update-service|lambda\s+update-function-code|sagemaker\s+\S+)"
    r"|az\s+(?:ml\s+(?:model\s+deploy|online-\w+\s+\w+)|webapp\s+\S+|containerapp\s+\S+|functionapp\s+\S+)|flyctl\s+deploy|fly\s+deploy|serverless\s+deploy|sls\s+deploy|cdk\s+deploy|bentoml\s+deploy|modal\s+deploy|heroku\s+container:release|eb\s+deploy)\b"
)
DEPLOYING = Lazy(
    r"[aA]zure/(?:k8s-deploy|webapps-deploy|functions-action|container-apps-deploy-action)@|google-github-actions/(?:deploy-\w+)@|aws-actions/amazon-ecs-deploy-task-definition@|akhileshns/heroku-deploy@"
    r"|superfly/flyctl-actions\S*@|task:(?:HelmDeploy|Kubernetes\w*|AzureWebApp\w*|AzureFunctionApp\w*)@|.*(?:lambda|sagemaker)[\w-]*deploy[\w-]*@"
)


class _Learning:
    """Answer which files train or judge models, following imports two steps."""

    def __init__(self, project: Project, reach: Reach) -> None:
        self._project, self._reach = project, reach

    @cached_property
    def direct(self) -> dict[str, tuple[bool, bool, bool]]:
        """Map own files to whether they fit, whether they judge, and whether they can refuse."""
        found: dict[str, tuple[bool, bool, bool]] = {}
        look = lookup_of(self._project)
        for path, roots in look.imported.items():
            if roots & LEARNING:
                known = self._project.python[path]
                names = {self._project.resolve(path, call.name) for call in known.calls}
                fits, judges = any(map(FITS.match, names)), any(map(JUDGES.match, names))
                refuses = bool(known.raising) or bool({"sys.exit", "exit"} & names) or bool(known.assertions)
                if fits or judges:
                    found[path] = bool(fits), bool(judges), refuses
        return found

    def of(self, path: str) -> tuple[bool, bool, bool]:
        """Return whether a file, or one that it imports, fits, judges, and judges with a refusal."""
        seen, waiting = {path}, [(path, 2)]
        fits = judges = refuses = False
        while waiting:
            where, hops = waiting.pop()
            one = self.direct.get(where, (False, False, False))
            fits, judges, refuses = fits or one[0], judges or one[1], refuses or (one[1] and one[2])
            for imported in self._project.python[where].imports if hops and where in self._project.python else ():
                target = self._module(where, imported.name)
                if target is not None and target not in seen and len(seen) < 40:
                    seen.add(target)
                    waiting.append((target, hops - 1))
        return fits, judges, refuses

    def _module(self, path: str, name: str) -> str | None:
        dotted = self._project.resolve(path, name)
        for _ in range(3):
            if dotted in self._project.modules:
                return self._project.modules[dotted]
            dotted = dotted.rpartition(".")[0]
        return None

    @cached_property
    def serves(self) -> bool:
        """Tell whether the project has a service and a model in its own code."""
        look = lookup_of(self._project)
        routes = any(
            re.search(r"\(\)\.(?:get|post|put|route|api)(?:\(\))?$|bentoml\.|functions_framework\.", one.name)
            for one in look.decorated
        )
        loads = re.compile(
            r".*\.(?:predict\w*|from_pretrained|load_model|InferenceSession|encode|generate)$|joblib\.load$|pickle\.load$|torch\.load$|transformers\.pipeline$"
        )
        return routes and any(
            roots & LEARNING and any(loads.match(call.name) for call in self._project.python[path].calls)
            for path, roots in look.imported.items()
        )

    def run(self, path: str, line: int, text: str) -> tuple[str, bool, bool] | None:
        """Return the file that a command trains or judges with, whether it judges, and whether that can refuse."""
        for file in self._reach.runs(Command(path, line, text)):
            if role_of(file) is not Role.OWN:
                continue
            fits, judges, refuses = self.of(file)
            direct = self.direct.get(file, (False, False, False))
            if direct[0] or direct[1] or ((fits or judges) and (SPEAKS.search(file) or SPEAKS.search(text))):
                return file, judges, refuses
        return None


_LEARNINGS: WeakKeyDictionary[Project, _Learning] = WeakKeyDictionary()


def _learning(project: Project, reach: Reach) -> _Learning:
    if project not in _LEARNINGS:
        _LEARNINGS[project] = _Learning(project, reach)
    return _LEARNINGS[project]


def ml_ci_gate(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find CI that trains, judges or reproduces, or that deploys a model service after a job that tests it.

    Bad: `pytest` of helpers alone, an image pushed on release. Good: `dvc repro`, `python evaluate.py --min-auc 0.8`,
    `needs: test` before `helm upgrade`.
    """
    known = _learning(project, reach)
    seen: set[tuple[str, int]] = set()
    for ran in steps_of(project).ran:
        if (ran.path, ran.line) in seen:
            continue
        found = _trained(known, ran) if not ran.uses else None
        if found is None and _deploys(ran) and known.serves and _after_tests(project, ran):
            found = "deploys the service after a job that tests it", True
        if found is not None:
            seen.add((ran.path, ran.line))
            yield _gated(project, ran, *found)
    yield from _model_tests(project)


def _gated(project: Project, ran: Ran, message: str, refuses: bool) -> Finding:
    place = f"{ran.path}:{ran.line} runs it"
    triggers = set(project.of(WorkflowFacts)[ran.path].triggers) if ran.path in project.of(WorkflowFacts) else set()
    alone = not ran.automatic and not triggers & {"schedule", "tag", "release", "call", "other", "push", "pull_request"}
    if alone or not ran.can_fail:
        return told(
            "ml-ci-gate",
            "by-hand",
            ran.path,
            ran.line,
            f"{message}, by hand or without a way to fail",
            Strength.DECLARED,
        )
    verified = f"{place} and can refuse" if refuses and ran.automatic else None
    return told(
        "ml-ci-gate", "step", ran.path, ran.line, message, Strength.USED, place if ran.automatic else None, verified
    )


def _trained(known: _Learning, ran: Ran) -> tuple[str, bool] | None:
    text = " ".join(ran.words)
    if IDLE.match(text) or ran.words[:1] in (("echo",), ("printf",)) or tests(ran.words):
        return None
    if reproduces(text):
        return f"reproduces the pipeline ({ran.text[:60]})", False
    if CML.match(text) and not re.match(r"(?:\S*/)?cml(?:-\S+)?\s*(?:--version|--help)?$", text):
        return f"trains or reports on a model ({ran.text[:60]})", False
    found = known.run(ran.source, ran.source_line, ran.text)
    if found is None:
        return None
    file, judges, refuses = found
    return f"{file} {'judges' if judges else 'trains'} a model in CI", refuses


def _deploys(ran: Ran) -> bool:
    return bool(DEPLOYING.match(ran.uses)) if ran.uses else bool(DEPLOYS.search(ran.text)) and not IDLE.match(ran.text)


def _after_tests(project: Project, ran: Ran) -> bool:
    """Tell whether a job follows one, or holds a step before, that runs tests which can fail."""
    workflow = project.of(WorkflowFacts).get(ran.path)
    if workflow is None:
        return False
    jobs: dict[str, Job] = {job.name: job for job in workflow.jobs}
    before, waiting = set[str](), list(jobs[ran.job].needs) if ran.job in jobs else []
    while waiting:
        name = waiting.pop()
        if name in jobs and name not in before:
            before.add(name)
            waiting += jobs[name].needs
    return any(
        other.path == ran.path
        and other.can_fail
        and (other.job in before or (other.job == ran.job and other.line < ran.line))
        and not other.uses
        and tests(other.words)
        for other in steps_of(project).ran
    )


QUALITY = Lazy(
    r"sklearn\.metrics\.\w+|torchmetrics\.|.*(?:^|[._~])(?:accuracy|f1|auc|roc_auc|rmse|mae|mse|precision|recall|perplexity|bleu|wer)\w*(?:\(\))?$|\?[\w.]*(?:model|clf|pipe\w*|estimator)\w*\.score$",
    re.I,
)


def _model_tests(project: Project) -> Iterator[Finding]:
    """Find tests that hold a model's quality against a bound, where CI runs the tests."""
    run = next((one for one in steps_of(project).ran if one.automatic and one.can_fail and tests(one.words)), None)
    if run is None:
        return
    for path, known in project.python.items():
        if role_of(path) is not Role.TEST:
            continue
        names = {project.resolve(path, call.name) for call in known.calls}
        model = any(
            re.match(r".*\.(?:fit|predict\w*|load_model|from_pretrained)$|joblib\.load$|torch\.load$", name)
            for name in names
        )
        learns = any(one.name.partition(".")[0] in LEARNING for one in known.imports)
        for one in known.assertions if model and learns else ():
            subjects = [project.resolve(path, subject) for subject in one.subjects]
            near = [
                project.resolve(path, call.name)
                for call in known.calls
                if call.scope == one.scope and call.line <= one.line
            ]
            if any(QUALITY.match(name) for name in (*subjects, *near)):
                place = f"{run.path}:{run.line} runs {path}:{one.line}"
                message = f"CI holds the model's quality against a bound ({path}:{one.line})"
                yield told(
                    "ml-ci-gate",
                    "model-test",
                    run.path,
                    run.line,
                    message,
                    Strength.USED,
                    place,
                    f"{place} and can fail",
                )
                return


SCHEDULES = Lazy(
    r"azureml\.pipeline\.core\.(?:schedule\.)?Schedule\.create$|azure\.ai\.ml\.entities\.(?:JobSchedule|RecurrenceTrigger|CronTrigger)$|prefect\..*\.(?:serve|deploy)$|prefect\.client\.schemas\.schedules\.\w+$"
    r"|dagster\.(?:ScheduleDefinition|SensorDefinition|AutoMaterializePolicy\.\w+)$|google\.cloud\.aiplatform\..*\.create_schedule$|apscheduler\..*\.add_job$|schedule\.every\(\).*\.do$|sagemaker\..*PipelineSchedule$"
)
SCHEDULED = Lazy(r"dagster\.(?:schedule|sensor|asset_sensor)\b|celery\..*periodic_task|modal\..*")
PROMOTES = Lazy(
    r".*\.(?:transition_model_version_stage|set_registered_model_alias|register_model|register|create_model_version|promote\w*|set_alias|link_model|copy_model_version)$|mlflow\.register_model$|.*(?:^|[.~_])(?:promote|register|publish|deploy)\w*$"
)


def retraining(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find a schedule or an event that starts training, with a gate that decides before the model is promoted.

    Bad: a notebook to run again, a nightly job that overwrites the model. Good: `schedule:` with `python train.py` and
    `python gate.py`, which exits when the new model is worse.
    """
    known = _learning(project, reach)
    gates = list(_gates(project, known))
    for path, line, what, files in _started(project, known):
        refused = next((file for file in files if known.of(file)[2]), None) or next(
            (gate for gate in gates if _beside(gate, [path, *files])), None
        )
        if refused is not None:
            message = f"{what} starts training, and {refused} decides before a model is promoted"
            yield told("retraining", "gated", path, line, message, Strength.USED, f"{path}:{line} starts it")
        else:
            message = f"{what} starts training, and nothing decides before the model is used"
            yield told("retraining", "ungated", path, line, message, Strength.DECLARED)


def _beside(gate: str, files: list[str]) -> bool:
    """Tell whether a gate belongs to what is started: it lies in the same part of the repository."""
    starts = [file.split("/")[:-1][:2] for file in files if not file.startswith(".")]
    return not starts or any(len(start) < 2 or gate.split("/")[:-1][:2] == start for start in starts)


def _gates(project: Project, known: _Learning) -> Iterator[str]:
    """Yield files that judge, compare, and either refuse or promote under a condition."""
    look = lookup_of(project)
    for path in look.own:
        _, judges, refuses = known.direct.get(path, (False, False, False))
        if judges and refuses:
            yield path
        body = project.python[path]
        names = [call.name for call in body.calls]
        cancels = any(
            last_of(name) in ("cancel", "exit", "AirflowSkipException", "AirflowFailException") for name in names
        )
        promotes = any(PROMOTES.match(name) for name in names)
        metric = any(
            last_of(name) in ("get_metrics", "get_metric", "get_run", "search_runs", "evaluate", "get_model_version")
            for name in names
        )
        branches = any(one.complexity >= 2 for one in body.definitions)
        if (metric or judges) and branches and (cancels or promotes) and look.imported[path] & LEARNING:
            yield path


def _started(project: Project, known: _Learning) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield path, line, what starts training, and the files that are run with it."""
    workflows = project.of(WorkflowFacts)
    files: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for ran in steps_of(project).ran:
        if "schedule" not in workflows[ran.path].triggers and "other" not in workflows[ran.path].triggers:
            continue
        found = known.run(ran.source, ran.source_line, ran.text) if not ran.uses else None
        if found is not None or (not ran.uses and reproduces(" ".join(ran.words))):
            files.setdefault(ran.path, []).extend([found[0]] if found else [])
            lines.setdefault(ran.path, ran.line)
    for path, line in lines.items():
        yield path, line, "a schedule or event", files[path]
    for path, manifest in project.of(ManifestFacts).items():
        for one in manifest.objects:
            if one.kind in ("CronJob", "CronWorkflow", "ScheduledWorkflow"):
                for text, line in one.run:
                    found = known.run(path, line, text)
                    if found is not None:
                        yield path, line, f"{one.kind} {one.name}".strip(), [found[0]]
                        break
    look = lookup_of(project)
    for site in look.keyed("schedule", "schedule_interval", "cron_schedule"):
        value = dict(site.call.keywords)
        given = next(value[key] for key in ("schedule", "schedule_interval", "cron_schedule") if key in value)
        trains = any(known.of(site.path)[:2]) or SPEAKS.search(site.path)
        if (
            given not in (None, "@once", "")
            and trains
            and re.match(r"airflow\.|dagster\.|prefect\.|\?", site.name)
            and known.of(site.path)[0]
        ):
            yield site.path, site.call.line, "a scheduled DAG", [site.path]
    for site in look.rooted(
        SCHEDULES, "azureml", "azure", "prefect", "dagster", "google", "apscheduler", "schedule", "sagemaker"
    ):
        if known.of(site.path)[0] or SPEAKS.search(site.path):
            yield site.path, site.call.line, f"{last_of(site.name)}()", [site.path]
