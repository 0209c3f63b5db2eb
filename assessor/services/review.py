"""Reviews by rubric: ask, draft, hand in once, amend with a trace.

Whoever decides by the state of a review locks its row first, so that two tabs, a double click and a member who leaves
at the same moment come one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from assessor.content.schema import Catalogue
from assessor.models.account import Membership, UserAccount
from assessor.models.hiring import Candidate
from assessor.models.profile import Person
from assessor.models.review import Review, ReviewKind, ReviewVersion
from assessor.services.audit import AuditService
from assessor.services.errors import Conflict, Forbidden, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.review_rows import count_review
from assessor.services.rubric import Rubric, Written, plain, rubric, said, written

__all__ = ["REASON_LENGTH", "Peer", "ReviewLists", "ReviewService"]

OPEN_LIMIT = 20
"""Peer reviews that one person may have asked for and that wait."""

REASON_LENGTH = 500
LISTED = 200
"""Reviews that a page lists at most, the open and newest ones first."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Name a colleague who can be asked."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ReviewLists:
    """List somebody's reviews, the open ones first: asked of them, of themselves, by peers about them; no panel's."""

    asked_of_me: tuple[Review, ...]
    by_me: tuple[Review, ...]
    about_me: tuple[Review, ...]


class ReviewService:
    """Do what people do with reviews."""

    def __init__(
        self, session: Session, catalogue: Catalogue, clock: Callable[[], datetime], audit: AuditService
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit

    # Ask

    def start_self(self, actor: Actor, layer_key: str) -> Review:
        """Open a review of oneself in one layer, or return the one that is open. Raises NotFound for an unknown layer."""
        self._check_layers([layer_key])
        self._lock_person(actor.person_id)
        waiting = self._waiting(Review.person_id == actor.person_id, Review.kind == "self")
        found = next((one for one in waiting if one.layers == [layer_key]), None)
        return found or self._new("self", actor.person_id, actor.user_id, [layer_key])

    def ask_peer(self, actor: Actor, reviewer_user_id: int, layer_key: str) -> Review:
        """Ask a member of the active workspace to review who acts in one layer.

        Raises NotFound for an unknown layer or colleague, Conflict where the same is asked already or too much is.
        """
        self._check_layers([layer_key])
        self._lock_person(actor.person_id)
        self._check_peer(actor, reviewer_user_id)
        waiting = self._waiting(Review.person_id == actor.person_id, Review.kind == "peer")
        if any(one.reviewer_id == reviewer_user_id and one.layers == [layer_key] for one in waiting):
            raise Conflict("You asked this colleague for a review of this layer already.", "It is open; remind them.")
        if len(waiting) >= OPEN_LIMIT:
            raise Conflict(f"{OPEN_LIMIT} reviews that you asked for are open.", "Wait for some, or take one back.")
        review = self._new("peer", actor.person_id, reviewer_user_id, [layer_key])
        self._audit.write(
            f"user:{actor.user_id}", "review.asked", f"review:{review.id}", of=review.rater, layer=layer_key
        )
        return review

    def panel(self, candidate: Candidate, user_id: int, layers: Sequence[str]) -> Review:
        """Return the review of a candidate by a panellist, made at the first call. Raises NotFound for an unknown layer.

        One that was given back, or ended when the panellist left, is open again and empty: they are back.
        """
        self._check_layers(layers)
        self._session.execute(select(Candidate.id).where(Candidate.id == candidate.id).with_for_update())
        query = select(Review).where(Review.candidate_id == candidate.id, Review.reviewer_id == user_id)
        found = self._session.scalar(query)
        if found is None:
            return self._new("panel", candidate.person_id, user_id, layers, candidate.id)
        if found.state in ("declined", "withdrawn"):
            found.state, found.closed_at, found.layers = "asked", None, list(layers)
            found.framework_version = self._catalogue.framework.label
            self._session.flush()
        return found

    def peers(self, actor: Actor) -> tuple[Peer, ...]:
        """Return the colleagues who can be asked, by name; a candidate has none."""
        query = (
            select(UserAccount.id, UserAccount.name, UserAccount.email)
            .join(Membership)
            .where(Membership.workspace_id == actor.workspace_id, UserAccount.id != actor.user_id, UserAccount.active)
            .order_by(func.lower(UserAccount.name), UserAccount.email)
        )
        return tuple(Peer(user_id, name or email) for user_id, name, email in self._session.execute(query))

    # Read

    def get(self, review_id: int) -> Review:
        """Return a review with its versions, its person and its reviewer. Raises NotFound."""
        query = (
            select(Review)
            .where(Review.id == review_id)
            .options(
                joinedload(Review.person).joinedload(Person.user),
                joinedload(Review.reviewer),
                joinedload(Review.versions),
            )
        )
        found = self._session.scalars(query).unique().one_or_none()
        if found is None:
            raise _missing()
        return found

    def between_two(self, review_id: int) -> Review:
        """Return a review that both of its sides know of, as `get` does; a panel's has its page at its candidate.

        Raises NotFound, also for a panel's and in the same words: what lies beside it is scrubbed there and not here, and
        that it was begun is nobody else's to know.
        """
        found = self.get(review_id)
        if found.kind == "panel":
            raise _missing()
        return found

    def rubric(self, review: Review) -> Rubric:
        """Return what the form of a review shows: topics with anchors, filled with its draft, else its last version."""
        return rubric(self._catalogue, review)

    def lists(self, actor: Actor) -> ReviewLists:
        """Return the reviews that somebody writes and those about them, a panel's left out. One query."""
        query = (
            select(Review)
            .where(
                (Review.reviewer_id == actor.user_id) | (Review.person_id == actor.person_id), Review.kind != "panel"
            )
            .options(joinedload(Review.person).joinedload(Person.user), joinedload(Review.reviewer))
            .order_by(Review.state != "asked", Review.id.desc())
            .limit(LISTED)
        )
        found = self._session.scalars(query).all()
        peers = [one for one in found if one.kind == "peer"]
        return ReviewLists(
            asked_of_me=tuple(one for one in peers if one.reviewer_id == actor.user_id),
            by_me=tuple(one for one in found if one.kind == "self"),
            about_me=tuple(one for one in peers if one.person_id == actor.person_id),
        )

    # Write

    def save_draft(
        self, review: Review, ratings: Mapping[str, float | None], notes: Mapping[str, str], *, stamp: str | None = None
    ) -> None:
        """Keep what was written without handing it in.

        `stamp` is that of the rubric the form was filled in from. Raises Invalid; Conflict where the review is no longer
        open, or where something else was saved since the form was opened.
        """
        given = written(self._catalogue, review, ratings, notes)
        review = self._locked(review)
        self._check_open(review)
        self._check_fresh(review, given, stamp)
        review.draft = {"ratings": dict(given.ratings), "notes": dict(given.notes)}
        self._session.flush()

    def submit(
        self, review: Review, ratings: Mapping[str, float | None], notes: Mapping[str, str], *, stamp: str | None = None
    ) -> ReviewVersion:
        """Hand a review in, once; the same content again returns the version there is.

        Raises Invalid, also where no topic is rated; Conflict where something else was handed in or saved meanwhile, or
        where the review has ended.
        """
        given = written(self._catalogue, review, ratings, notes)
        review = self._locked(review)
        if review.versions and _same(given, said(review)):
            return review.versions[-1]
        self._check_open(review)
        self._check_fresh(review, given, stamp)
        return self._hand_in(review, given, None)

    def amend(
        self,
        review: Review,
        ratings: Mapping[str, float | None],
        notes: Mapping[str, str],
        reason: str,
        *,
        stamp: str | None = None,
    ) -> ReviewVersion:
        """Change a review that was handed in, for a reason; the version before stays. Sent twice it counts once.

        Raises Invalid, also without a reason; Conflict where nothing is changed, where it was not handed in, or where
        it was amended meanwhile.
        """
        given, reason = written(self._catalogue, review, ratings, notes), plain(reason)
        if not 0 < len(reason) <= REASON_LENGTH:
            raise Invalid({"reason": f"Say why in 1 to {REASON_LENGTH} characters; both sides read it."})
        review = self._locked(review)
        if not review.versions:
            self._check_open(review)
            raise Conflict("This review was not handed in yet.", "Hand it in; there is nothing to amend.")
        last = review.versions[-1]
        if _same(given, said(review)):
            if last.reason == reason:
                return last
            raise Conflict("Nothing is different from what was handed in.", "Change a rating or a note, then amend.")
        self._check_fresh(review, given, stamp)
        return self._hand_in(review, given, reason)

    # End

    def end(self, actor: Actor, review: Review) -> None:
        """End an open review: give it back as its reviewer, or take it back as who asked for it."""
        if review.kind != "self" and actor.user_id == review.reviewer_id:
            self.decline(actor, review)
        else:
            self.cancel(actor, review)

    def decline(self, actor: Actor, review: Review) -> None:
        """Give a review back that one was asked for; twice does nothing. Raises Forbidden, Conflict once handed in."""
        if actor.user_id != review.reviewer_id:
            raise Forbidden("Only who was asked can decline a review.", "Take it back if you asked for it.")
        self._end(actor, review, "declined")

    def cancel(self, actor: Actor, review: Review) -> None:
        """Take a review back that one asked for; twice does nothing. Raises Forbidden, Conflict once handed in."""
        if actor.person_id != review.person_id or review.candidate_id is not None:
            raise Forbidden("Only who asked for a review can take it back.", "Decline it if you were asked.")
        self._end(actor, review, "withdrawn")

    def _end(self, actor: Actor, review: Review, state: str) -> None:
        review = self._locked(review)
        if review.state == "submitted":
            raise Conflict("This review was handed in and counts.", "Its reviewer can amend it, with a reason.")
        if review.state == "asked":
            review.state, review.draft, review.closed_at = state, None, self._clock()  # type: ignore[assignment]
            self._session.flush()
            self._audit.write(f"user:{actor.user_id}", f"review.{state}", f"review:{review.id}", kind=review.kind)

    def _hand_in(self, review: Review, given: Written, reason: str | None) -> ReviewVersion:
        if not given.rated:
            raise Invalid({"ratings": "Rate at least one topic; a review without a rating says nothing."})
        now = self._clock().astimezone(UTC)
        version = ReviewVersion(
            number=len(review.versions) + 1,
            at=now,
            ratings=dict(given.ratings),
            notes=dict(given.notes),
            reason=reason,
            framework_version=self._catalogue.framework.label,
        )
        review.versions.append(version)
        review.state, review.draft, review.closed_at = "submitted", None, review.closed_at or now
        self._session.flush()
        count_review(self._session, self._catalogue, review, given, now)
        self._audit.write(
            review.rater,
            "review.submitted" if reason is None else "review.amended",
            f"review:{review.id}",
            kind=review.kind,
            version=version.number,
            rated=len(given.rated),
            framework=version.framework_version,
        )
        return version

    # Checks

    def _new(
        self, kind: ReviewKind, person_id: int, user_id: int, layers: Sequence[str], candidate_id: int | None = None
    ) -> Review:
        review = Review(
            kind=kind,
            person_id=person_id,
            reviewer_id=user_id,
            rater=f"user:{user_id}",
            layers=list(layers),
            candidate_id=candidate_id,
            framework_version=self._catalogue.framework.label,
            state="asked",
            created_at=self._clock(),
        )
        self._session.add(review)
        self._session.flush()
        return review

    def _waiting(self, *conditions: ColumnElement[bool]) -> Sequence[Review]:
        return self._session.scalars(select(Review).where(*conditions, Review.state == "asked")).all()

    def _lock_person(self, person_id: int) -> None:
        """Let what one person asks for come one after the other."""
        self._session.execute(select(Person.id).where(Person.id == person_id).with_for_update())

    def _locked(self, review: Review) -> Review:
        """Lock a review and read what stands in it now; another tab may have been faster. Raises NotFound."""
        query = select(Review).where(Review.id == review.id).with_for_update()
        found = self._session.scalar(query.execution_options(populate_existing=True))
        if found is None:
            raise _missing()
        return found

    def _check_layers(self, keys: Sequence[str]) -> None:
        known = {layer.key for layer in self._catalogue.framework.layers}
        if not keys or not set(keys) <= known:
            raise NotFound("There is no such layer.", "Choose one of the ten.")

    def _check_peer(self, actor: Actor, user_id: int) -> None:
        """Hold both memberships until the review is stored: who leaves now ends it, or is no colleague any more."""
        members = self._session.scalars(
            select(Membership.user_id)
            .join(UserAccount)
            .where(
                Membership.workspace_id == actor.workspace_id,
                Membership.user_id.in_((actor.user_id, user_id)),
                UserAccount.active,
            )
            .with_for_update(read=True, of=Membership)
        ).all()
        if user_id == actor.user_id or set(members) != {actor.user_id, user_id}:
            raise NotFound("There is no such colleague in this workspace.", "Choose one of the list.")

    def _check_open(self, review: Review) -> None:
        match review.state:
            case "submitted":
                raise Conflict(
                    "This review was handed in already.",
                    "To change what was handed in, amend it and say why.",
                )
            case "declined":
                raise Conflict(
                    "This review was declined.",
                    "Copy what you need from what you wrote; to hand it in, you would have to be asked again.",
                )
            case "withdrawn":
                raise Conflict(
                    "This review has ended: it was taken back, or somebody left the workspace.",
                    "Copy what you need from what you wrote; to hand it in, you would have to be asked again.",
                )

    def _check_fresh(self, review: Review, given: Written, stamp: str | None) -> None:
        """Refuse what was written on an older state, so that a forgotten tab never takes the place of newer work."""
        if stamp is None or _same(given, said(review)) or stamp == self.rubric(review).stamp:
            return
        raise Conflict(
            "Something else was saved in another window since you opened this one.",
            "Look over what you wrote here, and send it again to keep it instead.",
        )


def _same(given: Written, kept: Written) -> bool:
    """Tell whether two contents say the same of the topics that there are."""
    return all(kept.ratings.get(key) == rating for key, rating in given.ratings.items()) and given.notes == {
        key: text for key, text in kept.notes.items() if key in given.ratings
    }


def _missing() -> NotFound:
    return NotFound("There is no such review, or it is not yours to see.", "Your reviews are listed under Reviews.")
