"""Make findings that lie in configuration: their own detectors know what runs and what checks them."""

from __future__ import annotations

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of

__all__ = ["told"]


def told(
    signal: str,
    detector: str,
    path: str,
    line: int | None,
    message: str,
    strength: Strength = Strength.USED,
    wired_by: str | None = None,
    verified_by: str | None = None,
) -> Finding:
    """Make a finding that lies in configuration, or in that of an example."""
    setting = Setting.EXAMPLE if role_of(path) in (Role.EXAMPLE, Role.DOCS) else Setting.CONFIGURATION
    return Finding(
        signal, detector, path, line, message, strength, setting=setting, wired_by=wired_by, verified_by=verified_by
    )
