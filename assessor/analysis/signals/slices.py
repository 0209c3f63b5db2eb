"""Layer 2: metrics of parts of the data, and decision thresholds that follow from metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.evaluation import METRIC
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Body, Code, Place, Site, at_call, at_place, code_of, first_of_each_scope

__all__ = ["sliced_metrics"]

ROOTS = (
    "sklearn", "fairlearn", "aif360", "aequitas", "tensorflow_model_analysis", "snorkel", "torchmetrics", "seqeval", "deepchecks", "wandb", "imblearn", "giskard", "pycm", "responsibleai",
    "raiwidgets", "domino", "meerkat", "robustnessgym", "evidently", "yellowbrick", "pytorch_lightning", "zenml",
)  # fmt: skip
LIBRARY = Lazy(
    r"fairlearn\.metrics\.(?!make_derived)\w+$|aif360\.metrics\.\w+(?:\(\)\.\w+)?$|aequitas\.\w+(?:\.\w+)*(?:\(\)\.\w+)?$|tensorflow_model_analysis\.(?:\w+\.)*(?:SlicingSpec|SingleSliceSpec)$|snorkel\.slicing\.\w+(?:\(\))?(?:\.\w+)?$"
    r"|(?:sklearn|imblearn|seqeval)\.metrics\.(?:classification_report(?:_imbalanced)?|multilabel_confusion_matrix|precision_recall_fscore_support)$"
    r"|deepchecks\.(?:\w+\.)*(?:WeakSegmentsPerformance|SegmentPerformance|ClassPerformance|PerformanceBias)$|wandb\.(?:plot|sklearn)\.(?:plot_)?confusion_matrix$"
    r"|sklearn\.model_selection\.(?:TunedThresholdClassifierCV|FixedThresholdClassifier)$|yellowbrick\.classifier\.(?:ClassificationReport|DiscriminationThreshold|ClassPredictionError)$|(?:raiwidgets|responsibleai)\.\w+$"
)
SUPPORT = Lazy(r"precision_recall_fscore_support$")
SLICED = Lazy(
    r"(?:^|_)(?:(?:metrics?|accuracy|acc|f1|auc|recall|precision|error|errors|performance|scores?|results?|evaluat\w*|eval|mae|rmse|report|wer|iou)_(?:\w+_)?(?:per|by|for_each|across)_\w+|(?:per|by)_(?:class|group|slice|segment|category|label|language|region|user|subgroup|domain|cohort)_(?:\w+)"
    r"|(?:slice|slices|subgroup|subgroups|segment|cohort|group|groupwise|classwise|class_wise|stratified)_(?:metrics?|performance|accuracy|evaluation|scores?|errors?|report|f1|auc|recall)|evaluate_(?:slices?|subgroups?|segments?|groups?|cohorts?)|get_slice_metrics|per_class|class_iou|fairness_\w+|disparate_impact|demographic_parity|equal(?:ized|ised)_odds|equal_opportunity)(?:_|$|s$)",
    re.IGNORECASE,
)
CHOSEN = Lazy(
    r"(?:^|_)(?:(?:find|best|optimal|optimum|choose|tune|select|optimi[sz]e|pick|search|get_best|get_optimal)_(?:\w+_)?(?:threshold|cutoff|cut_off|operating_point)s?|threshold_(?:tuning|search|optimi[sz]\w+|sweep|selection|at_\w+|for_\w+)|youden\w*|optimal_cutoff|sweep_thresholds?)(?:_|$)",
    re.IGNORECASE,
)
CURVES = Lazy(
    r"sklearn\.metrics\.(?:precision_recall_curve|roc_curve|det_curve)$|torchmetrics\.(?:\w+\.)*(?:\w*PrecisionRecallCurve|\w*ROC|roc|precision_recall_curve)(?:\(\))?$"
)
EXTREME = Lazy(
    r".*(?:^|\.)(?:argmax|argmin|nanargmax|nanargmin|idxmax|idxmin|searchsorted|where|flatnonzero|nonzero)$|max$|min$"
)
GROUPS = Lazy(
    r".*(?:\.groupby|\.group_by)(?:\(\))?(?:\[\])?(?:\.(?:apply|agg|aggregate|mean|get_group|groups|sum|map))?$"
)
LEARNS = frozenset(
    {
        "sklearn",
        "torch",
        "tensorflow",
        "keras",
        "numpy",
        "pandas",
        "torchmetrics",
        "evaluate",
        "polars",
        "jax",
        "xgboost",
        "lightgbm",
        "datasets",
        "jiwer",
        "seqeval",
        "fairlearn",
        "snorkel",
    }
)
COMPUTES = Lazy(
    r".*(?:^|\.)(?:mean|sum|bincount|diag|confusion_matrix|groupby|group_by|unique|where|compute|\w+_score|value_counts|defaultdict|Counter|items|zip)(?:\(\))?$|.*(?:\.groupby|\.group_by)\b"
)


def sliced_metrics(project: Project) -> Iterator[Finding]:
    """Find metrics per slice, group or class, and thresholds that are chosen from metrics.

    Bad: `accuracy_score(y, predicted)` alone, a curve that is only plotted. Good: `classification_report(...)`,
    `MetricFrame(..., sensitive_features=sex)`, the threshold at the best point of `precision_recall_curve`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_library(code))
    yield from first_of_each_scope(_grouped(code))
    yield from first_of_each_scope(_chosen(code))
    for place in code.functions_named(SLICED):
        said = code.body(place.path, place.index)
        if place.definition.parameters and code.imports(place.path) & LEARNS and _computes(code, place, said):
            yield at_place("sliced-metrics", "own", place, f"{place.definition.name}() computes metrics of parts")
    for place in code.functions_named(CHOSEN):
        said = code.body(place.path, place.index)
        weighed = any(EXTREME.match(call.name) or METRIC.match(call.name) for call in said.calls)
        if place.definition.parameters and code.imports(place.path) & LEARNS and weighed:
            yield at_place(
                "sliced-metrics", "threshold", place, f"{place.definition.name}() chooses a threshold from metrics"
            )


def _computes(code: Code, place: Place, said: Body) -> bool:
    names = [code.project.resolve(place.path, call.name) for call in said.calls]
    if place.definition.name.startswith(("plot", "print", "log_", "test_", "save", "load")) and not said.operations:
        return False
    return any(METRIC.match(name) for name in names) or (
        bool({sign for sign, _ in said.operations} & {"/", "==", "+=", "-"})
        and any(COMPUTES.match(name) for name in names)
    )


def _library(code: Code) -> Iterator[Finding]:
    for site in code.library(ROOTS, LIBRARY):
        if SUPPORT.search(site.name) and dict(site.call.keywords).get("average", "none") in AVERAGED:
            continue
        yield at_call("sliced-metrics", "library", site, f"{site.name.rpartition('.')[2]} tells parts apart")
    for site in code.library(("sklearn", "torchmetrics", "seqeval"), METRIC):
        for key, value in site.call.keywords:
            if (
                key == "average"
                and value in (None, "none")
                and site.name.rpartition(".")[2] in PER_CLASS | {"Accuracy", "F1Score", "Precision", "Recall"}
            ):
                yield at_call("sliced-metrics", "classes", site, f"{site.name.rpartition('.')[2]} of each class")


AVERAGED = ("macro", "micro", "weighted", "binary", "samples")
PER_CLASS = frozenset(
    {
        "f1_score",
        "precision_score",
        "recall_score",
        "fbeta_score",
        "jaccard_score",
        "roc_auc_score",
        "average_precision_score",
    }
)


def _grouped(code: Code) -> Iterator[Finding]:
    """Find metrics that are computed where rows are grouped."""
    for site in code.ending("groupby", "group_by", "apply"):
        if GROUPS.match(site.name) and _measured(code, site):
            yield at_call("sliced-metrics", "grouped", site, "metrics are computed group by group")


def _measured(code: Code, site: Site) -> bool:
    said = code.body(site.path, site.call.scope)
    if site.call.scope < 0:  # in a long script only what stands in the same statement
        return any(
            METRIC.match(code.project.resolve(site.path, call.name))
            for call in said.calls
            if site.call.line <= call.line <= site.call.end_line
        )
    return any(METRIC.match(code.project.resolve(site.path, call.name)) for call in said.calls)


def _chosen(code: Code) -> Iterator[Finding]:
    """Find thresholds taken where a curve of precision and recall, or of both rates, is best."""
    for site in code.library(("sklearn", "torchmetrics"), CURVES):
        said = code.body(site.path, site.call.scope)
        after = [
            call
            for call in said.calls
            if call.line > site.call.line and (site.call.scope >= 0 or call.line < site.call.line + 15)
        ]
        picked = any(
            call.name.rpartition(".")[2]
            in ("argmax", "argmin", "nanargmax", "nanargmin", "idxmax", "idxmin", "searchsorted", "flatnonzero")
            for call in after
        )
        if picked:
            yield at_call("sliced-metrics", "curve", site, "a threshold is chosen where the curve is best")
