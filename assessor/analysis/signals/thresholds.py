"""Layer 5: figures that a model or a service must reach, and the code that holds it to them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.facts.configuration_model import ManifestFacts, ParametersFacts
from assessor.analysis.facts.model import Value
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Site, at_call, code_of, first_of_each_scope
from assessor.analysis.signals.told import told

__all__ = ["metric_thresholds"]

MEASURE = (
    r"(?:accuracy|acc|f1|f_?score|f1_score|auc|roc_auc|auroc|pr_auc|precision|recall|rmse|mae|mse|mape|smape|r2|wer|cer|bleu|rouge|perplexity|ndcg|mrr|m_?ap|iou|miou|dice|brier|ece"
    r"|latency|p50|p90|p95|p99|error_rate|errors|response_time|throughput|rps|uptime|availability|faithfulness|groundedness|relevancy|hit_rate|pass_rate|success_rate|toxicity|psnr"
    r"|fairness|parity|silhouette|logloss|log_loss|balanced_accuracy|sensitivity|specificity|quality|metric|performance|lift|gini|ks|sharpe|drift|psi)"
)
LIMIT = r"(?:thresholds?|min|max|minimum|maximum|limits?|floor|ceiling|target|gate|slo|sla|required|budget|cutoff|at_least|at_most)"
NAMED = Lazy(
    rf"(?:^|[._\-\[\]()=?~]){LIMIT}[_.\-](?:\w+[_.\-])*?{MEASURE}(?:[_.\-\[()]|s?$|_?ms$|_?seconds$)"
    rf"|(?:^|[._\-\[\]()=?~]){MEASURE}(?:[_.\-]\w+)*?[_.\-]{LIMIT}(?:[_.\-\[()]|$)|(?:^|[._\-~])(?:slos?|slas?|quality_gates?|metric_thresholds?|validation_thresholds?)(?:[_.\-]|$)",
    re.IGNORECASE,
)
NO_TARGET = Lazy(
    r"confidence|similarity|nms|match|detect|(?:^|[_.\-])conf(?:[_.\-]|$)|prob|early|min_delta|patience|scheduler|plateau|lr_|_lr|coverage|fail_under|anchor|overlap|clip|retriev|search"
    r"|max_tokens|chunk|iou_thres|score_thres|rouge_types|retry|retries|timeout|keep|delta_psi|sampl|plot|axis|bound",
    re.IGNORECASE,
)
"""What a threshold decides on one case, or limits something else than a result."""

EXITS = Lazy(
    r"exit|quit|_exit|Exit|Abort|fail|register_model|transition_model_version_stage|set_registered_model_alias|promote\w*|deploy\w*"
)
GATES = Lazy(
    r"tensorflow_model_analysis\.(?:\w+\.)*(?:GenericValueThreshold)$|mlflow\.models\.(?:evaluation\.)?(?:\w+\.)*MetricThreshold$"
    r"|sagemaker\.workflow\.conditions\.Condition(?:Greater|Less)\w+$|evidently\.(?:\w+\.)*tests\.Test(?:Accuracy|F1|Precision|Recall|RocAuc|LogLoss|Value(?:MAE|RMSE|MAPE|R2)|MeanError|\w*RMSE|\w*MAE)\w*$"
    r"|deepchecks\.(?:\w+\.)*\w+\(\)\.add_condition_\w+$|giskard\.testing\.test_\w+$|aiplatform\.\w*Threshold\w*$|trulens\w*\.(?:\w+\.)*Threshold$"
)
OBJECTIVES = frozenset({"PrometheusServiceLevel", "ServiceLevelObjective", "SLO"})
CHECKING = Lazy(
    r"check|gate|validat|evaluat|promot|assert|quality|accept|approve|verify|compare|test|deploy|register|main|slo|judge|enforce",
    re.IGNORECASE,
)


def metric_thresholds(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find figures for the model or the service that configuration states and that code or CI enforces.

    Bad: a figure in a README, `--cov-fail-under=90`, the confidence above which a box is drawn.
    Good: `min_recall: 0.8` in a file that the evaluation reads before it exits with an error.
    """
    code = code_of(project)
    enforcers = _enforcers(code)
    yield from _configured(project, code, reach, enforcers)
    yield from first_of_each_scope(_in_code(code, enforcers))
    for site in code.library(LIBRARIES, GATES):
        if _figure(site):
            yield at_call(
                "metric-thresholds",
                "gate",
                site,
                f"{site.name.rpartition('.')[2]} states a figure that must be reached",
            )
    for command in project.commands:
        named = OPTION.search(command.text)
        if named and role_of(command.path) is Role.OWN and not NO_TARGET.search(named[0]):
            wired = f"{command.path}:{command.line} runs it"
            message = f"a run is held to {named[0].strip()}"
            yield told("metric-thresholds", "command", command.path, command.line, message, wired_by=wired)
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects if role_of(path) is Role.OWN else ():
            if thing.kind in OBJECTIVES:
                wired = f"{path}:{thing.line} is read by the cluster's operator"
                yield told(
                    "metric-thresholds",
                    "objective",
                    path,
                    thing.line,
                    f"a service level objective {thing.name}",
                    wired_by=wired,
                )


LIBRARIES = (
    "tensorflow_model_analysis",
    "mlflow",
    "sagemaker",
    "evidently",
    "deepchecks",
    "giskard",
    "aiplatform",
    "trulens",
    "trulens_eval",
)
OPTION = Lazy(
    rf"(?:^|\s)--(?:{LIMIT}[-_](?:\w+[-_])*?{MEASURE}|{MEASURE}[-_](?:\w+[-_])*?{LIMIT})[= ]+\d[\d.]*", re.IGNORECASE
)


def _figure(site: Site) -> bool:
    values = [*site.call.arguments, *(value for _, value in site.call.keywords)]
    return any(isinstance(value, int | float) and not isinstance(value, bool) for value in values) or any(
        name in ("value_threshold", "threshold", "right", "lower_bound", "upper_bound")
        for name, _ in site.call.keywords
    )


def _configured(project: Project, code: Code, reach: Reach, enforcers: dict[str, set[int]]) -> Iterator[Finding]:
    """Find figures in configuration that own code opens and enforces."""
    for path, known in project.of(ParametersFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE, Role.DOCS):
            continue
        stated = [(key, line) for key, _, line in known.values if _key_states(key)]
        if not stated:
            continue
        reader = _enforcing_reader(code, path, enforcers)
        key, line = stated[0]
        more = f" and {len(stated) - 1} more state" if len(stated) > 1 else " states"
        message = f"{key}{more} a figure to reach"
        finding = told("metric-thresholds", "configured", path, line, message, Strength.DECLARED)
        if reader is not None:
            wiring = reach.of(reader.path, reader.call.scope)
            where = f"{reader.path}:{reader.call.line}"
            finding = replace(
                finding, strength=Strength.USED, message=f"{finding.message}, and {where} enforces it",
                alive=wiring.alive, wired_by=wiring.wired_by, verified_by=wiring.verified_by,
            )  # fmt: skip
        yield finding


def _key_states(key: str) -> bool:
    """Tell whether a dotted key names a figure: min_auc, thresholds.accuracy, latency.p95.max."""
    parts = key.split(".")
    leaf, parent = parts[-1], parts[-2] if len(parts) > 1 else ""
    if NO_TARGET.search(".".join(parts[-2:])):
        return False
    if NAMED.search(leaf):
        return True
    if ENTIRE_LIMIT.fullmatch(parent):
        return bool(ENTIRE_MEASURE.search(leaf))
    return bool(ENTIRE_LIMIT.fullmatch(leaf) and ENTIRE_MEASURE.search(parent))


ENTIRE_LIMIT = Lazy(rf"(?:\w+_)?{LIMIT}s?", re.IGNORECASE)
ENTIRE_MEASURE = Lazy(rf"(?:^|_|-){MEASURE}(?:_|-|$|\d)", re.IGNORECASE)


def _enforcing_reader(code: Code, path: str, enforcers: dict[str, set[int]]) -> Site | None:
    """Return the call that names a file of configuration, in a file of code that raises, exits or promotes."""
    name = path.rpartition("/")[2]
    for place in sorted(enforcers):
        known = code.files[place]
        named = {one.line for one in known.assigns if isinstance(one.value, str) and one.value.endswith(name)}
        for call in known.calls:
            values = (*call.arguments, *(value for _, value in call.keywords))
            said = any(isinstance(value, str) and value.endswith(name) for value in values) or (
                name == "params.yaml" and call.name.startswith(("dvc.api.params_show", "dvc.api.get_params"))
            )
            if said or named:
                return Site(place, call.name, call if said else call._replace(line=min(named)))
    return None


def _enforcers(code: Code) -> dict[str, set[int]]:
    """Return by file the scopes that exit or promote, and those that check something and raise or assert."""
    found: dict[str, set[int]] = defaultdict(set)
    for site in code.ending_like(EXITS):
        found[site.path].add(site.call.scope)
    for path, known in code.files.items():
        for scope in {*known.raising, *(one.scope for one in known.assertions)}:
            if scope < 0 or CHECKING.search(known.definitions[scope].name):
                found[path].add(scope)
    return found


SETTINGS = ("add_argument", "get", "getfloat", "Option", "getenv", "float", "option", "Field")


def _in_code(code: Code, enforcers: dict[str, set[int]]) -> Iterator[Finding]:
    """Find constants, options and settings that name a figure to reach, where code raises or exits."""
    for path in sorted(enforcers):
        known = code.files[path]
        for assign in known.assigns if role_of(path) is Role.OWN and known.calls else ():
            figure = type(assign.value) in (int, float) and assign.value
            if figure and _states(assign.target) and _stands_well(code, path, assign.scope):
                call = known.calls[0]._replace(line=assign.line, end_line=assign.line, scope=assign.scope)
                site = Site(path, assign.target, call)
                yield at_call("metric-thresholds", "constant", site, f"{assign.target} is enforced")
    for site in code.ending(*SETTINGS):
        if site.path in enforcers and role_of(site.path) is Role.OWN:
            said = [value for value in site.call.arguments if isinstance(value, str) and _states(value.lstrip("-"))]
            if said and not said[0].startswith("="):
                yield at_call("metric-thresholds", "setting", site, f"{said[0]} is enforced")


def _states(name: Value) -> bool:
    return isinstance(name, str) and len(name) < 80 and bool(NAMED.search(name)) and not NO_TARGET.search(name)


def _stands_well(code: Code, path: str, scope: int) -> bool:
    """Tell whether a constant stands in a module, in a class or in a function that checks something."""
    body = code.files[path].definitions[scope]
    return scope < 0 or body.kind == "class" or bool(CHECKING.search(body.name))
