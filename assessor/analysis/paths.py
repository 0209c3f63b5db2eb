"""Say what a file is and what part it plays, from its path alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """Name what a file is written in; facts/ holds one reader for each kind that gives facts."""

    PYTHON = "python"
    NOTEBOOK = "notebook"
    DOCKERFILE = "dockerfile"
    COMPOSE = "compose"
    WORKFLOW = "workflow"
    YAML = "yaml"
    REQUIREMENTS = "requirements"
    PYPROJECT = "pyproject"
    SETUP = "setup"
    ENV = "env"
    TOML = "toml"
    JSON = "json"
    LOCK = "lock"
    SHELL = "shell"
    MAKEFILE = "makefile"
    MARKDOWN = "markdown"
    LOAD = "load"
    SOURCE = "source"
    DATA = "data"
    OTHER = "other"


class Role(StrEnum):
    """Name the part a file plays: own code uses things, tests verify them, vendored and generated code do neither."""

    OWN = "own"
    TEST = "test"
    EXAMPLE = "example"
    DOCS = "docs"
    VENDORED = "vendored"
    GENERATED = "generated"


# Names are compared in lower case. The first pattern that matches the whole path wins: names that say more come first.
_KINDS: tuple[tuple[Kind, str], ...] = (
    (
        Kind.LOCK,
        r"(.*/)?(poetry\.lock|pipfile\.lock|uv\.lock|pdm\.lock|pixi\.lock|pylock(\..+)?\.toml|conda-lock\.ya?ml|.*\.conda-lock\.ya?ml"
        r"|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|cargo\.lock|gemfile\.lock|go\.sum"
        r"|composer\.lock|packages\.lock\.json|gradle\.lockfile|mix\.lock)",
    ),
    (
        Kind.WORKFLOW,
        r"\.github/workflows/[^/]+\.ya?ml|\.github/actions/.*action\.ya?ml|(\.gitlab-ci|\.travis|\.drone|\.woodpecker|\.cirrus|\.appveyor|appveyor"
        r"|azure-pipelines?|bitbucket-pipelines|buildspec|cloudbuild)[^/]*\.ya?ml|(.*/)?(azure-pipelines?[^/]*|cloudbuild[^/]*)\.ya?ml"
        r"|\.(gitlab|circleci|buildkite|woodpecker|semaphore)/.*\.ya?ml|(\.(azure-?)?|azure-?|devops-)pipelines/.*\.ya?ml|(.*/)?jenkinsfile([.\-_][^/]*)?",
    ),
    (Kind.COMPOSE, r"(.*/)?(docker-)?compose([.\-_][^/]*)?\.ya?ml"),
    (
        Kind.DOCKERFILE,
        r"(.*/)?((docker|container)file([.\-_](?!([^/]*[.\-_])?(md|txt|py|ya?ml|sh)$)[^/]*)?|[^/]+\.dockerfile)",
    ),
    (
        Kind.REQUIREMENTS,
        r"(.*/)?([^/]*requirements?[^/]*|constraints?[^/]*)\.(txt|in|pip)|(.*/)?requirements?/[^/]+\.(txt|in|pip)",
    ),
    (Kind.PYPROJECT, r"(.*/)?pyproject\.toml"),
    (Kind.SETUP, r".*\.(cfg|ini)|(.*/)?(\.flake8|\.pylintrc|pylintrc|\.coveragerc|\.isort\.cfg|\.pydocstylerc)"),
    (Kind.ENV, r"(.*/)?\.env([.\-_][^/]*)?|.*\.env"),
    (
        Kind.MAKEFILE,
        r"(.*/)?(gnumakefile|makefile([.\-_][^/]*)?|justfile|taskfile\.ya?ml|snakefile|procfile)|.*\.(mk|smk)",
    ),
    (Kind.PYTHON, r".*\.(py|pyw)"),
    (Kind.NOTEBOOK, r".*\.ipynb"),
    (Kind.YAML, r".*\.(ya?ml|dvc)|(.*/)?(dvc\.lock|mlproject|mlmodel)"),
    (Kind.TOML, r".*\.toml|(.*/)?pipfile"),
    (Kind.SHELL, r".*\.(sh|bash|zsh|ksh|bat|cmd|ps1)"),
    # Commands of a project often bear no ending.
    (
        Kind.SHELL,
        r"(.*/)?(scripts?|bin|hack|\.?ci)/(?!(readme|licen[cs]e|copying|notice|authors|version|codeowners)$)[^/.]+",
    ),
    (
        Kind.MARKDOWN,
        r".*\.(md|markdown|mdx|rst|adoc)|(.*/)?(readme|changelog|changes|history|news|contributing)(\.txt)?",
    ),
    (
        Kind.DATA,
        r".*\.(csv|tsv|jsonl|ndjson|parquet|arrow|feather|npy|npz|pkl|pickle|joblib|h5|hdf5|onnx|pt|pth|ckpt|bin|db|sqlite3?)",
    ),
    (
        Kind.DATA,
        r".*\.(png|jpe?g|gif|svg|webp|ico|pdf|wav|mp3|mp4|zip|gz|tgz|bz2|xz|7z|tar|woff2?|ttf|eot|safetensors|model|tfrecord)",
    ),
    (Kind.JSON, r".*\.(json|json5|jsonc)"),
    # What puts a service under load is a script of k6, JMeter or Gatling, and says so in its path.
    (
        Kind.LOAD,
        r"(.*/)?(k6|load[-_]?(tests?|testing)?|perf(ormance)?([-_]?tests?)?|stress([-_]?tests?)?|artillery|locust|jmeter|gatling)/([^/]+/)*[^/]+\.(m?js|ts|scala)"
        r"|(.*/)?[^/]*(k6|load[-_.]?test|stress|soak|spike|simulation)[^/]*\.(m?js|ts|scala)|.*\.jmx",
    ),
    (
        Kind.SOURCE,
        r".*\.(go|tsx?|jsx?|mjs|cjs|vue|svelte|java|kt|kts|scala|groovy|rs|c|h|cc|cpp|cxx|hpp|cu|cuh|cs|fs|rb|php|swift|m|mm|r|jl|lua|pl|dart"
        r"|ex|exs|erl|hs|ml|clj|proto|graphql|sql|tf|hcl|pyx|pxd|pyi|html?|css|scss|jinja2?|j2|tpl|bicep|thrift)",
    ),
)

# A role follows from a folder on the way or from the file's name; what others wrote comes before what tests are.
_ROLES: tuple[tuple[Role, str], ...] = (
    (
        Role.VENDORED,
        r"(.*/)?(_?vendor(ed|s)?|(third|3rd)[_-]?party|node_modules|bower_components|(site|dist)-packages|\.?venv|virtualenv|__pypackages__"
        r"|\.tox|\.nox|\.eggs|externs?|externals|submodules|pods)/.*"
        r"|(.*/)?(versioneer\.py|ez_setup\.py|get-pip\.py|jquery[^/]*\.js|bootstrap[^/]*\.(js|css)|gradlew(\.bat)?|mvnw(\.cmd)?)",
    ),
    (
        Role.GENERATED,
        r"(.*/)?(__pycache__|\.ipynb_checkpoints|__generated__|_?generated|_build|htmlcov|[^/]+\.egg-info)/.*|(dist|out|build/lib)/.*"
        r"|(.*/)?([^/]*_pb2(_grpc)?\.pyi?|[^/]+\.pb(\.gw)?\.(go|cc|h)|[^/]+\.min\.(js|css)|[^/]+\.(bundle|chunk)\.js|[^/]+\.g\.dart"
        r"|[^/]+_generated\.(go|py|ts)|zz_generated[^/]*)",
    ),
    (
        Role.TEST,
        r"(.*/)?(tests?|__tests__|e2e|(unit|integration|functional)[_-]?tests?|tests?[_-](unit|integration|suite)|testsuite|testdata|fixtures)/.*"
        r"|(.*/)?(test_[^/]*\.(py|ipynb)|[^/]*_tests?\.py|(conftest|tests)\.py|[^/]*[._-](test|spec)\.[cm]?[jt]sx?|[^/]*_(test|spec)\.(go|cc|cpp|rb)"
        r"|[^/]*tests?\.(java|kt|scala|cs)|test[-_][^/]*\.(r|sh|bats))",
    ),
    (
        Role.EXAMPLE,
        r"(.*/)?(examples?|demos?|samples?|tutorials?|cookbook|quickstarts?|playground)/.*|.*\{\{.*"
        r"|(.*/)?((examples?|demo|tutorial)\.(py|ipynb)|[^/]*[._-](example|sample|template|dist)|[^/]*\.(example|sample)\.[a-z]+)",
    ),
    (Role.DOCS, r"(.*/)?(docs?|documentation|website)/.*"),
)


def _table(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<n{number}>{pattern})" for number, pattern in enumerate(patterns)), re.DOTALL)


_KIND = _table(pattern for _, pattern in _KINDS)
_ROLE = _table(pattern for _, pattern in _ROLES)


@lru_cache(maxsize=1 << 17)
def kind_of(path: str) -> Kind:
    """Say what a file is written in."""
    match = _KIND.fullmatch(path.lower())
    return _KINDS[int(str(match.lastgroup)[1:])][0] if match else Kind.OTHER


@lru_cache(maxsize=1 << 17)
def role_of(path: str) -> Role:
    """Say what part a file plays.

    A script called test_*.py that holds no test looks like a test here; Project.role, which has read it, knows better.
    """
    match = _ROLE.fullmatch(path.lower())
    return _ROLES[int(str(match.lastgroup)[1:])][0] if match else Role.OWN
