"""Layer 3: data that is checked where the pipeline runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Place, at_call, at_place, code_of

APPLIED = Lazy(
    r"pandera(?:\.\w+)?\.(?:DataFrameSchema|SeriesSchema|infer_schema)\(\)(?:\..*)?\.(?:validate|__call__)$|pandera(?:\.\w+)?\.(?:DataFrameSchema|SeriesSchema)\(\)\(\)$"
    r"|pandera(?:\.\w+)?\.(?:check_types|check_input|check_output|check_io)(?:\(\))?$"
    r"|(?:great_expectations|gx)\b.*\.(?:run_checkpoint|run_validation_operator|validate|run|expect_\w+)$|great_expectations\.from_pandas\(\)\."
    r"|great_expectations\.dataset\.\w+\(\)\.\w+$"
    r"|tensorflow_data_validation\.(?:validate_statistics|validate_examples_in_\w+|validate_instance|detect_feature_skew)$|tfx\.components\.ExampleValidator$"
    r"|tfx\.v1\.components\.ExampleValidator$|deepchecks\.\w+(?:\.\w+)*\(\)\.run$|evidently\.test_suite\.TestSuite\(\)\.run$|evidently\.tests\."
    r"|frictionless\.(?:validate|Resource\(\)\.validate)|cerberus\.Validator\(\)\.validate$|jsonschema\.(?:validate|\w*Validator\(\)\.(?:validate|iter_errors|is_valid))$"
    r"|soda\.scan\.Scan\(\)\.execute$|whylogs\.core\.constraints\..*|whylogs\..*\.(?:validate|generate_constraints_report)$|pointblank\.Validate\(\)"
    r"|schema\.Schema\(\)\.validate$|voluptuous\.Schema\(\)\(\)$|pydeequ\.|dataframely\.|patito\..*\.validate$|pyspark\.pandas\..*validate|marshmallow\..*\(\)\.load$"
)
DECLARED = Lazy(
    r"pandera(?:\.\w+)?\.(?:DataFrameSchema|SeriesSchema)$|tensorflow_data_validation\.(?:infer_schema|load_schema_text)$"
)
ROWS = Lazy(r".*\.(?:model_validate|parse_obj|validate_python|model_validate_json|parse_raw)$")
READS = Lazy(
    r"csv\.(?:DictReader|reader)|pandas\.(?:read_\w+|DataFrame)|json\.load\w*$|jsonlines|pyarrow|polars\.|datasets\.load_dataset|.*\.(?:iterrows|itertuples|to_dict)$|open$"
)
CHECKED_FRAME = Lazy(
    r"(?:^|_)(?:validate|validation|check|verify|assert|ensure|sanity)(?:_|$)|(?:schema|quality|integrity)",
    re.IGNORECASE,
)
FRAME = Lazy(
    r"(?:^|[?~.])(?:\w*_)?(?:df|frame|data|dataset|table|rows?|batch|records?|data_?frame|features|sample\w*|x_train|input_data)(?:[.\[]|$)",
    re.IGNORECASE,
)
TABLE = Lazy(r"(?:pandas|polars|pyspark\.sql|dask\.dataframe|pyarrow)\.(?:DataFrame|LazyFrame|Table)\(\)")
LOOKS = Lazy(
    r".*(?:\.columns|\.dtypes?|\.isnull|\.isna|\.notnull|\.duplicated|\.between|\.isin|\.nunique|\.is_unique|\.hasnans|\.shape|\.keys|\.select_dtypes)\b"
)
ROUTED = Lazy(r".*\(\)\.(?:get|post|put|patch|delete|route|websocket|api_route)(?:\(\))?$")


def data_validation(project: Project) -> Iterator[Finding]:
    """Find data that is held against a schema or expectations where it is used, with a way to fail.

    Bad: request models, argument checks, a validation loss. Good: `ORDERS.validate(pd.read_csv(path))`.
    """
    code = code_of(project)
    for site in code.calls(APPLIED):
        if not site.name.startswith(("jsonschema", "cerberus", "marshmallow", "schema.", "voluptuous")) or _reads_data(
            code, site.path, site.call.scope
        ):
            yield at_call("data-validation", "applied", site, "data is held against a schema")
    for site in code.calls(DECLARED):
        yield at_call("data-validation", "declared", site, "a schema is declared", Strength.DECLARED)
    yield from _model_methods(code)
    yield from _pydantic_rows(code)
    yield from _own_checks(code)


def _model_methods(code: Code) -> Iterator[Finding]:
    """Find pandera models that are applied by their class: Schema.validate(frame), DataFrame[Schema]."""
    for place in code.classes():
        if not any(
            re.match(r"pandera\b.*(?:DataFrameModel|SchemaModel)$", name)
            for name in code.project.ancestors(place.path, place.definition)
        ):
            continue
        name = f"{code.project.module_of(place.path)}.{place.definition.name}"
        applied = [*code.named(f"{name}.validate"), *code.named(f"{name}.to_schema().validate"), *code.named(name)]
        if applied:
            yield at_call("data-validation", "model", applied[0], f"data is held against {place.definition.name}")
        else:
            yield at_place("data-validation", "model", place, f"{place.definition.name} is declared", Strength.DECLARED)


def _pydantic_rows(code: Code) -> Iterator[Finding]:
    for site in code.calls(ROWS):
        known = code.files[site.path]
        scope = site.call.scope
        if scope >= 0 and any(
            ROUTED.match(code.project.resolve(site.path, name)) for name, _ in known.definitions[scope].decorators
        ):
            continue
        handled = any(
            one.scope == scope and any("ValidationError" in name for name in one.catches) for one in known.handlers
        )
        if handled and _reads_data(code, site.path, scope):
            yield at_call("data-validation", "rows", site, "each row is validated, and what fails is told apart")


def _reads_data(code: Code, path: str, scope: int) -> bool:
    calls = code.calls_within(path, scope) if scope >= 0 else code.body(path, -1).calls
    return any(READS.match(code.project.resolve(path, call.name)) for call in calls)


def _own_checks(code: Code) -> Iterator[Finding]:
    """Find functions that look at the columns, types or gaps of a table and raise, exit or refuse."""
    for place in code.functions():
        body = place.definition
        if not CHECKED_FRAME.search(body.name) or not body.parameters:
            continue
        said = code.body(place.path, place.index)
        mentions = [*(one.name for one in said.references), *(one.name for one in said.calls)]
        looked = {name for name in mentions if LOOKS.match(name)}
        tables = any(FRAME.search(name) or TABLE.match(name) for name in looked)
        if looked and tables and _fails(code, place) and _uses_tables(code, place.path):
            yield at_place(
                "data-validation", "own-check", place, f"{body.name}() looks at a table and refuses what does not fit"
            )


def _fails(code: Code, place: Place) -> bool:
    known = code.files[place.path]
    if place.index in known.raising:
        return True
    said = code.body(place.path, place.index)
    return bool(said.assertions) or any(call.name in ("sys.exit", "exit", "quit") for call in said.calls)


def _uses_tables(code: Code, path: str) -> bool:
    return any(
        re.match(r"(?:pandas|polars|pyspark|dask|pyarrow|numpy|tensorflow|datasets)\b", one.name)
        for one in code.files[path].imports
    )
