"""What the page of a requisition shows: candidates, panel and states, each as far as the viewer may; no query here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from assessor.content.schema import Catalogue, Layer, RoleTarget
from assessor.models.hiring import Candidate, Requisition
from assessor.models.portfolio import Analysis, Repository
from assessor.models.review import Review
from assessor.services.blind import Sight, sight
from assessor.services.permissions import Actor, manager_of
from assessor.services.review_page import name_of

__all__ = [
    "CandidateLine",
    "Invitation",
    "Member",
    "RepositoryLine",
    "RequisitionLine",
    "RequisitionPage",
    "candidate_line",
    "requisition_layers",
    "requisition_page",
]

Invitation = Literal["none", "sent", "over", "accepted"]
"""How a candidate can come in: by no link, by one that is valid, by none any more; or they came already."""


@dataclass(frozen=True, slots=True)
class RequisitionLine:
    """Show one requisition in the list; `reviewed` are the viewer's own reviews handed in, None off its panel."""

    requisition: Requisition
    role: RoleTarget | None
    candidates: int
    panel: int
    reviewed: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """Name somebody on the panel."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class RepositoryLine:
    """Show one repository: by its name and address to managers, by a number to a panel. `latest` is its newest analysis."""

    id: int
    name: str
    repository: Repository | None
    latest: Analysis | None
    shown: Analysis | None


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """Show one candidate. Name, contact, addresses and invitation are for managers."""

    id: int
    code_name: str
    sight: Sight
    repositories: tuple[RepositoryLine, ...]
    name: str
    contact: str | None
    addresses: tuple[str, ...]
    invitation: Invitation | None
    expires_at: datetime | None

    @property
    def draft(self) -> bool:
        """Tell whether the viewer has begun a review that is not handed in."""
        own = self.sight.own
        return own is not None and own.state == "asked" and own.draft is not None


@dataclass(frozen=True, slots=True)
class RequisitionPage:
    """Show a requisition; `colleagues` are those who could join the panel, for managers."""

    requisition: Requisition
    role: RoleTarget | None
    layers: tuple[Layer, ...]
    manages: bool
    on_panel: bool
    panel: tuple[Member, ...]
    candidates: tuple[CandidateLine, ...]
    colleagues: Sequence[tuple[int, str]]

    @property
    def closed(self) -> bool:
        """Tell whether nothing changes any more."""
        return self.requisition.closed_at is not None


def requisition_page(
    catalogue: Catalogue,
    actor: Actor,
    requisition: Requisition,
    candidates: Sequence[Candidate],
    analyses: Mapping[int, Sequence[Analysis]],
    reviews: Mapping[int, Sequence[Review]],
    colleagues: Sequence[tuple[int, str]],
    now: datetime,
) -> RequisitionPage:
    """Put the page of a requisition together; analyses by repository, the newest last, reviews by candidate."""
    present = [one for one in requisition.panel if one.left_at is None]
    return RequisitionPage(
        requisition=requisition,
        role=catalogue.roles.get(requisition.role_key),
        layers=requisition_layers(catalogue, requisition),
        manages=manager_of(actor, requisition),
        on_panel=actor.user_id in requisition.panel_ids,
        panel=tuple(Member(one.user_id, name_of(one.user)) for one in present),
        candidates=tuple(
            candidate_line(one, sight(actor, requisition, reviews.get(one.id, ())), analyses, now) for one in candidates
        ),
        colleagues=colleagues,
    )


def requisition_layers(catalogue: Catalogue, requisition: Requisition) -> tuple[Layer, ...]:
    """Return the layers that the panel reviews."""
    return tuple(layer for layer in catalogue.framework.layers if layer.key in requisition.layers)


def candidate_line(
    candidate: Candidate, seen: Sight, analyses: Mapping[int, Sequence[Analysis]], now: datetime
) -> CandidateLine:
    """Return what may be shown of a candidate."""
    plain, person = seen.manages, candidate.person
    return CandidateLine(
        id=candidate.id,
        code_name=candidate.code_name,
        sight=seen,
        repositories=tuple(
            _repository(number, one, analyses.get(one.id, ()), plain=plain)
            for number, one in enumerate(candidate.repositories, 1)
        ),
        name=person.name if plain else "",
        contact=candidate.contact if plain else None,
        addresses=tuple(one.email for one in person.identities if one.confirmed_by) if plain else (),
        invitation=_invitation(candidate, now) if plain else None,
        expires_at=candidate.expires_at if plain else None,
    )


def _repository(number: int, one: Repository, analyses: Sequence[Analysis], *, plain: bool) -> RepositoryLine:
    return RepositoryLine(
        id=one.id,
        name=one.name if plain else f"Repository {number}",
        repository=one if plain else None,
        latest=analyses[-1] if analyses else None,
        shown=next((done for done in reversed(analyses) if done.state == "done"), None),
    )


def _invitation(candidate: Candidate, now: datetime) -> Invitation:
    if candidate.consented_at is not None:
        return "accepted"
    if candidate.token_hash is None or candidate.expires_at is None:
        return "none"
    return "sent" if candidate.expires_at > now else "over"
