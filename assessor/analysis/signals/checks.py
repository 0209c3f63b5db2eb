"""Tests over data, and checks that somebody switched off."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.configuration import test_runs
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import last_of, lookup_of
from assessor.analysis.signals.runs import test_run
from assessor.analysis.signals.sites import at_call
from assessor.analysis.signals.told import told

__all__ = ["dataset_checks", "disabled_checks"]

READS = Lazy(
    r"(?:pandas|polars|dask\.dataframe|geopandas|cudf|modin\.pandas)\.(?:read_\w+|scan_\w+)$|datasets\.load_(?:dataset|from_disk)$|numpy\.(?:load|loadtxt|genfromtxt)$|csv\.(?:DictReader|reader)$"
    r"|pyarrow\.\w+\.read_\w+$|pyarrow\.parquet\.\w+|.*\.read\.(?:csv|parquet|json|table)$|duckdb\.(?:read_\w+|sql|query)$|great_expectations\.read_\w+$|jsonlines\.open$|.*\.iter_jsonl$"
)
LOADER = Lazy(
    r"(?:load|read|fetch)_?(?:\w*(?:data|dataset|df|frame|rows|table|csv|parquet|train|samples|corpus|raw|features)\w*)?$",
    re.I,
)
STRONG = Lazy(
    r".*(?:\.columns|\.dtypes?|\.isnull|\.isna|\.notnull|\.notna|\.duplicated|\.between|\.isin|\.nunique|\.is_unique|\.shape|\.mean|\.std|\.min|\.max|\.quantile|\.value_counts|\.median|\.null_count|\.features|\.describe|\.unique)\b"
    r"|scipy\.stats\.\w+|numpy\.(?:isnan|isfinite)$"
)
EXPECTS = Lazy(
    r"pandera\..*\.validate$|great_expectations\..*|deepchecks\..*\.run$|tensorflow_data_validation\.validate_statistics$|evidently\.test_suite\..*|.*\.expect_(?:column|table)_\w+$|.*\.run_checkpoint$|whylogs\..*constraints.*|soda\..*"
)
EXPECTED = Lazy(r".*\.expect_(?:column|table)_\w+$|great_expectations\.")
TEMPORARY = Lazy(r"tmp|temp|StringIO|BytesIO|fixtures?|\bio\b", re.I)


def dataset_checks(project: Project) -> Iterator[Finding]:
    """Find tests that read data and assert on its columns, gaps, ranges or distributions.

    Bad: unit tests of a cleaning function on three rows made in the test. Good: `rows = pd.read_csv("data/orders.csv")`
    and `assert rows["price"].between(0, 1e5).all()`.
    """
    run = test_run(project)
    for path, known in project.python.items():
        if role_of(path) is not Role.TEST or kind_of(path) is not Kind.PYTHON:
            continue
        if not _may_read(known):
            continue
        for index, line, message in _checked(project, path, known):
            body = known.definitions[index]
            yield Finding(
                "dataset-checks",
                "test",
                path,
                line,
                f"{body.name}() {message}",
                Strength.USED,
                body.end_line,
                setting=Setting.TEST,
                wired_by=run.wired_by if run else None,
                verified_by=run.verified_by if run else None,
            )


def _may_read(known: PythonFacts) -> bool:
    return bool(known.assertions) or any("expect_" in call.name or ".validate" in call.name for call in known.calls)


def _checked(project: Project, path: str, known: PythonFacts) -> Iterator[tuple[int, int, str]]:
    """Yield the tests of a file that look at data, with the line and what they do."""
    calls: dict[int, list[str]] = defaultdict(list)
    for call in known.calls:
        calls[call.scope].append(project.resolve(path, call.name))
    reading = {scope for scope, names in calls.items() if any(READS.match(name) for name in names)}
    fixtures = {
        known.definitions[scope].name
        for scope in reading
        if scope >= 0 and any("fixture" in name for name, _ in known.definitions[scope].decorators)
    }
    helpers = {known.definitions[scope].name for scope in reading if scope >= 0}
    asserted: dict[int, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    for one in known.assertions:
        asserted[one.scope].append((one.line, one.subjects))
    for index, body in enumerate(known.definitions):
        if body.kind == "class" or not body.name.lower().startswith("test"):
            continue
        names = calls[index]
        said = [name for name in names if EXPECTS.match(name)]
        reads = (
            index in reading
            or -1 in reading
            or bool(helpers & {last_of(name) for name in names})
            or (bool(fixtures) and body.parameters > 0)
        )
        own = [name for name in names if _own_function(project, name) and last_of(name) not in helpers]
        loads = [name for name in own if LOADER.match(last_of(name))]
        expected = any(EXPECTED.match(name) for name in said)  # what a fixture of another file gives is data too
        if len(own) > len(loads) or not (reads or loads or expected) or any(TEMPORARY.search(name) for name in names):
            continue
        line = next((line for line, subjects in asserted[index] if _looks(names, subjects, bool(reads))), None)
        if said:
            yield index, body.line, "holds data against expectations"
        elif line is not None:
            yield index, line, "asserts on the data itself"


def _looks(names: list[str], subjects: tuple[str, ...], reads: bool) -> bool:
    if any(STRONG.match(name) for name in subjects):
        return True
    return reads and bool(subjects or names) and any(STRONG.match(name) for name in names)


def _own_function(project: Project, name: str) -> bool:
    place = project.definition(name) or project.definition(name.rpartition(".")[0])
    return place is not None and role_of(place.path) is Role.OWN


UNVERIFIED = Lazy(
    r"(?:requests|httpx|boto3|botocore|urllib3|aiohttp|hvac|minio|elasticsearch|opensearchpy|niquests|httplib2)\b.*|\?[\w.]*(?:session|client|http|requests?|boto\w*|s3\w*)(?:\(\))?\.(?:get|post|put|patch|delete|request|client|resource|head|create_client|send)$"
)
SWITCHES = ("verify", "verify_ssl", "verify_certs", "ssl", "disable_ssl_certificate_validation")
CONTEXT = Lazy(r"ssl\._create_unverified_context$")
SKIPPED = Lazy(r"pytest\.mark\.skip(?:\(\))?$|unittest\.skip(?:\(\))?$")
MOST_SKIPPED = 3


def disabled_checks(project: Project) -> Iterator[Finding]:
    """Find checks that were switched off: test steps that cannot fail, skipped suites, certificates that nobody verifies.

    Bad for the project: `pytest || true`, `pytestmark = pytest.mark.skip`, `requests.get(url, verify=False)`.
    Nothing: one skipped test with a reason, `rm -rf build || true`, `verify=settings.verify`.
    """
    seen: set[tuple[str, int]] = set()
    working = {(ran.path, ran.text) for ran in test_runs(project) if ran.can_fail}
    for ran in test_runs(project):
        if not ran.can_fail and (ran.path, ran.line) not in seen and (ran.path, ran.text) not in working:
            seen.add((ran.path, ran.line))
            message = f"runs the tests ({ran.text[:60]}), and their failure is ignored"
            yield told("disabled-checks", "tests", ran.path, ran.line, message)
    yield from _skipped(project)
    look = lookup_of(project)
    for site in look.keyed(*SWITCHES):
        given = dict(site.call.keywords)
        off = next((key for key in SWITCHES if given.get(key) is False), None)
        if off and role_of(site.path) is Role.OWN and UNVERIFIED.match(site.name):
            if off == "ssl" and not re.search(r"aiohttp|TCPConnector", site.name):
                continue
            yield at_call(
                "disabled-checks", "certificate", site, f"{off}=False: the other side's certificate is not checked"
            )
    for site in look.rooted(CONTEXT, "ssl"):
        if role_of(site.path) is Role.OWN:
            yield at_call("disabled-checks", "certificate", site, "certificates are not checked")


def _skipped(project: Project) -> Iterator[Finding]:
    """Find files of tests that are skipped as a whole, unconditionally."""
    for path, known in project.python.items():
        if role_of(path) is not Role.TEST:
            continue
        line = next(
            (
                one.line
                for one in known.assigns
                if one.target == "pytestmark" and one.scope == -1 and _skips(project, path, one.value)
            ),
            None,
        )
        tests = [one for one in known.definitions if one.kind != "class" and one.name.startswith("test")]
        skipped = [
            one for one in tests if any(SKIPPED.match(project.resolve(path, name)) for name, _ in one.decorators)
        ]
        if line is None and len(tests) >= MOST_SKIPPED and len(skipped) == len(tests):
            line = skipped[0].line
        if line is not None:
            yield Finding(
                "disabled-checks",
                "skipped",
                path,
                line,
                "a whole file of tests is skipped",
                Strength.USED,
                setting=Setting.TEST,
            )


def _skips(project: Project, path: str, value: object) -> bool:
    return isinstance(value, str) and bool(SKIPPED.match(project.resolve(path, value.lstrip("="))))
