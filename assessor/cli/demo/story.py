"""What the story of the demo consists of; rubrics/demo/story.yaml tells it, and its head says what the figures mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "Amendment",
    "CandidateStory",
    "Commit",
    "DecisionStory",
    "Judgement",
    "Levels",
    "Member",
    "PanelReview",
    "Person",
    "Project",
    "Quiz",
    "RequisitionStory",
    "ReviewStory",
    "Scan",
    "Story",
    "TeamStory",
]

Levels = tuple[float, ...]
"""True levels in the ten layers, in their order."""


@dataclass(frozen=True, slots=True)
class Quiz:
    """Take the quiz so many months ago: over all layers or one, to its end or after so many questions."""

    months: float
    layer: str | None = None
    stops: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Work here: `then` and `now` are the true levels in the ten layers; see the head of the file for the rest."""

    key: str
    name: str
    part: str
    joined: float
    then: Levels = ()
    now: Levels = ()
    aims_at: str = ""
    domain: str | None = None
    bias: float = 0.0
    severity: float = 0.0
    rates: tuple[float, ...] = ()
    silent: tuple[str, ...] = ()
    quizzes: tuple[Quiz, ...] = ()

    @property
    def email(self) -> str:
        """Return the address they sign in and commit with, in a domain that no mail can reach (RFC 2606)."""
        return f"{self.key}@demo.invalid"

    def level(self, layer: int, months: float) -> float:
        """Return the true level in a layer, 0..9, so many months ago."""
        grown = 1 - min(months, self.joined) / self.joined
        return self.then[layer] + grown * (self.now[layer] - self.then[layer])


@dataclass(frozen=True, slots=True)
class Member:
    """Be in a team; `shares` None says that they have not decided."""

    who: str
    joined: float
    shares: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class TeamStory:
    """Group people."""

    name: str
    by: str
    role: str
    opened: float
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit files of a sample project; without patterns all that are left."""

    by: str
    months: float
    message: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Add a repository, or have it analysed again."""

    by: str
    months: float


@dataclass(frozen=True, slots=True)
class Project:
    """Work on a copy of a sample project in a folder of its own."""

    folder: str
    project: str
    commits: tuple[Commit, ...]
    scans: tuple[Scan, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Say what a reviewer wrote down: ratings and notes by topic; other topics are drawn."""

    ratings: Mapping[str, float]
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Amendment:
    """Change a review later, for a reason."""

    months: float
    said: Judgement
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewStory:
    """Ask somebody for a review of one layer, or review oneself; handed in, declined, or open still."""

    of: str
    by: str
    layer: str
    asked: float
    handed_in: float | None
    declined: float | None
    said: Judgement
    amended: Amendment | None


@dataclass(frozen=True, slots=True)
class PanelReview:
    """Review a candidate; a draft is begun and not handed in."""

    by: str
    months: float
    draft: bool
    said: Judgement


@dataclass(frozen=True, slots=True)
class DecisionStory:
    """Decide about a candidate."""

    months: float
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class CandidateStory:
    """Apply, by a link or by what the manager adds; the repository is a copy of a sample project."""

    key: str
    name: str
    contact: str
    email: str
    added: float
    invited: bool
    levels: Levels
    domain: str | None
    quiz: Quiz | None
    project: Project
    reviews: tuple[PanelReview, ...]
    decision: DecisionStory | None


@dataclass(frozen=True, slots=True)
class RequisitionStory:
    """Look for somebody."""

    title: str
    by: str
    role: str
    layers: tuple[str, ...]
    opened: float
    panel: tuple[str, ...]
    candidates: tuple[CandidateStory, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Hold everything that happened."""

    seed: int
    workspace: str
    people: tuple[Person, ...]
    teams: tuple[TeamStory, ...]
    projects: tuple[Project, ...]
    reviews: tuple[ReviewStory, ...]
    requisition: RequisitionStory
