"""Layer 3: data and model files whose versions something keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from assessor.analysis.facts.configuration_model import PaperFacts, PipelineFacts, TrackedFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of, texts_given
from assessor.analysis.signals.sites import Site, at_call, at_place
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["data_versioning"]

POINTER = 1_024
"""The most bytes of what git-lfs leaves in place of a file."""

FETCHES = Lazy(
    r"\bdvc\s+(?:\S+\s+){0,2}(?:pull|fetch|repro|checkout|exp\s+run|import|get|update)\b|\bgit\s+lfs\s+(?:pull|fetch)\b"
)
LAKES = Lazy(
    r"lakefs(?:_client|_sdk|_spec)?\.|dvc\.api\.(?:open|read|get_url|DVCFileSystem)$|dvc\.repo\.Repo|deltalake\.(?:write_deltalake|DeltaTable(?:\(\)\..*)?)$|delta\.(?:tables\.)?DeltaTable\."
    r"|python_pachyderm\.|pachyderm_sdk\.|quilt3?\.(?:Package|data_package)|hub\.|deeplake\..*\.commit$|clearml\.Dataset\.(?:create|get)$|clearml\.Dataset\.\w+\(\)\.(?:finalize|upload|add_files)$"
    r"|mlflow\.(?:data\.\w+|log_input)$|pyiceberg\.|layer\.dataset|comet_ml\.Artifact$|neptune\..*\.track_files$|dolt\w*\.|hopsworks\..*"
)
LAKE_ROOTS = words_of(
    "lakefs lakefs_client lakefs_sdk lakefs_spec dvc deltalake delta python_pachyderm pachyderm_sdk quilt quilt3 deeplake clearml mlflow pyiceberg"
    " comet_ml neptune doltcli dolt"
)
AZURE_SET = Lazy(
    r"(?:\??[\w.()\[\]]*(?:dataset|Dataset|data_asset|from_delimited_files|from_files|from_parquet_files)[\w.()\[\]]*|azureml\.core\..*Dataset.*)\.register$"
)
AZURE_DATA = Lazy(r"azure\.ai\.ml\.entities\.Data$")
WANDB = Lazy(r"wandb\.(?:sdk\.\w+\.)?Artifact$")
HOPS = Lazy(r".*\.(?:create_training_data|create_train_test_split|get_or_create_feature_group|create_feature_group)$")
HASHES = Lazy(r"hashlib\.\w+(?:\(\))?$|xxhash\.\w+$|joblib\.hash$|pandas\.util\.hash_pandas_object$")
OF_DATA = Lazy(r"(?:data|dataset|file|csv|frame|table|corpus|rows)", re.I)
KEEPS = Lazy(
    r"(?:mlflow\.(?:log_param|log_params|set_tag|set_tags|log_dict)|wandb\.\w[\w.]*|json\.dump|yaml\.(?:safe_)?dump|\?[\w.]*(?:write|write_text|writerow|execute|insert|log_param|set_tag))$"
)


def data_versioning(project: Project) -> Iterator[Finding]:
    """Find data or model files whose versions DVC, git-lfs, a lake or a platform keeps, and hashes that are recorded.

    Bad: `.dvc/config` alone, `*.dvc` in .gitignore, a CSV in git. Good: `data/rows.csv.dvc` with its hash, an LFS rule that
    a file follows, `write_deltalake(path, rows)`, `dataset.register(name="orders")`.
    """
    yield from _tracked(project)
    yield from _large_files(project)
    yield from _kept_in_lakes(lookup_of(project))
    yield from _hashed(lookup_of(project))


def _tracked(project: Project) -> Iterator[Finding]:
    fetched = _fetched(project)
    needed = {
        need.removeprefix("./")
        for known in project.of(PipelineFacts).values()
        for one in known.stages
        for need in one.needs
    }
    for path, tracked in project.of(TrackedFacts).items():
        for name, digest, line in tracked.outputs:
            if digest and role_of(path) is Role.OWN:
                folder = path.rpartition("/")[0]
                whole = f"{folder}/{name}" if folder else name
                wired = fetched or ("a stage of dvc.yaml takes it" if whole in needed else None)
                yield told("data-versioning", "dvc", path, line, f"DVC keeps {name} by its hash", Strength.USED, wired)
    for path, known in project.of(PipelineFacts).items():
        lock = project.entries.get(path.rpartition("/")[0] + "/dvc.lock" if "/" in path else "dvc.lock")
        stage = next((one for one in known.stages if one.outputs), None)
        if known.system == "dvc" and stage is not None and lock is not None and lock.size > 60:
            message = f"dvc.lock records what {stage.name} makes by its hash"
            yield told("data-versioning", "dvc-lock", lock.path, 1, message, Strength.USED, fetched)


def _fetched(project: Project) -> str | None:
    """Return what brings tracked files: a step of CI, or another command that configuration runs."""
    for ran in steps_of(project).ran:
        if FETCHES.search(" ".join(ran.words)):
            return f"{ran.path}:{ran.line} brings it"
    for command in project.commands:
        if "dvc" in command.text and FETCHES.search(command.text) and role_of(command.path) is Role.OWN:
            return f"{command.path}:{command.line} brings it"
    return None


def _large_files(project: Project) -> Iterator[Finding]:
    for path, known in project.of(PaperFacts).items():
        if known.kind != "large-files":
            continue
        folder = path.rpartition("/")[0]
        for pattern, line in known.points:
            kept = next(
                (
                    one
                    for one in project.entries.values()
                    if one.size <= POINTER and _follows(one.path, folder, pattern)
                ),
                None,
            )
            if kept is not None:
                message = f"git-lfs keeps {kept.path} by its hash"
                yield told(
                    "data-versioning", "lfs", path, line, message, Strength.USED, f"{path}:{line} holds for {kept.path}"
                )
            else:
                yield told(
                    "data-versioning", "lfs", path, line, "a rule of git-lfs that no file follows", Strength.MENTIONED
                )


def _follows(path: str, folder: str, pattern: str) -> bool:
    if folder and not path.startswith(folder + "/"):
        return False
    inner = path[len(folder) + 1 :] if folder else path
    pattern = pattern.lstrip("/").replace("**/", "*").replace("/**", "/*")
    if kind_of(path) in (Kind.PYTHON, Kind.MARKDOWN) or path.endswith(".gitattributes"):
        return False
    return fnmatchcase(inner, pattern) or ("/" not in pattern and fnmatchcase(inner.rpartition("/")[2], pattern))


def _kept_in_lakes(look: Lookup) -> Iterator[Finding]:
    for site in look.rooted(LAKES, *LAKE_ROOTS):
        yield at_call("data-versioning", "lake", site, f"{site.name.partition('.')[0]} keeps versions of the data")
    for site in look.rooted(WANDB, "wandb"):
        kind = dict(site.call.keywords).get("type") or (site.call.arguments[1:2] or (None,))[0]
        if (
            isinstance(kind, str)
            and re.search(r"data|table|corpus", kind)
            and _logged(look, site, "log_artifact", "use_artifact", "save")
        ):
            yield at_call("data-versioning", "artifact", site, "a data set is logged as a versioned artefact")
    for site in look.ending("register", pattern=AZURE_SET):
        if {"name", "create_new_version"} & {key for key, _ in site.call.keywords}:
            yield at_call("data-versioning", "registered", site, "a version of the data set is registered")
    for site in look.rooted(AZURE_DATA, "azure"):
        yield at_call("data-versioning", "registered", site, "a version of the data set is registered")
    for site in look.ending(
        "create_training_data",
        "create_train_test_split",
        "get_or_create_feature_group",
        "create_feature_group",
        pattern=HOPS,
    ):
        if "version" in dict(site.call.keywords):
            yield at_call("data-versioning", "feature-store", site, "a feature store keeps versions of the data")
    for site in look.ending("option", "format", "save", "load"):
        texts = texts_given(site)
        if texts[:1] in (["versionAsOf"], ["timestampAsOf"]) or (
            texts[:1] == ["delta"] and last_of(site.name) == "format"
        ):
            yield at_call("data-versioning", "delta", site, "a Delta table keeps versions of the data")


def _logged(look: Lookup, site: Site, *verbs: str) -> bool:
    return any(last_of(call.name) in verbs for call in look.code.files[site.path].calls)


def _hashed(look: Lookup) -> Iterator[Finding]:
    """Find functions that hash a data file, where the same file or who calls them keeps the hash."""
    code = look.code
    for site in look.rooted(HASHES, "hashlib", "xxhash", "joblib", "pandas"):
        scope = site.call.scope
        known = code.files[site.path]
        name = known.definitions[scope].name if scope >= 0 else ""
        if not re.search(r"hash|digest|checksum|fingerprint|version|md5|sha", name, re.I) or not OF_DATA.search(name):
            continue
        whole = f"{code.project.module_of(site.path)}.{name}"
        callers = [*code.named(whole)]
        kept = any(
            KEEPS.match(code.project.resolve(one.path, call.name))
            for one in callers
            for call in code.body(one.path, one.call.scope).calls
        )
        if kept:
            place = next(one for one in code.functions() if one.path == site.path and one.index == scope)
            yield at_place("data-versioning", "hash", place, f"{name}() hashes data, and the hash is recorded")
