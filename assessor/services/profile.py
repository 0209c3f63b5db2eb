"""Levels of a person: self-ratings in, the profile out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from assessor.content.schema import Catalogue, RoleTarget
from assessor.models.account import UserAccount
from assessor.models.portfolio import Analysis, Repository
from assessor.models.profile import Evidence, Person, SelfRating, StartDraft, TargetChoice
from assessor.services.blind import before_the_panel, without_reviews
from assessor.services.calibration import CalibrationService
from assessor.services.errors import Gone, Invalid, NotFound
from assessor.services.evidence import of_layers
from assessor.services.profile_view import ProfileView, build_view
from assessor.services.tokens import hash_token, new_token
from assessor.services.worked_example import WorkedExample, worked_example

__all__ = ["CORRECTION", "DRAFT_DAYS", "ProfileService"]

DRAFT_DAYS = 30
CORRECTION = timedelta(hours=24)
"""A rating repeated within this time corrects the first one instead of standing beside it."""


class ProfileService:
    """Do what people do with their levels."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        calibrations: CalibrationService,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._calibrations = calibrations

    def rate(self, person_id: int, role_key: str, ratings: Mapping[str, float | None]) -> None:
        """Record a role target and self-ratings by layer key; None or a missing key says "not rated".

        Every rating is kept as an event and is a row of evidence. One repeated within 24 hours corrects the earlier one; a
        self review stays, for it says more than one figure. Raises Invalid.
        """
        levels = self._checked(role_key, ratings)
        now = self._clock().astimezone(UTC)
        self.target(person_id, role_key)
        self._session.execute(
            update(Evidence)
            .where(
                Evidence.person_id == person_id,
                Evidence.instrument == "self",
                Evidence.review_id.is_(None),
                Evidence.superseded_at.is_(None),
                Evidence.at > now - CORRECTION,
            )
            .values(superseded_at=now)
        )
        version = framework_version(self._catalogue)
        given = [
            SelfRating(person_id=person_id, at=now, layer=layer, level=level, framework_version=version)
            for layer, level in enumerate(levels)
        ]
        self._session.add_all(given)
        self._session.flush()
        self._session.add_all(_said(rating, rating.level) for rating in given if rating.level is not None)
        self._session.flush()

    def target(self, person_id: int, role_key: str) -> None:
        """Choose a role target; the same one chosen again is no new event. Raises Invalid for an unknown one."""
        role = self._role(role_key)
        query = (
            select(TargetChoice).where(TargetChoice.person_id == person_id).order_by(TargetChoice.id.desc()).limit(1)
        )
        last = self._session.scalar(query)
        if last is None or (last.role_key, last.role_version) != (role.key, role.version):
            choice = TargetChoice(person_id=person_id, role_key=role.key, role_version=role.version, at=self._clock())
            self._session.add(choice)
            self._session.flush()

    def chosen(self, person_id: int) -> str | None:
        """Return the key of the role target a person chose last, or None; the catalogue may not have it any more."""
        query = select(TargetChoice.role_key).where(TargetChoice.person_id == person_id)
        return self._session.scalar(query.order_by(TargetChoice.id.desc()).limit(1))

    def ratings(self, person_id: int) -> dict[str, float | None]:
        """Return the newest self-rating of every layer that was ever asked, by layer key."""
        newest = select(func.max(SelfRating.id)).where(SelfRating.person_id == person_id).group_by(SelfRating.layer)
        rows = self._session.scalars(select(SelfRating).where(SelfRating.id.in_(newest)).order_by(SelfRating.layer))
        return {self._catalogue.framework.layers[row.layer].key: row.level for row in rows}

    def view(
        self,
        person_id: int,
        at: datetime | None = None,
        since: datetime | None = None,
        *,
        layers: Collection[str] | None = None,
    ) -> ProfileView:
        """Return everything that the profile page shows, at a time (now) and compared with an earlier one (a year before).

        With `layers`, keys, as if there were no evidence of any other. A candidate sees what the panel's reviews come to when
        the requisition is closed, and not before. Three queries. Raises NotFound.
        """
        chosen = (
            select(TargetChoice.role_key)
            .where(TargetChoice.person_id == Person.id)
            .order_by(TargetChoice.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        found = self._session.execute(
            select(Person, chosen, Evidence, before_the_panel(Person.id))
            .outerjoin(Evidence, Evidence.person_id == Person.id)
            .where(Person.id == person_id)
            .order_by(Evidence.at, Evidence.id)
        ).all()
        if not found:
            raise NotFound("There is no such person.")
        rows = [evidence for _, _, evidence, _ in found if evidence is not None]
        if layers is not None:
            rows = of_layers(self._catalogue, rows, layers)
        newest = (
            select(Analysis)
            .join(Repository)
            .options(joinedload(Analysis.repository))
            .where(Repository.person_id == person_id, Analysis.state == "done")
            .order_by(Analysis.created_at, Analysis.id)
        )
        return build_view(
            self._catalogue,
            person=found[0][0],
            role=self._catalogue.roles.get(found[0][1] or ""),
            rows=without_reviews(rows) if found[0][3] else rows,
            analyses=tuple({one.repository_id: one for one in self._session.scalars(newest)}.values()),
            now=self._clock(),
            parameters=self._calibrations.current,
            at=at,
            since=since,
        )

    def preview(self, answers: Mapping[str, Any]) -> ProfileView:
        """Return what the profile page would show of answers in the form of a draft; nothing is stored. Raises Invalid."""
        now = self._clock().astimezone(UTC)
        role = self._role(str(answers.get("role", "")))
        levels = self._checked(role.key, answers.get("ratings") or {})
        return build_view(
            self._catalogue,
            person=Person(id=0, name=""),
            role=role,
            rows=[
                _said(SelfRating(person_id=0, at=now, layer=layer), level)
                for layer, level in enumerate(levels)
                if level is not None
            ],
            analyses=(),
            now=now,
            parameters=self._calibrations.current,
        )

    def example(self) -> WorkedExample:
        """Return one level worked out row by row: of the demo person, else of one who is made up. One query."""
        name, rows = self._calibrations.evidence_of_demo()
        used = self._calibrations.current
        return worked_example(self._catalogue.framework.layers, name, rows, self._clock(), used)

    def demo_person(self) -> int | None:
        """Return the id of the demo person, or None before the demo was loaded."""
        query = select(Person.id).join(UserAccount).where(UserAccount.demo).order_by(Person.id).limit(1)
        return self._session.scalar(query)

    # Answers before there is an account

    def save_draft(self, answers: Mapping[str, Any], token: str | None = None) -> str:
        """Keep answers for somebody without an account and return the resume token; a valid token's draft is replaced.

        `answers` holds "role", "ratings" by layer key and, where given, "source". Raises Invalid for a role or rating
        that cannot be.
        """
        self._checked(str(answers.get("role", "")), answers.get("ratings") or {})
        now = self._clock()
        draft = self._draft(token) if token else None
        if draft is None:
            token = new_token()
            draft = StartDraft(token_hash=hash_token(token), created_at=now)
            self._session.add(draft)
        assert token is not None
        draft.answers = dict(answers)
        draft.expires_at = now + timedelta(days=DRAFT_DAYS)
        self._session.flush()
        return token

    def draft(self, token: str) -> dict[str, Any]:
        """Return the answers that were kept under a token. Raises Gone."""
        draft = self._draft(token)
        if draft is None:
            raise Gone(
                "These answers were kept for 30 days or are in an account already.", "Start again; it takes 3 minutes."
            )
        return draft.answers

    def claim_draft(self, person_id: int, token: str) -> dict[str, Any]:
        """Turn a draft into ratings of a person, remove it, and return its answers. Raises Gone."""
        answers = self.draft(token)
        self.rate(person_id, answers["role"], answers.get("ratings") or {})
        self._session.execute(delete(StartDraft).where(StartDraft.token_hash == hash_token(token)))
        return answers

    def forget_drafts(self) -> int:
        """Delete the drafts whose time is over and return how many there were."""
        over = delete(StartDraft).where(StartDraft.expires_at <= self._clock()).returning(StartDraft.id)
        return len(self._session.scalars(over).all())

    def _draft(self, token: str) -> StartDraft | None:
        query = select(StartDraft).where(
            StartDraft.token_hash == hash_token(token), StartDraft.expires_at > self._clock()
        )
        return self._session.scalar(query)

    def _role(self, role_key: str) -> RoleTarget:
        role = self._catalogue.roles.get(role_key)
        if role is None:
            raise Invalid({"role": f"There is no role target {role_key!r}; choose one of the list."})
        return role

    def _checked(self, role_key: str, ratings: Mapping[str, float | None]) -> list[float | None]:
        self._role(role_key)
        layers = [layer.key for layer in self._catalogue.framework.layers]
        wrong = {key: f"There is no layer {key!r}." for key in ratings if key not in layers}
        for key in layers:
            level = ratings.get(key)
            if level is not None and not (0 <= level <= 5 and float(level * 2).is_integer()):
                wrong[key] = "A rating is a number from 0 to 5; halves are allowed."
        if wrong:
            raise Invalid(wrong)
        return [None if ratings.get(key) is None else float(ratings[key] or 0.0) for key in layers]


def _said(rating: SelfRating, level: float) -> Evidence:
    """Return the row of evidence that a self-rating is."""
    return Evidence(
        person_id=rating.person_id,
        at=rating.at,
        layer=rating.layer,
        level=level,
        instrument="self",
        source="self",
        share=1.0,
        reviewed=False,
        at_ceiling=False,
        rating_id=rating.id,
    )


def framework_version(catalogue: Catalogue) -> str:
    """Return the version that reports and events name: version and content hash of layers, topics and signals."""
    return f"{catalogue.framework.version}+{catalogue.framework.digest[:12]}"
