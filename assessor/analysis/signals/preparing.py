"""Layer 3: data that is cleaned and turned into features where a script or a pipeline runs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Place, Site, at_call, at_place, methods

__all__ = ["cleaning_pipeline", "feature_pipeline"]

TABLES = frozenset(
    words_of("pandas polars pyspark dask numpy cudf modin vaex datasets pyarrow duckdb geopandas databricks")
)
CLEANS = frozenset(
    words_of(
        "dropna fillna drop_duplicates dropDuplicates drop_nulls fill_null fill_nan interpolate bfill ffill clip winsorize to_numeric replace_schema"
        " unique_rows na_drop clean_names remove_empty duplicated isna isnull notna notnull is_null is_not_null between quantile coalesce to_datetime"
        " normalize strip lower regexp_replace replace nan_to_num isnan strip_accents zscore unescape sub"
    )
)
SURE = frozenset(
    words_of(
        "dropna fillna drop_duplicates dropDuplicates drop_nulls fill_null fill_nan clip nan_to_num winsorize clean_names remove_empty"
    )
)
OF_TEXT = frozenset(words_of("strip lower sub replace normalize unescape strip_accents regexp_replace"))
CLEANING = Lazy(
    r"(?:^|_)(?:clean\w*|cleanse|scrub|sanitiz\w*|tidy|dedup\w*|drop_(?:na|null|duplicate|missing|invalid|outlier|empty|bad)\w*|remove_(?:outlier|duplicate|null|missing|invalid|nan|empty|stop|bad|noise)\w*"
    r"|impute\w*|fill_(?:missing|na|null|gaps)\w*|handle_missing\w*|filter_(?:outlier|invalid|bad)\w*|pre_?process\w*|normali[sz]e_(?:text|columns?|names?|rows?|table)\w*|prepare\w*|standardi[sz]e\w*|fix_\w+)(?:_|$)",
    re.I,
)
STRICT = Lazy(r"clean|scrub|dedup|remove_|drop_|fill_|impute|missing|outlier|pre_?process|prepare", re.I)
OPS = Lazy(r"(?:^|[.?~\]])(?:df|data|frame|rows|table|ds|dataset|\w*_(?:df|data|frame))?(?:\[\]|\(\))?\.?\w*$")


def cleaning_pipeline(project: Project, reach: Reach) -> Iterator[Finding]:
    """Find functions that clean data and that a script or a pipeline stage reaches.

    Bad: `df.dropna()` in a cell of a notebook, a helper that nothing calls, a request handler that strips a name.
    Good: `clean(pd.read_csv(path))` in the script of a stage, where `clean` drops duplicates and fills gaps.
    """
    look = lookup_of(project)
    for place, cleaned in _cleaning(look):
        wiring = reach.of(place.path, place.index)
        names = ", ".join(sorted(cleaned)[:4])
        if wiring.wired_by is not None:
            yield at_place("cleaning-pipeline", "function", place, f"{place.definition.name}() cleans data ({names})")
        else:
            message = f"{place.definition.name}() cleans data, but no script or stage reaches it"
            yield at_place("cleaning-pipeline", "unreached", place, message, Strength.DECLARED)


def _cleaning(look: Lookup) -> Iterator[tuple[Place, set[str]]]:
    """Yield the functions that clean, with what they clean by."""
    code = look.code
    for path in look.own:
        roots = look.imported[path]
        if kind_of(path) is not Kind.PYTHON:
            continue
        tables = bool(roots & TABLES)
        known = code.files[path]
        if not tables and "re" not in roots and "unicodedata" not in roots and "html" not in roots:
            continue
        for index, body in enumerate(known.definitions):
            if body.kind == "class":
                continue
            named = bool(CLEANING.search(body.name))
            said = code.body(path, index)
            used = {last_of(call.name) for call in said.calls} & CLEANS
            sure = used & SURE if tables else set()
            enough = len(sure) >= 2 or (
                named and (bool(sure) or (tables and len(used - OF_TEXT) >= 1 and _drops(said.operations, used)))
            )
            text = (
                named
                and bool(re.search(r"clean|normali[sz]e_text|pre_?process|scrub", body.name, re.I))
                and len(used & OF_TEXT) >= 2
            )
            if enough or text:
                yield Place(path, index, body), used


def _drops(operations: list[tuple[str, int]], used: set[str]) -> bool:
    return bool(
        used
        & {
            "isna",
            "isnull",
            "notna",
            "notnull",
            "is_null",
            "is_not_null",
            "between",
            "duplicated",
            "quantile",
            "isnan",
            "to_numeric",
            "to_datetime",
            "zscore",
            "interpolate",
            "ffill",
            "bfill",
            "coalesce",
        }
    ) or bool(operations and used)


WHOLE = Lazy(
    r"sklearn\.compose\.(?:_column_transformer\.)?(?:ColumnTransformer|make_column_transformer)$|sklearn\.pipeline\.(?:FeatureUnion|make_union)$"
    r"|feature_engine\.\w+(?:\.\w+)*\.[A-Z]\w+$|tensorflow_transform\.\w+|tensorflow\.feature_column\.(?!numeric_column)\w+$|(?:tensorflow\.)?keras\.layers\.(?:experimental\.preprocessing\.)?(?:Normalization|StringLookup|IntegerLookup|Discretization|CategoryEncoding|Hashing|TextVectorization)$"
    r"|(?:tensorflow\.)?keras\.utils\.FeatureSpace$|pyspark\.ml\.feature\.(?:VectorAssembler|StringIndexer|OneHotEncoder|StandardScaler|Bucketizer|Imputer|HashingTF|IDF|Tokenizer)$"
    r"|feast\.(?:FeatureView|FeatureStore|StreamFeatureView|OnDemandFeatureView|on_demand_feature_view\.on_demand_feature_view)$|feast\.FeatureStore\(\)\.\w+$|hopsworks\..*|tecton\.|hsfs\."
    r"|sagemaker\.feature_store\.\w+(?:\.\w+)*$|vertexai\..*Feature\w+|google\.cloud\.aiplatform\..*[Ff]eature[Ss]tore\w*|sklearn_pandas\.DataFrameMapper$|featuretools\.(?:dfs|calculate_feature_matrix)$"
    r"|nvtabular\.(?:Workflow|ops\.\w+)$|tsfresh\.(?:extract_features|extract_relevant_features)$|databricks\.feature_\w+\..*"
)
WHOLE_ROOTS = words_of(
    "sklearn feature_engine tensorflow_transform tensorflow keras pyspark feast hopsworks tecton hsfs sagemaker vertexai google sklearn_pandas featuretools"
    " nvtabular tsfresh databricks"
)
PIPE = Lazy(r"(?:sklearn|imblearn)\.pipeline\.(?:Pipeline|make_pipeline)$|pyspark\.ml\.(?:pipeline\.)?Pipeline$")
TRANSFORMS = Lazy(
    r"sklearn\.preprocessing\.(?:_\w+\.)?(?!LabelEncoder|LabelBinarizer)[A-Z]\w+$|sklearn\.feature_extraction\.\w+\.\w+$|sklearn\.feature_extraction\.DictVectorizer$|sklearn\.impute\.\w+$"
    r"|sklearn\.decomposition\.\w+$|sklearn\.feature_selection\.\w+$|category_encoders\.(?:\w+\.)?\w+$|pyspark\.ml\.feature\.\w+$"
)
TRANSFORMER = Lazy(
    r"sklearn\.base\.TransformerMixin$|pyspark\.ml\.Transformer$|feature_engine\.\w+.*|tensorflow_transform\."
)
FEATURES = Lazy(
    r"(?:^|_)(?:features?|featuri[sz]e\w*|encode\w*|vectori[sz]e\w*|transform\w*|tokeni[sz]e\w*|pre_?process\w*|lags?|embed\w*|extract_features|build_features|make_features)(?:_|$)",
    re.I,
)
TRAINS = Lazy(r"(?:^|[_/])(?:train\w*|fit\w*|training)(?:[_./]|$)", re.I)
SERVES = Lazy(
    r"(?:^|[_/])(?:serv\w*|predict\w*|infer\w*|score|scoring|api|app|online|handler|endpoint)(?:[_./]|$)", re.I
)


def feature_pipeline(project: Project) -> Iterator[Finding]:
    """Find features made by fitted transformers, by a feature store, or by one function that training and serving share.

    Bad: `pd.get_dummies(df)` in a notebook, a scaler beside the model that serving does not know.
    Good: a `ColumnTransformer` in the pipeline that is saved, `features(row)` called by train.py and by the route.
    """
    look = lookup_of(project)
    seen: set[tuple[str, int]] = set()
    for site in look.rooted(WHOLE, *WHOLE_ROOTS):
        key = (site.path, site.call.scope)
        if key not in seen and role_of(site.path) is not Role.TEST:
            seen.add(key)
            yield at_call("feature-pipeline", "transformers", site, f"features are made by {last_of(site.name)}")
    yield from _piped(look, seen)
    yield from _own_transformers(look)
    yield from _shared(look)


def _piped(look: Lookup, seen: set[tuple[str, int]]) -> Iterator[Finding]:
    """Find pipelines that hold transformers made where the pipeline is put together."""
    made: dict[tuple[str, int], list[Site]] = defaultdict(list)
    for site in look.rooted(TRANSFORMS, "sklearn", "category_encoders", "pyspark"):
        made[site.path, site.call.scope].append(site)
    for site in look.rooted(PIPE, "sklearn", "imblearn", "pyspark"):
        key = (site.path, site.call.scope)
        near = [one for one in made[key] if abs(one.call.line - site.call.line) <= 40]
        if near and key not in seen:
            seen.add(key)
            yield at_call(
                "feature-pipeline",
                "pipeline",
                site,
                f"{last_of(near[0].name)} is part of a pipeline that is fitted as one",
            )


def _own_transformers(look: Lookup) -> Iterator[Finding]:
    code = look.code
    for place in code.classes():
        if not place.definition.bases:
            continue
        if any(TRANSFORMER.match(name) for name in code.project.ancestors(place.path, place.definition)):
            named = {body.name for _, body in methods(code.files[place.path], place.index) if body.statements}
            if named & {"transform", "_transform"}:
                yield at_place(
                    "feature-pipeline", "own-transformer", place, f"{place.definition.name} is a transformer of its own"
                )


def _shared(look: Lookup) -> Iterator[Finding]:
    """Find functions that make features and that both a training and a serving file call."""
    code = look.code
    fits = {site.path for site in look.ending("fit", "partial_fit", "fit_generator", "backward", "train")}
    serves = {
        one.place.path
        for one in look.decorated
        if re.search(r"\.(?:get|post|route|put|api_route|api)(?:\(\))?$", one.name)
    }
    serves |= {site.path for site in look.ending("predict", "predict_proba", "run", "InferenceSession")}
    for place in code.functions():
        if (
            not FEATURES.search(place.definition.name)
            or role_of(place.path) is not Role.OWN
            or place.definition.statements == 0
        ):
            continue
        if kind_of(place.path) is not Kind.PYTHON or place.definition.name.startswith("__"):
            continue
        name = f"{code.project.module_of(place.path)}."
        known, index = code.files[place.path], int(place.index)
        parent = known.definitions[index].parent
        whole = (
            name
            + (
                f"{known.definitions[parent].name}()."
                if parent >= 0 and known.definitions[parent].kind == "class"
                else ""
            )
            + place.definition.name
        )
        users = {site.path for site in code.named(whole)}
        training = {path for path in users if path in fits and (TRAINS.search(path) or path not in serves)}
        serving = {path for path in users if path in serves and (SERVES.search(path) or path not in fits)}
        if training - serving and serving - training:
            first, second = min(training - serving), min(serving - training)
            yield at_place(
                "feature-pipeline",
                "shared",
                place,
                f"{place.definition.name}() makes features for {first} and {second}",
            )
