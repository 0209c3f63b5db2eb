"""Layer 3: classes that are rare and values that are missing, handled where the model is fitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Site, at_call

__all__ = ["imbalance_handling"]

WEIGHTS = words_of(
    "class_weight sample_weight pos_weight scale_pos_weight is_unbalance auto_class_weights class_weights sample_weights"
)
LOSS = Lazy(
    r"torch\.nn\.(?:modules\.loss\.)?(?:CrossEntropyLoss|NLLLoss)$|torch\.nn\.functional\.(?:cross_entropy|nll_loss)$"
)
"""Losses whose `weight` is one figure for each class; of others it is one for each element."""
WHOLE = Lazy(
    r"sklearn\.utils\.class_weight\.compute_(?:class|sample)_weight$|torch\.utils\.data\.(?:sampler\.)?WeightedRandomSampler$|imblearn\.ensemble\.\w+$|torchsampler\.|catalyst\..*BalanceClassSampler$"
    r"|sklearn\.utils\.resample$|tensorflow\.data\.Dataset\.(?:sample_from_datasets|rejection_resample)$|tensorflow\.nn\.weighted_cross_entropy_with_logits$"
)
RESAMPLES = Lazy(r"(?:.*imblearn\..*|\?[\w.]*)\.(?:fit_resample|fit_sample)$")
SPLITS = Lazy(r"sklearn\.model_selection\.(?:\w+\.)?(?:train_test_split|\w*KFold(?:\(\)\.split)?|cross_val\w+)$")
IMPUTERS = Lazy(
    r"sklearn\.impute\.(?:_\w+\.)?\w*Imputer$|feature_engine\.imputation\.\w+$|pyspark\.ml\.feature\.Imputer$"
)
PIPES = Lazy(
    r"(?:sklearn|imblearn)\.(?:pipeline\.(?:Pipeline|make_pipeline)|compose\.(?:ColumnTransformer|make_column_transformer))$|pyspark\.ml\.(?:pipeline\.)?Pipeline$"
)
SAMPLERS = Lazy(r"imblearn\.(?:over_sampling|under_sampling|combine)\.\w+$")


def imbalance_handling(project: Project) -> Iterator[Finding]:
    """Find weights of classes or samples, resampling of training rows, and imputation inside a pipeline.

    Bad: `df.dropna()`, `class_weight=None`, SMOTE on all rows before the split. Good: `class_weight="balanced"`,
    a SimpleImputer in the pipeline, `WeightedRandomSampler(weights, n)`.
    """
    look = lookup_of(project)
    yield from _weighted(look)
    for site in look.rooted(WHOLE, "sklearn", "torch", "imblearn", "torchsampler", "catalyst", "tensorflow"):
        if last_of(site.name) != "resample" or {"n_samples", "stratify"} & {key for key, _ in site.call.keywords}:
            yield at_call("imbalance-handling", "weights", site, f"{last_of(site.name)} answers rare classes")
    yield from _resampled(look)
    yield from _imputed(look)


def _weighted(look: Lookup) -> Iterator[Finding]:
    for site in look.keyed(*WEIGHTS):
        given = dict(site.call.keywords)
        key = next(key for key in WEIGHTS if key in given)
        value = given[key]
        settled = value in (False, 1, "") or (value is None and key == "class_weight")
        if not settled and "metrics" not in site.name:
            yield at_call("imbalance-handling", "weights", site, f"{key} is set where the model is made or fitted")
    for site in look.keyed("weight"):
        if LOSS.match(site.name) and dict(site.call.keywords)["weight"] is not None:
            yield at_call("imbalance-handling", "weights", site, f"{last_of(site.name)} weighs the classes")


def _resampled(look: Lookup) -> Iterator[Finding]:
    """Find resampling of training rows: not before a split that follows in the same function."""
    code = look.code
    for site in look.ending("fit_resample", "fit_sample", pattern=RESAMPLES):
        after = [one for one in code.body(site.path, site.call.scope).calls if one.line > site.call.line]
        if not any(SPLITS.match(code.project.resolve(site.path, one.name)) for one in after):
            yield at_call("imbalance-handling", "resampled", site, "training rows are resampled")
    made = {(site.path, site.call.scope) for site in look.rooted(SAMPLERS, "imblearn")}
    for site in look.rooted(PIPES, "imblearn"):
        if (site.path, site.call.scope) in made:
            yield at_call(
                "imbalance-handling", "resampled", site, "rows are resampled inside each fold of the pipeline"
            )


def _imputed(look: Lookup) -> Iterator[Finding]:
    pipes: dict[tuple[str, int], list[Site]] = defaultdict(list)
    for site in look.rooted(PIPES, "sklearn", "imblearn", "pyspark"):
        pipes[site.path, site.call.scope].append(site)
    for site in look.rooted(IMPUTERS, "sklearn", "feature_engine", "pyspark"):
        if pipes[site.path, site.call.scope]:
            yield at_call("imbalance-handling", "imputed", site, f"{last_of(site.name)} fills gaps inside a pipeline")
