"""Requisitions for tests: made through the services, with candidates whose repositories are analysed."""

from __future__ import annotations

from collections.abc import Sequence

from assessor.content.schema import Catalogue
from assessor.models.hiring import Candidate
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.web.clients import finish

ROLE = "ml-engineer"
LAYERS = ("production-infrastructure", "evaluation-measurement")
SOURCE = "https://github.com/ada-lovelace/zanzibar"
AUTHOR = "ada.lovelace@private.example"


def open_requisition(unit: UnitFactory, manager: Actor, *panel: Actor, title: str = "ML engineer, Bern") -> int:
    """Open a requisition with a panel and return its id."""
    with unit(write=True) as u:
        requisition = u.hiring.open(manager, title, ROLE, LAYERS)
        for one in panel:
            u.hiring.join_panel(manager, requisition, one.user_id)
        return requisition.id


def add_candidate(
    unit: UnitFactory, manager: Actor, requisition_id: int, source: str = SOURCE, *, email: str | None = AUTHOR
) -> int:
    """Add a candidate by a repository whose analysis is finished, and return their id."""
    with unit(write=True) as u:
        requisition = u.hiring.requisition(requisition_id, lock=True)
        candidate, analysis = u.hiring.add(manager, requisition, source, email, "call 555-0100")
        candidate_id, analysis_id = candidate.id, analysis.id
    finish(unit, analysis_id, author=email)
    return candidate_id


def hand_in(
    unit: UnitFactory,
    reviewer: Actor,
    requisition_id: int,
    candidate_id: int,
    rating: float = 3.0,
    note: str = "",
    layers: Sequence[str] = LAYERS,
) -> None:
    """Hand in a review that gives every topic the same rating and note."""
    keys = topics(unit.catalogue, layers)
    with unit(write=True) as u:
        candidate = u.hiring.candidate(requisition_id, candidate_id, lock=True)
        u.panel.hand_in(reviewer, candidate, dict.fromkeys(keys, rating), dict.fromkeys(keys, note), None)


def topics(catalogue: Catalogue, layers: Sequence[str] = LAYERS) -> list[str]:
    """Return the keys of the topics of layers."""
    return [topic.key for layer in catalogue.framework.layers if layer.key in layers for topic in layer.topics]


def load(unit: UnitFactory, requisition_id: int, candidate_id: int) -> Candidate:
    """Return a candidate."""
    with unit() as u:
        return u.hiring.candidate(requisition_id, candidate_id)
