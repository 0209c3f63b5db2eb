"""All data of a user as JSON values: what "export everything" hands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from assessor.models.account import AuditEntry, Passkey, SignIn, UserAccount
from assessor.models.base import Base
from assessor.models.hiring import Candidate
from assessor.models.portfolio import Analysis, AnalysisFinding, Repository
from assessor.models.profile import Evidence, Identity, Look, SelfRating, TargetChoice
from assessor.models.quiz import Answer, Attempt
from assessor.models.review import Review, ReviewVersion
from assessor.models.team import Team, TeamMember
from assessor.services.audit import AuditService
from assessor.services.blind import without_reviews
from assessor.services.calibration import CalibrationService
from assessor.services.looks import told
from assessor.services.profile import ProfileService
from assessor.services.profile_view import ProfileView

__all__ = ["export_user"]

FORMAT = 1
SECRET = frozenset(
    {
        "password",
        "fs_uniquifier",
        "fs_webauthn_user_handle",
        "tf_totp_secret",
        "mf_recovery_codes",
        "key_hash",
        "token_hash",
    }
)
"""Columns that let somebody in: not a person's data but the lock on it."""

CHAINED = frozenset({"id", "previous", "hash"})
"""Columns of the log that tell which entry follows which."""


def export_user(
    session: Session,
    user: UserAccount,
    audit: AuditService,
    profiles: ProfileService,
    calibrations: CalibrationService,
) -> dict[str, Any]:
    """Return everything stored about a user, table by table, with times in ISO 8601; secrets of the sign-in left out.

    Levels are worked out from the evidence, with the calibration that they name. What a panel says of a candidate is left
    out until the requisition is closed.
    """
    person = user.person
    whose = person.id if person else None
    names = [f"user:{user.id}"] + ([f"person:{whose}"] if whose else [])

    def rows(table: type[Base], **values: Any) -> list[dict[str, Any]]:
        return _rows(session.scalars(select(table).filter_by(**values)))

    repositories = session.scalars(
        select(Repository).where(Repository.person_id == whose).order_by(Repository.id)
    ).all()
    evidence = session.scalars(select(Evidence).filter_by(person_id=whose)).all()
    applications = session.scalars(
        select(Candidate).filter_by(person_id=whose).options(joinedload(Candidate.requisition))
    ).all()
    blind = any(one.requisition.closed_at is None for one in applications)
    log = [entry for name in names for entry in audit.about(name, limit=10_000)]
    return {
        "format": FORMAT,
        "account": _row(user),
        "workspaces": [{"workspace": one.workspace.name, "role": one.role} for one in user.memberships],
        "sessions": rows(SignIn, user_id=user.id),
        "passkeys": [
            {"name": one.name, "created": _value(one.create_datetime), "last_used": _value(one.lastuse_datetime)}
            for one in session.scalars(select(Passkey).filter_by(user_id=user.id))
        ],
        "identities": rows(Identity, person_id=whose),
        "targets": rows(TargetChoice, person_id=whose),
        "self_ratings": rows(SelfRating, person_id=whose),
        "evidence": _rows(without_reviews(evidence) if blind else evidence),
        "levels": _levels(profiles.view(whose)) if whose else None,
        "severity_as_reviewer": [
            {name: _value(value) for name, value in one.items()} for one in calibrations.severity_of(user.id)
        ],
        "quizzes": _with(session, Attempt, Answer, Answer.attempt_id, "answers", Attempt.person_id == whose),
        "reviews_of_me": _with(
            session,
            Review,
            ReviewVersion,
            ReviewVersion.review_id,
            "versions",
            Review.person_id == whose,
            Review.state == "submitted",
            Review.kind != "panel",
        ),
        "reviews_by_me": _with(
            session, Review, ReviewVersion, ReviewVersion.review_id, "versions", Review.reviewer_id == user.id
        ),
        "teams": [
            _row(one) | {"team": name}
            for one, name in session.execute(
                select(TeamMember, Team.name).join(Team).where(TeamMember.person_id == whose)
            )
        ],
        "looks_at_me": [
            {"viewer": one.viewer, "place": one.place, "at": _value(one.at)}
            for one in told(session.scalars(select(Look).filter_by(person_id=whose)))
        ],
        "repositories": [_row(one) | {"analyses": _analyses(session, one)} for one in repositories],
        "application": [_application(one) for one in applications],
        "log": _log(entry for entry in log if not (blind and _of_the_panel(entry, names))),
    }


def _levels(view: ProfileView) -> dict[str, Any]:
    used = view.parameters
    return {
        "at": _value(view.at),
        "calibration": {"number": used.number, "at": _value(used.at)} if used.number else "defaults",
        "layers": [
            {
                "layer": one.layer.key,
                "level": one.level,
                "interval_90": [one.low, one.high],
                "verified": one.verified,
                "old_evidence": one.stale,
            }
            for one in view.layers
            if one.measured
        ],
    }


def _with(
    session: Session, table: type[Base], inner: type[Base], key: Any, name: str, *where: Any
) -> list[dict[str, Any]]:
    """Return rows with the rows below each, in two queries."""
    found = session.scalars(select(table).where(*where)).all()
    kept: dict[Any, list[dict[str, Any]]] = {one.id: [] for one in found}  # type: ignore[attr-defined]
    for one in session.scalars(select(inner).where(key.in_(kept)).order_by(inner.id)):  # type: ignore[attr-defined]
        kept[getattr(one, key.key)].append(_row(one))
    return [_row(one) | {name: kept[one.id]} for one in found]  # type: ignore[attr-defined]


def _analyses(session: Session, repository: Repository) -> list[dict[str, Any]]:
    query = select(Analysis).where(Analysis.repository_id == repository.id).options(undefer(Analysis.report))
    found = session.scalars(query.order_by(Analysis.created_at)).all()
    findings: dict[str, list[dict[str, Any]]] = {one.id: [] for one in found}
    for finding in session.scalars(select(AnalysisFinding).where(AnalysisFinding.analysis_id.in_(findings))):
        findings[finding.analysis_id].append(_row(finding))
    return [_row(one) | {"findings": findings[one.id]} for one in found]


def _application(candidate: Candidate) -> dict[str, Any]:
    return _row(candidate) | {
        "requisition": candidate.requisition.title,
        "closed_at": _value(candidate.requisition.closed_at),
    }


def _of_the_panel(entry: AuditEntry, names: Sequence[str]) -> bool:
    """Tell whether somebody else's review or decision is what an entry is about."""
    return entry.action.startswith(("review.", "hiring.")) and entry.actor not in names


def _log(entries: Iterable[Base]) -> list[dict[str, Any]]:
    """Return each entry once, without its place in the chain: gaps would tell that others do something meanwhile."""
    rows = {row["id"]: row for row in _rows(entries)}
    return [{name: value for name, value in row.items() if name not in CHAINED} for row in rows.values()]


def _rows(found: Iterable[Base]) -> list[dict[str, Any]]:
    return [_row(one) for one in found]


def _row(row: Base) -> dict[str, Any]:
    columns = [column.key for column in row.__mapper__.column_attrs if column.key not in SECRET]
    return {name: _value(getattr(row, name)) for name in columns}


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
