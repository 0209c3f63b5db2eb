"""What a file is and what part it plays, told by its path."""

from __future__ import annotations

import pytest

from assessor.analysis.paths import Kind, Role, kind_of, role_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/pkg/model.py", Kind.PYTHON),
        ("Notebooks/Explore.ipynb", Kind.NOTEBOOK),
        ("Dockerfile", Kind.DOCKERFILE),
        ("docker/Dockerfile.gpu", Kind.DOCKERFILE),
        ("deploy/api.dockerfile", Kind.DOCKERFILE),
        ("docs/Dockerfile.md", Kind.MARKDOWN),
        ("docker-compose.override.yml", Kind.COMPOSE),
        ("compose.yaml", Kind.COMPOSE),
        (".github/workflows/ci.yml", Kind.WORKFLOW),
        (".gitlab-ci.yml", Kind.WORKFLOW),
        (".circleci/config.yml", Kind.WORKFLOW),
        (".pipelines/train.yml", Kind.WORKFLOW),
        ("Jenkinsfile", Kind.WORKFLOW),
        ("pipelines/train.yaml", Kind.YAML),
        ("dvc.yaml", Kind.YAML),
        ("data/raw.csv.dvc", Kind.YAML),
        ("requirements-dev.txt", Kind.REQUIREMENTS),
        ("requirements/base.in", Kind.REQUIREMENTS),
        ("pyproject.toml", Kind.PYPROJECT),
        ("setup.cfg", Kind.SETUP),
        ("tox.ini", Kind.SETUP),
        (".env", Kind.ENV),
        ("prod.env", Kind.ENV),
        ("uv.lock", Kind.LOCK),
        ("package-lock.json", Kind.LOCK),
        ("Makefile", Kind.MAKEFILE),
        ("workflow/Snakefile", Kind.MAKEFILE),
        ("scripts/run.sh", Kind.SHELL),
        ("README", Kind.MARKDOWN),
        ("main.go", Kind.SOURCE),
        ("data/train.csv", Kind.DATA),
        ("openapi.json", Kind.JSON),
        ("LICENSE", Kind.OTHER),
    ],
)
def test_kind_follows_from_the_path(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/pkg/model.py", Role.OWN),
        ("test.py", Role.OWN),
        ("numpy_like/testing.py", Role.OWN),
        ("tests/test_model.py", Role.TEST),
        ("pkg/model_test.py", Role.TEST),
        ("ui/button.spec.ts", Role.TEST),
        ("examples/mnist.py", Role.EXAMPLE),
        ("config.example.yaml", Role.EXAMPLE),
        ("{{cookiecutter.name}}/app.py", Role.EXAMPLE),
        ("docs/conf.py", Role.DOCS),
        ("third_party/tests/test_x.py", Role.VENDORED),
        ("web/node_modules/x/index.js", Role.VENDORED),
        ("versioneer.py", Role.VENDORED),
        ("proto/api_pb2_grpc.py", Role.GENERATED),
        ("pkg.egg-info/SOURCES.txt", Role.GENERATED),
    ],
)
def test_role_follows_from_the_path(path: str, role: Role) -> None:
    assert role_of(path) is role
