"""Read rubrics/demo/story.yaml into records; every problem of the file is told with its line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, get_args

from assessor.cli.demo.story import (
    Amendment,
    CandidateStory,
    Commit,
    DecisionStory,
    Judgement,
    Levels,
    Member,
    PanelReview,
    Person,
    Project,
    Quiz,
    RequisitionStory,
    ReviewStory,
    Scan,
    Story,
    TeamStory,
)
from assessor.content.schema import Catalogue
from assessor.content.yamlfile import ContentError, Problems, Value, read_file
from assessor.models.hiring import Verdict

__all__ = ["read_story"]

LAYERS = 10
LONGEST = 36
PARTS = ("engineer", "manager", "panellist")
ALL = "all"
T = TypeVar("T")
U = TypeVar("U")


def read_story(folder: Path, catalogue: Catalogue) -> Story:
    """Return the story in a folder of content. Raises ContentError with every problem of the file."""
    problems = Problems()
    root = read_file(folder, folder / "demo" / "story.yaml", problems)
    found = root.fields(("seed", "workspace", "people", "teams", "repositories", "reviews", "requisition"))
    try:
        story = _Reader(folder, catalogue, found).story()
    except KeyError:
        if not problems:  # a field that is missing is a problem, and was noted before it was asked for
            raise
    if problems:
        raise ContentError(tuple(sorted(set(problems))))
    return story


class _Reader:
    """Read the parts; names of people, layers, topics, roles and projects must be known."""

    def __init__(self, folder: Path, catalogue: Catalogue, found: Mapping[str, Value]) -> None:
        self._found = found
        self._layers = [layer.key for layer in catalogue.framework.layers]
        self._topics = {layer.key: [topic.key for topic in layer.topics] for layer in catalogue.framework.layers}
        self._domains = [t.key for one in catalogue.framework.layers if one.choose is not None for t in one.topics]
        self._roles = list(catalogue.roles)
        self._projects = sorted(path.name for path in (folder / "demo").iterdir() if path.is_dir())
        self._people: list[str] = []

    def story(self) -> Story:
        found = self._found
        people = tuple(map(self._person, found["people"].list()))
        self._people = [person.key for person in people]
        return Story(
            seed=found["seed"].whole(0, 1_000_000),
            workspace=found["workspace"].text(),
            people=people,
            teams=tuple(map(self._team, found["teams"].list())),
            projects=tuple(map(self._project, found["repositories"].list())),
            reviews=tuple(map(self._review, found["reviews"].list())),
            requisition=self._requisition(found["requisition"]),
        )

    def _person(self, entry: Value) -> Person:
        known = ("key", "name", "part", "joined")
        told = ("shape", "aims_at", "then", "now", "bias", "rates", "quizzes")
        part = entry.data.get("part") if isinstance(entry.data, dict) else None
        engineer = part is not None and part.data == "engineer"
        found = entry.fields((*known, *told) if engineer else known, ("domain", "severity", "silent", *told))
        return Person(
            key=found["key"].text(),
            name=found["name"].text(),
            part=found["part"].one_of(PARTS),
            joined=_months(found["joined"]),
            then=_levels(found.get("then")),
            now=_levels(found.get("now")),
            aims_at=_or(found, "aims_at", lambda value: value.one_of(self._roles), ""),
            domain=_or(found, "domain", lambda value: value.one_of(self._domains), None),
            bias=_or(found, "bias", _shift, 0.0),
            severity=_or(found, "severity", _shift, 0.0),
            rates=_or(found, "rates", lambda value: tuple(map(_months, value.list())), ()),
            silent=_or(found, "silent", self._layer_list, ()),
            quizzes=_or(found, "quizzes", lambda value: tuple(map(self._quiz, value.list())), ()),
        )

    def _quiz(self, entry: Value) -> Quiz:
        found = entry.fields(("months",), ("layer", "stops"))
        return Quiz(
            _months(found["months"]),
            _or(found, "layer", self._layer, None),
            _or(found, "stops", lambda value: value.whole(1, 40), None),
        )

    def _team(self, entry: Value) -> TeamStory:
        found = entry.fields(("name", "by", "role", "opened", "members"))
        return TeamStory(
            found["name"].text(),
            self._who(found["by"]),
            found["role"].one_of(self._roles),
            _months(found["opened"]),
            tuple(map(self._member, found["members"].list())),
        )

    def _member(self, entry: Value) -> Member:
        found = entry.fields(("who", "joined"), ("shares",))
        shares = found.get("shares")
        if shares is not None and shares.data == ALL:
            return Member(self._who(found["who"]), _months(found["joined"]), tuple(self._layers))
        return Member(self._who(found["who"]), _months(found["joined"]), _or(found, "shares", self._layer_list, None))

    def _project(self, entry: Value) -> Project:
        found = entry.fields(("folder", "project", "commits", "added"))
        return Project(
            found["folder"].text(),
            found["project"].one_of(self._projects),
            tuple(map(self._commit, found["commits"].list())),
            tuple(map(self._scan, found["added"].list())),
        )

    def _commit(self, entry: Value) -> Commit:
        found = entry.fields(("by", "months", "message"), ("files",))
        files = _or(found, "files", _texts, ())
        return Commit(self._who(found["by"]), _months(found["months"]), found["message"].text(), files)

    def _scan(self, entry: Value) -> Scan:
        found = entry.fields(("by", "months"))
        return Scan(self._who(found["by"]), _months(found["months"]))

    def _review(self, entry: Value) -> ReviewStory:
        found = entry.fields(("of", "by", "layer", "asked"), ("handed_in", "declined", "ratings", "notes", "amended"))
        layer = self._layer(found["layer"])
        return ReviewStory(
            of=self._who(found["of"]),
            by=self._who(found["by"]),
            layer=layer,
            asked=_months(found["asked"]),
            handed_in=_or(found, "handed_in", _months, None),
            declined=_or(found, "declined", _months, None),
            said=self._said(found, [layer]),
            amended=_or(found, "amended", lambda value: self._amendment(value, layer), None),
        )

    def _amendment(self, entry: Value, layer: str) -> Amendment:
        found = entry.fields(("months", "ratings", "reason"), ("notes",))
        return Amendment(_months(found["months"]), self._said(found, [layer]), found["reason"].text())

    def _said(self, found: Mapping[str, Value], layers: Sequence[str]) -> Judgement:
        topics = [topic for layer in layers for topic in self._topics.get(layer, ())]
        ratings = self._by_topic(found.get("ratings"), topics, lambda value: value.number(0, 5, step=0.5))
        return Judgement(ratings, self._by_topic(found.get("notes"), topics, Value.text))

    def _by_topic(self, entry: Value | None, topics: Collection[str], read: Callable[[Value], T]) -> dict[str, T]:
        return {} if entry is None else {key: read(value) for key, value in entry.fields((), topics).items()}

    def _requisition(self, entry: Value) -> RequisitionStory:
        found = entry.fields(("title", "by", "role", "layers", "opened", "panel", "candidates"))
        layers = self._layer_list(found["layers"])
        return RequisitionStory(
            found["title"].text(),
            self._who(found["by"]),
            found["role"].one_of(self._roles),
            layers,
            _months(found["opened"]),
            tuple(map(self._who, found["panel"].list())),
            tuple(self._candidate(one, layers) for one in found["candidates"].list()),
        )

    def _candidate(self, entry: Value, layers: Sequence[str]) -> CandidateStory:
        found = entry.fields(
            ("key", "name", "contact", "email", "added", "levels", "project", "folder", "reviews"),
            ("invited", "domain", "quiz", "files", "decision"),
        )
        key, added = found["key"].text(), _months(found["added"])
        commit = Commit(key, added, "Show how I work", _or(found, "files", _texts, ()))
        return CandidateStory(
            key=key,
            name=found["name"].text(),
            contact=found["contact"].text(),
            email=found["email"].text(),
            added=added,
            invited=_or(found, "invited", Value.flag, False),
            levels=_levels(found["levels"]),
            domain=_or(found, "domain", lambda value: value.one_of(self._domains), None),
            quiz=_or(found, "quiz", self._quiz, None),
            project=Project(
                f"{key}/{found['folder'].text()}",
                found["project"].one_of(self._projects),
                (commit,),
                (Scan(key, added),),
            ),
            reviews=tuple(self._panel_review(one, layers) for one in found["reviews"].list()),
            decision=_or(found, "decision", _decision, None),
        )

    def _panel_review(self, entry: Value, layers: Sequence[str]) -> PanelReview:
        found = entry.fields(("by", "months", "ratings"), ("notes", "draft"))
        said = self._said(found, layers)
        return PanelReview(
            self._who(found["by"]), _months(found["months"]), _or(found, "draft", Value.flag, False), said
        )

    def _who(self, value: Value) -> str:
        return value.one_of(self._people)

    def _layer(self, value: Value) -> str:
        return value.one_of(self._layers)

    def _layer_list(self, value: Value) -> tuple[str, ...]:
        return tuple(map(self._layer, value.list()))


def _decision(entry: Value) -> DecisionStory:
    found = entry.fields(("months", "verdict", "reason"))
    return DecisionStory(_months(found["months"]), found["verdict"].one_of(get_args(Verdict)), found["reason"].text())


def _or(found: Mapping[str, Value], name: str, read: Callable[[Value], T], otherwise: U) -> T | U:
    """Return what an optional field says."""
    return read(found[name]) if name in found else otherwise


def _months(value: Value) -> float:
    return value.number(0, LONGEST, step=0.25)


def _shift(value: Value) -> float:
    return value.number(-3, 3, step=0.25)


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(one.text() for one in value.list())


def _levels(value: Value | None) -> Levels:
    if value is None:
        return ()
    found = tuple(one.number(0, 5, step=0.25) for one in value.list())
    if len(found) != LAYERS:
        value.problems.at(value, f"there must be {LAYERS} levels, not {len(found)}")
    return found
