"""Say what one file contains, computed once per blob and kept by blob id: no opinion, no knowledge of other files."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from assessor.analysis.facts import configuration_model as configured
from assessor.analysis.facts import model
from assessor.analysis.facts.model import FileFacts, Skipped
from assessor.analysis.paths import Kind, Role, kind_of, role_of

__all__ = ["EXTRACTORS", "FACTS_VERSION", "FileFacts", "Skipped", "decode", "encode", "extract", "wanted"]

FACTS_VERSION = "4"
"""Raised with every change of what extractors find or how facts are written: kept facts of another version are not read."""

EXTRACTORS: dict[Kind, str] = {
    Kind.PYTHON: "python.read_python",
    Kind.NOTEBOOK: "notebook.read_notebook",
    Kind.DOCKERFILE: "docker.read_dockerfile",
    Kind.COMPOSE: "manifests.read_compose",
    Kind.WORKFLOW: "workflows.read_workflow",
    Kind.YAML: "manifests.read_yaml",
    Kind.REQUIREMENTS: "dependencies.read_requirements",
    Kind.PYPROJECT: "dependencies.read_pyproject",
    Kind.SETUP: "settings.read_ini",
    Kind.TOML: "dependencies.read_toml",
    Kind.JSON: "manifests.read_json",
    Kind.LOCK: "dependencies.read_lock",
    Kind.SHELL: "shell.read_shell",
    Kind.MAKEFILE: "settings.read_recipe",
    Kind.LOAD: "loads.read_load",
}
"""The reader of each kind, imported at its first file: a process that meets Python alone starts without the others."""

TEXTS = frozenset({Kind.ENV, Kind.MARKDOWN, Kind.SOURCE})
"""Kinds that are read for secrets alone."""

TEXT_NAME = re.compile(
    r"(.*/)?([^./]+|[^/]*\.(txt|conf|config|properties|xml|plist|tfvars|pem|key|ppk|npmrc|pypirc|netrc|htpasswd|credentials|secrets?|token|service|local|tmpl|in))",
    re.IGNORECASE,
)
"""Names of other kinds that hold text."""

PAPERS = re.compile(
    r"(?:.*/)?(?:\.gitattributes|codeowners|[^/]*\.proto|[^/]*(?:card|sheet|model_?info)[^/]*\.(?:md|markdown|rst|txt|html)"
    r"|(?:model|data|dataset)[-_]?cards?/[^/]+\.(?:md|markdown|rst)"
    r"|(?:changelog|changes|history|news|releases?|release[-_ ]?notes)(?:\.(?:md|markdown|rst|txt|adoc))?)",
    re.IGNORECASE,
)
"""Names of papers that papers.py may read."""

_RECORDS: dict[str, type[Any]] = {
    "python": model.PythonFacts,
    "workflow": configured.WorkflowFacts,
    "docker": configured.DockerFacts,
    "compose": configured.ComposeFacts,
    "manifest": configured.ManifestFacts,
    "pipeline": configured.PipelineFacts,
    "tracked": configured.TrackedFacts,
    "watch": configured.WatchFacts,
    "dependencies": configured.DependencyFacts,
    "lock": configured.LockFacts,
    "project": configured.ProjectFacts,
    "hooks": configured.HooksFacts,
    "recipe": configured.RecipeFacts,
    "parameters": configured.ParametersFacts,
    "paper": configured.PaperFacts,
    "load": configured.LoadFacts,
}
_TAGS = {record: tag for tag, record in _RECORDS.items()}


def wanted(path: str) -> bool:
    """Tell whether a file of this name can give facts or hold secrets."""
    kind = kind_of(path)
    if kind in EXTRACTORS or PAPERS.fullmatch(path):
        return True
    if kind not in TEXTS and not (kind is Kind.OTHER and TEXT_NAME.fullmatch(path)):
        return False
    return role_of(path) not in (Role.TEST, Role.VENDORED, Role.GENERATED)


def extract(path: str, data: bytes) -> FileFacts | Skipped:
    """Return the facts of one file and the secrets in it, or why there are none."""
    kind = kind_of(path)
    found = _reader(EXTRACTORS[kind])(path, data) if kind in EXTRACTORS else None
    if found is None and PAPERS.fullmatch(path):
        found = _reader("papers.read_paper")(path, data)
    secrets = _reader("secrets.secrets_in")(path, data) if kind is not Kind.LOCK else ()
    if isinstance(found, Skipped):
        return FileFacts(None, secrets) if secrets else found
    return FileFacts(found, secrets)


@cache
def _reader(name: str) -> Callable[[str, bytes], Any]:
    module, _, function = name.partition(".")
    found: Callable[[str, bytes], Any] = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return found


def encode(found: FileFacts | Skipped) -> bytes:
    """Return facts as one line of JSON: what crosses from a process that read hostile files is data and never code."""
    if isinstance(found, Skipped):
        return json.dumps(["skipped", *found]).encode()
    tag = "none" if found.facts is None else _TAGS[type(found.facts)]
    return json.dumps([tag, found.facts, found.secrets], separators=(",", ":")).encode()


def decode(line: bytes) -> FileFacts | Skipped:
    """Return what `encode` wrote. Raises ValueError, TypeError, KeyError or IndexError for anything else."""
    raw = json.loads(line)
    tag = raw[0]
    if tag == "skipped":
        return Skipped(str(raw[1]), str(raw[2]))
    secrets = tuple(map(model.Secret._make, raw[2]))
    return FileFacts(None if tag == "none" else _MAKERS[tag](raw[1]), secrets)


def _maker(record: Any) -> Callable[[list[Any]], Any]:
    """Return what makes a record from the list that JSON has in its place; lists in it become records and tuples."""
    hints = get_type_hints(record)
    nested = [(place, made) for place, name in enumerate(record._fields) if (made := _made(hints[name])) is not None]
    make = record._make

    def made_from(row: list[Any]) -> Any:
        for place, inner in nested:
            row[place] = inner(row[place]) if row[place] else ()
        return make(row)

    return made_from


def _made(hint: Any) -> Callable[[Any], Any] | None:
    """Return what makes a value of a type from JSON, None where JSON has it already."""
    if hasattr(hint, "_fields"):
        return _maker(hint)
    if get_origin(hint) is not tuple:
        return None
    inner = [_made(one) for one in get_args(hint)[:1]]
    if inner and inner[0] is not None and get_args(hint)[-1] is Ellipsis:
        one = inner[0]
        return lambda rows: tuple([one(row) for row in rows])
    return tuple


_MAKERS = {tag: _maker(record) for tag, record in _RECORDS.items()}
