"""Layer 2: splits that keep the test rows apart, and preparation that lets them in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import Assign, Call, Value
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.evaluation import TRAIN_ROWS
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Body, Code, Site, at_call, at_place, code_of, first_of_each_scope

__all__ = ["leakage_risk", "leakage_safe_split"]

ROOTS = (
    "sklearn", "sktime", "skforecast", "pmdarima", "mlfinlab", "tscv", "timeseriescv", "prophet", "fbprophet", "darts", "imblearn", "cuml", "dask_ml",
    "mlforecast", "statsforecast", "neuralforecast", "group_lasso", "deepchem", "tsai", "pyspark",
)  # fmt: skip
SPLITTER = Lazy(
    r"(?:sklearn|cuml|dask_ml)\.(?:model_selection|cross_validation)\.(?:_split\.)?(?:GroupKFold|GroupShuffleSplit|StratifiedGroupKFold|LeaveOneGroupOut|LeavePGroupsOut|TimeSeriesSplit"
    r"|LeaveOneLabelOut|LabelKFold)$"
    r"|sktime\.(?:\w+\.)*(?:temporal_train_test_split|\w+(?:Window|Cutoff|Greedy)Splitter)$|sktime\.(?:\w+\.)*evaluate$"
    r"|skforecast\.model_selection\w*\.(?:\w+\.)*(?:backtesting\w*|TimeSeriesFold|grid_search\w*)$|pmdarima\.model_selection\.\w+$"
    r"|mlfinlab\.(?:\w+\.)*\w*Purged\w+$|tscv\.\w+$|timeseriescv\.(?:\w+\.)*\w+$|(?:fb)?prophet\.diagnostics\.cross_validation$"
    r"|(?:mlforecast|statsforecast|neuralforecast)\.(?:\w+\.)*\w+\(\)\.cross_validation$|darts\..*\.(?:historical_forecasts|backtest|split_after|split_before)$"
    r"|deepchem\.splits\.(?:ScaffoldSplitter|ButinaSplitter|FingerprintSplitter|TimeSplitter)$|tsai\.(?:\w+\.)*TimeSplitter$|pyspark\..*GroupKFold$"
)
OWN_SPLIT = Lazy(
    r"(?:^|_)(?:(?:time|temporal|chronological\w*|chrono|date|group|grouped|patient|user|subject|speaker|session|customer|scaffold|entity|household|store)(?:_?(?:based|series|aware|wise|level|order\w*))?_(?:train_(?:val_)?(?:test_)?)?split"
    r"|split_(?:\w+_)?by_(?:time|date|group|patient|user|subject|speaker|session|customer|scaffold|year|month|day|week|timestamp|entity|id|store|document|author|site|hospital)\w*"
    r"|walk_forward\w*|purged_\w*|(?:rolling|expanding)_window_splits?|(?:temporal|chronological|leakage_(?:safe|free))_(?:cv|holdout|partition\w*))(?:_|$|s$)",
    re.IGNORECASE,
)
PIPELINE = Lazy(
    r"(?:sklearn|imblearn|cuml|dask_ml)\.pipeline\.(?:Pipeline|make_pipeline|make_imb_pipeline)$|pyspark\.ml\.(?:pipeline\.)?Pipeline$"
)
TRANSFORMER = Lazy(
    r"(?:sklearn|cuml)\.(?:preprocessing|impute|decomposition|feature_selection|compose|feature_extraction(?:\.\w+)*|kernel_approximation|random_projection|discriminant_analysis)\.\w+$"
    r"|imblearn\.\w+_sampling\.\w+$|imblearn\.combine\.\w+$|category_encoders\.\w+$|feature_engine\.|pyspark\.ml\.feature\.\w+$|sklearn_pandas\.|umap\.UMAP$"
    r"|.*(?:Transformer|Imputer|Scaler|Encoder|Selector|Vectorizer|Preprocessor|Extractor|Binner)$"
)
SPLIT = Lazy(
    r"(?:sklearn|cuml|dask_ml)\.(?:model_selection|cross_validation|grid_search)\.(?:train_test_split|cross_val_score|cross_val_predict|cross_validate|GridSearchCV|RandomizedSearchCV"
    r"|Halving\w+|learning_curve|validation_curve|permutation_test_score|\w*KFold|\w*ShuffleSplit|TimeSeriesSplit|\w*GroupsOut|\w*GroupOut|StratifiedGroupKFold)$"
    r"|.*\.randomSplit$|pyspark\.ml\.tuning\.\w+$"
)
HELD_OUT = Lazy(
    r"sklearn\.(?:model_selection|cross_validation)\.(?:train_test_split|cross_val_score|cross_val_predict|cross_validate)$"
)
FITTED = Lazy(
    r"sklearn\.(?:preprocessing\.(?:StandardScaler|MinMaxScaler|RobustScaler|MaxAbsScaler|PowerTransformer|QuantileTransformer|Imputer)|impute\.\w+|feature_selection\.\w+)"
    r"\(\)\.fit(?:_transform)?$|imblearn\.(?:over_sampling|under_sampling|combine)\.\w+\(\)\.fit_(?:resample|sample)$"
)
RESAMPLED = Lazy(r"imblearn\.\w+\.\w+\(\)\.fit_(?:resample|sample)\(\)\[\]$")
REBUILDS = Lazy(r"(?:pandas\.(?:DataFrame|concat)|numpy\.(?:array|hstack|concatenate|column_stack|c_))$")
DATED = Lazy(
    r"pandas\.(?:to_datetime|date_range|DatetimeIndex|bdate_range)$|yfinance\.|pandas_datareader\.|.*\.(?:sort_index|resample|asfreq|tz_localize)$"
)
WINDOWS = Lazy(
    r"~?.*(?:create|make|build|get|to)_(?:\w+_)?(?:sequences?|windows?|lags?|lagged\w*|lookback|look_back|sliding\w*)(?:_\w+)?$|.*series_to_supervised$"
)


def leakage_safe_split(project: Project) -> Iterator[Finding]:
    """Find splits by group or by time, and preparation that stands in a pipeline fitted on the training part alone.

    Bad: `train_test_split(rows, labels)` alone, a pipeline that is fitted on all rows.
    Good: `GroupKFold().split(rows, groups=users)`, `make_pipeline(StandardScaler(), Ridge()).fit(x_train, y_train)`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_splitters(code))
    yield from first_of_each_scope(_pipelines(code))
    for place in code.functions_named(OWN_SPLIT):
        if place.definition.parameters and code.imports(place.path) & FRAMES:
            message = f"{place.definition.name}() splits by group or time"
            yield at_place("leakage-safe-split", "own", place, message)


FRAMES = frozenset(
    {"pandas", "numpy", "polars", "sklearn", "torch", "datasets", "pyspark", "tensorflow", "dask", "rdkit"}
)


def _splitters(code: Code) -> Iterator[Finding]:
    for site in code.library(ROOTS, SPLITTER):
        kept = not site.call.discarded and _mentioned(code, site)
        message = f"{site.name.rpartition('.')[2]} keeps groups or time apart"
        yield at_call("leakage-safe-split", "splitter", site, message, Strength.USED if kept else Strength.DECLARED)
    for site in code.ending("train_test_split"):
        if ("shuffle", False) in site.call.keywords and _dated(code, site.path):
            yield at_call("leakage-safe-split", "ordered", site, "rows that bear dates are split in their order")


def _mentioned(code: Code, site: Site) -> bool:
    """Tell whether what a call made goes anywhere: a name that nothing mentions again splits nothing."""
    said = code.body(site.path, site.call.scope)
    targets = [one.target for one in said.assigns if one.line == site.call.line]
    if not targets or any("." in target for target in targets):
        return True
    made = f"{site.call.name}()"
    return any(one.name.startswith(made) for one in code.files[site.path].references) or any(
        call.name.startswith(made) for call in code.files[site.path].calls
    )


def _dated(code: Code, path: str) -> bool:
    known = code.files[path]
    return any(
        DATED.match(call.name) or any(name in ("parse_dates", "by") and _of_time(value) for name, value in call.keywords)
        or (call.name.endswith("sort_values") and any(_of_time(value) for value in call.arguments))
        for call in known.calls
    )  # fmt: skip


def _of_time(value: object) -> bool:
    return value is None or (
        isinstance(value, str) and bool(re.search(r"date|time|day|year|month|^=?\?*ds$|^ts$", value, re.IGNORECASE))
    )


def _pipelines(code: Code) -> Iterator[Finding]:
    for site in code.library(("sklearn", "imblearn", "cuml", "dask_ml", "pyspark"), PIPELINE):
        if _transforms(code, site) and _fitted_on_a_part(code, site):
            yield at_call(
                "leakage-safe-split",
                "pipeline",
                site,
                "preparation stands in a pipeline that is fitted on the training part",
            )


def _transforms(code: Code, site: Site) -> bool:
    """Tell whether a pipeline holds a transformer: made within its call or before it, or by a function called there."""
    for call in code.body(site.path, site.call.scope).calls:
        if call.line > site.call.end_line or call is site.call:
            continue
        name = code.project.resolve(site.path, call.name)
        if TRANSFORMER.match(name):
            return True
        made = code.project.definition(name)
        if made is not None and made.path in code.files:
            inner = code.body(made.path, made.index).calls
            if any(TRANSFORMER.match(code.project.resolve(made.path, one.name)) for one in inner):
                return True
    return False


def _fitted_on_a_part(code: Code, site: Site) -> bool:
    """Tell whether the file that makes a pipeline, or one that calls its function, holds rows out."""
    files = {site.path}
    if site.call.scope >= 0:
        files |= {caller.path for caller in code.named(code.dotted(site.path, site.call.scope))}
    return any(_holds_out(code, path) for path in sorted(files))


def _holds_out(code: Code, path: str) -> bool:
    for call in code.files[path].calls:
        if call.name.rpartition(".")[2] in ("fit", "fit_transform") and call.arguments:
            first = call.arguments[0]
            if isinstance(first, str) and TRAIN_ROWS.search(first):
                return True
        elif SPLIT.match(code.project.resolve(path, call.name)):
            return True
    return False


def leakage_risk(project: Project) -> Iterator[Finding]:
    """Find preparation that is fitted on rows which are split afterwards, and time series that are shuffled.

    Bad: `x = StandardScaler().fit_transform(x)` before `train_test_split(x, y)`. Good: the scaler in a pipeline, a
    scaler fitted on `x_train`, labels that are encoded before the split.
    """
    code = code_of(project)
    for site in code.library(("sklearn",), HELD_OUT):
        if role_of(site.path) is not Role.OWN:
            continue
        said = code.body(site.path, site.call.scope)
        fit = _fitted_before(code, site, said)
        if fit is not None:
            what = fit.name.partition("(")[0].rpartition(".")[2]
            message = f"{what} is fitted in line {fit.line} on rows that are split here"
            yield at_call("leakage-risk", "fitted-before", site, message)
        elif _shuffles_time(code, site):
            yield at_call("leakage-risk", "shuffled", site, "rows made from a time series are shuffled by the split")


def _fitted_before(code: Code, site: Site, said: Body) -> Call | None:
    """Return the call that fitted a scaler, imputer, selector or resampler on what is split by a later call."""
    call = site.call
    rows = call.arguments[0:1] if site.name.endswith("train_test_split") else call.arguments[1:2]
    before = [one for one in said.calls if one.line < call.line]
    if any(HELD_OUT.match(code.project.resolve(site.path, one.name)) for one in before) or _for_training(rows):
        return None
    fits = [one for one in before if FITTED.match(one.name) and not _for_training(one.arguments)]
    if not fits:
        return None
    # The name's first use is the split itself, and what it stands for there is what a resampler made.
    for one in said.references:
        if call.line <= one.line <= call.end_line and RESAMPLED.match(one.name):
            return next((fit for fit in reversed(fits) if one.name.startswith(fit.name)), None)
    held: dict[str, Call] = {}
    for assign in sorted(said.assigns, key=lambda one: one.line):
        if assign.line >= call.line:
            break
        source = _fit_behind(assign, fits) or _rebuilt_from(said, assign.line, held)
        held.pop(assign.target, None)
        if source is not None and "[" not in assign.target:  # some columns of a table may well be no features
            held[assign.target] = source
    return next((held[name[2:]] for name in rows if isinstance(name, str) and name[2:] in held), None)


def _for_training(arguments: tuple[Value, ...]) -> bool:
    return any(isinstance(value, str) and bool(TRAIN_ROWS.search(value)) for value in arguments)


def _fit_behind(assign: Assign, fits: list[Call]) -> Call | None:
    """Return the fit on or before whose line its object made what is assigned: by fit_transform or by transform."""
    if not isinstance(assign.value, str):
        return None
    for fit in reversed(fits):
        fitted = fit.name.rpartition(".")[0]
        if fit.line <= assign.line and assign.value in (f"={fit.name}()", f"={fitted}.transform()"):
            return fit
    return None


def _rebuilt_from(said: Body, line: int, held: dict[str, Call]) -> Call | None:
    """Return what was fitted to make the values that a table or an array is rebuilt from in this line."""
    for one in said.calls:
        if one.line == line and REBUILDS.match(one.name):
            for value in one.arguments:
                if isinstance(value, str) and value[2:] in held:
                    return held[value[2:]]
    return None


def _shuffles_time(code: Code, site: Site) -> bool:
    """Tell whether rows that were shifted along dates, or cut into windows, are split without their order."""
    call = site.call
    if not site.name.endswith("train_test_split") or ("shuffle", False) in call.keywords:
        return False
    if any(name == "stratify" and value is not None for name, value in call.keywords):
        return False
    known = code.files[site.path]
    if any(one.name.endswith(("TimeSeriesSplit", "groupby().shift", "groupby()[].shift")) for one in known.calls):
        return False
    said = code.body(site.path, call.scope)
    before = [one for one in said.calls if one.line < call.line]
    shifted = any(one.name.endswith(".shift") and one.arguments and isinstance(one.arguments[0], int) for one in before)
    windowed = any(WINDOWS.match(one.name) for one in before)
    return (shifted or windowed) and _dated(code, site.path)
