import time

import pytest

from assessor.analysis import facts
from assessor.analysis.facts import FileFacts, Skipped
from assessor.analysis.facts.dependencies import is_exact
from assessor.analysis.facts.docker import pinned_image
from assessor.analysis.facts.shell import logical_lines, simple_commands
from assessor.analysis.facts.yamltext import documents
from assessor.analysis.project import Project
from assessor.analysis.signals import words
from assessor.analysis.signals.configuration import test_steps as steps_that_test
from assessor.analysis.tree import MemoryTree

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + step)}: &{chr(98 + step)} [{','.join(['*' + chr(97 + step)] * 10)}]\n" for step in range(10)
)


def read(path: str, text: str) -> FileFacts | Skipped:
    found = facts.extract(path, text.encode())
    assert facts.decode(facts.encode(found)) == found
    return found


def known(path: str, text: str):
    found = read(path, text)
    assert isinstance(found, FileFacts), found
    return found.facts


def project_of(files: dict[str, str]) -> Project:
    tree = MemoryTree(files)
    return Project(tree.entries(), {path: read(path, text) for path, text in files.items()}, [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "more than 200000 YAML values"),
        ("[" * 100_000, "nested more than"),
        ("- " * 100_000 + "a", "nested more than"),
        ("{a: " * 100_000, "nested more than"),
        ("&a [*a]", "for itself"),
        ("---\na\n" * 1_000, "documents"),
        ("a: *nothing", "for nothing"),
        ("a: [1\nb", "YAML error"),
    ],
    ids=["alias bomb", "flow", "block", "maps", "itself", "documents", "nothing", "broken"],
)
def test_hostile_yaml_ends_at_once_with_a_reason(text: str, reason: str) -> None:
    started = time.process_time()
    found = documents(text)
    assert isinstance(found, str)
    assert reason in found
    assert time.process_time() - started < 1


def test_a_bomb_costs_its_file_only() -> None:
    assert read("docker-compose.yml", BOMB) == Skipped("docker-compose.yml", "more than 200000 YAML values")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "a." * 200_000 + "b = 1"),
        ("pyproject.toml", "a = " + "[" * 100_000),
        ("Dockerfile", "FROM x\nRUN a \\\n" * 100_000),
        ("Makefile", "a: a\n\t$(A) \\\n" * 50_000 + "A = $(A)$(A)\n"),
        ("setup.cfg", "[flake8]\n" * 100_000),
        ("run.sh", "cat <<EOF\n" + "'\"$(${" * 100_000),
        ("requirements.txt", "a==1 \\\n --hash=sha256:0\n" * 40_000),
        ("Jenkinsfile", "sh '''" * 100_000 + "/*" * 100_000),
        ("app.py", "password = " * 50_000),
        (".env", "TOKEN=" * 100_000 + "A1" * 100_000),
        ("big.json", "9f3c1e7ab24d86f05c7e1d93 " * 40_000),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\n" * 30_000),
        ("urls.txt", "a://b:cdefgh" * 60_000 + "@"),
    ],
)
def test_hostile_settings_end_soon(path: str, text: str) -> None:
    started = time.process_time()
    read(path, text)
    assert time.process_time() - started < 4


def test_a_workflow_keeps_lines_conditions_and_matrices() -> None:
    found = known(
        ".github/workflows/ci.yml",
        """on:
  push: {tags: ["v*"]}
  pull_request:
jobs:
  check:
    strategy: {matrix: {tool: [ruff, mypy]}}
    steps:
      - uses: actions/checkout@v4
      - run: |
          set -e
          pip install \\
            tox
          ${{ matrix.tool }} .
      - run: pytest
        continue-on-error: true
      - run: deploy
        if: ${{ false }}
  nightly:
    if: github.event_name == 'schedule'
    steps: [{run: pytest}]
""",
    )
    assert found.triggers == ("tag", "pull_request")
    check, nightly = found.jobs
    assert [step.line for step in check.steps] == [8, 9, 14, 16]
    assert check.steps[1].commands == (("set -e", 10), ("pip install tox", 11), ("ruff .", 13), ("mypy .", 13))
    assert [step.tolerant for step in check.steps] == [False, False, True, False]
    assert check.steps[3].never
    assert not nightly.automatic
    assert ("deploy", 16) not in found.commands


def test_a_merge_key_brings_what_an_anchor_holds() -> None:
    found = known(".gitlab-ci.yml", ".base: &base\n  script: [pytest]\nunit:\n  <<: *base\n  stage: test\n")
    assert [(job.name, job.steps[0].commands) for job in found.jobs] == [("unit", (("pytest", 2),))]


def test_a_dockerfile_joins_lines_and_names_its_stages() -> None:
    found = known(
        "Dockerfile",
        'ARG TAG=3.12-slim\n# first\nFROM python:${TAG} AS base\nRUN a && \\\n    # why\n    b\nCMD ["python", "serve.py"]\n',
    )
    assert [(stage.image, stage.name, stage.line, stage.pinned) for stage in found.stages] == [
        ("python:3.12-slim", "base", 3, "version")
    ]
    assert found.commands == (("a && b", 4), ("python serve.py", 7))


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("python", ""),
        ("python:latest", ""),
        ("a.io:5000/x", ""),
        ("x:slim", "tag"),
        ("x:1.2", "version"),
        ("x@sha256:0a", "digest"),
    ],
)
def test_how_firmly_an_image_is_named(image: str, pinned: str) -> None:
    assert pinned_image(image) == pinned


@pytest.mark.parametrize(
    ("specifier", "exact"),
    [
        ("==1.2.3", True),
        ("===1.2", True),
        ("== 2.0+cu118", True),
        ("==1.2.*", False),
        (">=1", False),
        ("~=1.2", False),
        ("", False),
    ],
)
def test_what_pins(specifier: str, exact: bool) -> None:
    assert is_exact(specifier) is exact


def test_pyproject_tells_commands_tools_and_tasks() -> None:
    found = known(
        "pyproject.toml",
        """[project]
name = "terms"
dependencies = ["numpy>=2", "scipy==1.14.1"]
[project.scripts]
terms = "terms.cli:main"
[tool.ruff]
line-length = 100
[tool.black]
[tool.hatch.envs.default.scripts]
test = "pytest {args}"
""",
    )
    assert [(one.name, one.pinned, one.group) for one in found.requirements] == [
        ("numpy", False, ""),
        ("scipy", True, ""),
    ]
    assert found.entry_points == (("terms", "terms.cli:main", 5),)
    assert {one.name: one.settings for one in found.sections}["tool.black"] == 0
    assert [(task.name, task.run) for task in found.tasks] == [("test", (("pytest {args}", 10),))]


def test_a_template_is_read_by_its_text() -> None:
    found = known(
        "chart/templates/api.yaml",
        "{{- if .Values.on }}\napiVersion: apps/v1\nkind: Deployment\nspec:\n  image: {{ x }}\n  readinessProbe:\n{{- end }}\n",
    )
    assert [(one.kind, one.line, one.templated, one.probes) for one in found.objects] == [
        ("Deployment", 3, True, (("readinessProbe", 6),))
    ]


def test_other_yaml_and_json_are_not_parsed() -> None:
    assert known("data/prices.yaml", "a: [1, 2") is None
    assert known("data/prices.json", "{") is None


def test_shell_lines_and_what_joins_them() -> None:
    lines = logical_lines("# no\na 'x # y' # why\ncat <<EOF\npytest\nEOF\nb \\\n  c\n")
    assert lines == (("a 'x # y'", 2), ("cat <<EOF", 3), ("b c", 6))
    found = list(simple_commands("A=1 pytest -q 2>&1 | tee x || true; (make test) && if ! tox; then exit 1; fi"))
    assert [(one.words[0], one.joint, one.asked) for one in found] == [
        ("pytest", "|", False),
        ("tee", "||", False),
        ("true", ";", False),
        ("make", "&&", False),
        ("tox", ";", True),
        ("exit", ";", False),
    ]


@pytest.mark.parametrize(
    ("command", "is_test"),
    [
        ("python3.12 -m pytest -x", True),
        ("uv run --frozen pytest", True),
        ("poetry run coverage run -m unittest discover", True),
        ("docker run --rm -v $PWD:/x image pytest", True),
        ("xvfb-run -a python -W error -m nose", True),
        ("go test ./...", True),
        ("go vet ./...", False),
        ("mvn -B verify", True),
        ("mvn -B package -DskipTests", False),
        ("pytest --collect-only", False),
        ("pip install pytest", False),
        ("dvc repro", False),
        ("echo pytest", False),
    ],
)
def test_what_runs_tests(command: str, is_test: bool) -> None:
    assert words.tests(words.unwrap(tuple(command.split())).words) is is_test


@pytest.mark.parametrize(
    ("command", "lints_and_fails"),
    [
        ("flake8 src", (True, True)),
        ("flake8 --exit-zero src", (True, False)),
        ("black src", (True, False)),
        ("black --check src", (True, True)),
        ("pre-commit run -a", (True, True)),
        ("pre-commit install", (False, False)),
        ("pytest", (False, False)),
    ],
)
def test_what_lints(command: str, lints_and_fails: tuple[bool, bool]) -> None:
    assert words.lints(words.unwrap(tuple(command.split())).words) == lints_and_fails


@pytest.mark.parametrize(
    ("run", "can_fail"),
    [
        ("pytest tests", True),
        ("cd . && pytest tests", True),
        ("pytest tests || exit 1", True),
        ("if ! pytest tests; then exit 1; fi", True),
        ("pytest tests || true", False),
        ("pytest tests || echo ignored", False),
        ("(pytest tests) || :", False),
        ("pytest tests | tee log", False),
        ("set -o pipefail; pytest tests", True),
        ("pytest tests &", False),
        ("if pytest tests; then echo good; fi", False),
    ],
)
def test_whether_a_step_can_fail(run: str, can_fail: bool) -> None:
    project = project_of(
        {
            ".github/workflows/ci.yml": f"on: push\njobs:\n  t:\n    steps:\n      - run: '{run}'\n",
            "tests/test_a.py": "def test_a():\n    assert True\n",
        }
    )
    assert [found for _, _, found in steps_that_test(project)] == [can_fail]


def test_targets_that_need_each_other_end() -> None:
    project = project_of(
        {
            ".travis.yml": "script: make a\n",
            "Makefile": "a: b\n\t$(MAKE) b\nb: a\n\tmake a\n\tpytest\n",
            "tests/test_a.py": "def test_a():\n    assert True\n",
        }
    )
    assert (".travis.yml", 1, True) in list(steps_that_test(project))


def test_a_secret_is_masked_where_it_is_found() -> None:
    value = "ghp_" + "".join(chr(97 + (place * 7) % 26) + str(place % 10) for place in range(18))
    found = read("deploy.md", f"first\n{value}\n")
    assert isinstance(found, FileFacts)
    assert [(one.rule, one.line, one.shown) for one in found.secrets] == [("github", 2, "ghp_…")]
    assert value.encode() not in facts.encode(found)


def test_secrets_are_looked_for_in_every_text() -> None:
    value = "Gq7" + "#vLw2zRk9"
    texts = {
        ".env": f"DB_PASSWORD={value}",
        "a.ts": f'const password = "{value}";',
        "Dockerfile": f"ENV PASSWORD={value}",
    }
    for path, text in texts.items():
        found = read(path, text)
        assert facts.wanted(path)
        assert [one.shown for one in found.secrets] == ["Gq7#…"], path  # type: ignore[union-attr]
    assert read("tests/a.py", f'password = "{value}"').secrets == ()  # type: ignore[union-attr]
