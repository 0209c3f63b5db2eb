"""Layer 7: credentials that were committed."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.findings import Finding, Setting
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project

__all__ = ["secrets"]

TOLD = {
    "aws": "an AWS access key",
    "github": "a GitHub token",
    "gitlab": "a GitLab token",
    "slack": "a Slack token",
    "stripe": "a live Stripe key",
    "anthropic": "an Anthropic key",
    "openai": "an OpenAI key",
    "huggingface": "a Hugging Face token",
    "google": "a Google key",
    "npm": "an npm token",
    "pypi": "a PyPI token",
    "sendgrid": "a SendGrid key",
    "private-key": "a private key",
    "address": "a password within an address",
    "assigned": "a value that looks like a credential",
}
CODE = frozenset({Kind.PYTHON, Kind.SOURCE})


def secrets(project: Project) -> Iterator[Finding]:
    """Find credentials in the files of HEAD; their values were masked when they were read.

    Bad for the project: a token in settings.py. Nothing: `os.environ["TOKEN"]`, `changeme`, a key among the tests' data.
    """
    for path, secret in project.secrets:
        if role_of(path) in (Role.TEST, Role.VENDORED, Role.GENERATED):
            continue
        kind = kind_of(path)
        setting = Setting.NOTEBOOK if kind is Kind.NOTEBOOK else Setting.CODE if kind in CODE else Setting.CONFIGURATION
        message = f"{TOLD.get(secret.rule, 'a credential')} is committed: {secret.shown}"
        yield Finding("secrets", secret.rule, path, secret.line, message, setting=setting)
