"""Take out of texts what names a candidate, so that a panel judges the work and not the person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from assessor.analysis.report.model import SHOWN_FINDINGS
from assessor.models.portfolio import Analysis, Repository
from assessor.models.profile import Person
from assessor.services.evidence_beside import LayerBeside, SignalBeside
from assessor.services.evidence_page import EvidencePage, FindingView, Line
from assessor.services.grade_reasons import Reason

__all__ = ["HIDDEN", "LINK", "Scrubber", "scrubber"]

HIDDEN, LINK = "…", "(link)"

ORDINARY = """
ability about admin agent ai all analysis and api app application apps archive art assistant async automation aws
backend base basic batch bench benchmark bot build builder cache chat classifier cli client cloud cluster code
codebase collection common company compare component config contact container content core course dashboard data
database dataset deep demo deploy deployment dev developer dnn docker docs example examples experiment experiments
feature features final first flow forecast forecasting framework frontend function game generator git github gitlab
grace graph group guide hello help home homework image images inference info infra infrastructure input job kit lab
labs language learn learning library linear list llm load loader local log login logs mail main manager map mark
master max min mine mini ml mlops model modeling modelling models module my net network neural new nlp node none
notebook notebooks office open ops optimizer org output package page paper pipeline pipelines platform playground
plugin portfolio practice predict prediction predictor processing production project projects prototype public
pytorch query rag recommender regression release report repo repository research rest result results root run
runner sales sample samples sandbox schema science script scripts search sentiment server service services set
setup shop simple site software solution source spark src stack start starter store study support system systems
task team template tensor test testing tests text the tool toolkit tools torch track tracker train trainer training
transform transformer transformers tutorial user users util utils vector version video vision web website will
wise work worker workflow world
as assert async await break case class continue def del do elif else except false finally for from global if import
in is lambda match nonlocal not or pass raise return self true try type while with yield
an at by di de da du el en et id is it la le me no of on so to up us van von we
"""
WORDS = frozenset(ORDINARY.split())
"""Words of the trade and of Python. Taken out, they would hide the work; left in, they name nobody."""

LEAST = 3
"""Letters that a part of a name has at least before it is taken out by itself."""

FORGES = (
    r"(?:github\.com|raw\.githubusercontent\.com|gist\.github\.com|gitlab\.com|bitbucket\.org|codeberg\.org"
    r"|huggingface\.co|hf\.co|git\.sr\.ht|linkedin\.com|kaggle\.com|[\w-]+\.github\.io|[\w-]+\.gitlab\.io)"
)
ADDRESS = r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
LINK_SIGNS = ("git", "bitbucket", "codeberg", "huggingface", "hf.co", "linkedin", "kaggle")
AUTHOR_SIGNS = ("author", "maintainer")
GENERAL: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (
        LINK_SIGNS,
        re.compile(rf"(?i)(?:git\+)?(?:https?|ssh|git)://(?:[^\s/@]*@)?(?:www\.)?{FORGES}[^\s\"'<>)\]]*"),
        LINK,
    ),
    (LINK_SIGNS, re.compile(rf"(?i)\bgit@{FORGES}:[^\s\"'<>)\]]*"), LINK),
    (LINK_SIGNS, re.compile(rf"(?i)(?<![\w.-]){FORGES}/[^\s\"'<>)\]]+"), LINK),
    (("@",), re.compile(ADDRESS), HIDDEN),
    (
        ("copyright", "©"),
        re.compile(r"(?i)(?<!\w)((?:copyright\b(?:\s*\(c\)|\s*©)?|©)[\d,\s–-]*)[^\W\d].*"),
        rf"\1{HIDDEN}",
    ),
    (
        AUTHOR_SIGNS,
        re.compile(r"(?i)((?:author|maintainer)s?(?:__|[\"'])?\s*[=:][\s\[({]*(?:name\s*=\s*)?)[\"'].*"),
        rf"\1{HIDDEN}",
    ),
    (
        AUTHOR_SIGNS,
        re.compile(r"(?im)^([\s#*/]*@?(?:author|maintainer)s?\b:?[ \t]*(?=[^\W\d_][^\W\d]+ ))\S.*"),
        rf"\1{HIDDEN}",
    ),
)
"""What names its writer in any repository: links to forges, addresses, and lines that say whose it is; each with what it
takes for the pattern to be tried, since most lines have none of it."""


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Replace whole words, the longest first and whatever their case, and what is in GENERAL."""

    words: Mapping[str, str]
    numbers: Mapping[str, str]
    pattern: re.Pattern[str] | None

    def text(self, text: str) -> str:
        """Return a text without what names the candidate."""
        text = unicodedata.normalize("NFC", text)
        lower = text.lower()
        for signs, general, neutral in GENERAL:
            if any(sign in lower for sign in signs):
                text = general.sub(neutral, text)
        if self.pattern is None or not any(word in lower for word in self.words):
            return text
        return self.pattern.sub(lambda found: self.words.get(_folded(found[0]), HIDDEN), text)

    def maybe(self, text: str | None) -> str | None:
        """Return the same for a text that may be missing."""
        return None if text is None else self.text(text)

    def page(self, page: EvidencePage) -> EvidencePage:
        """Return the page of a signal scrubbed: texts of findings, the repository's name and address, and the commit."""
        made = page.analysis
        named = self.numbers.get(made.repository.name, HIDDEN)
        repository = Repository(person_id=made.person_id, kind="zip", source="", name=named)
        analysis = Analysis(id=made.id, state=made.state, finished_at=made.finished_at, repository=repository)
        findings = tuple(self._finding(view, lines=place < SHOWN_FINDINGS) for place, view in enumerate(page.findings))
        return replace(page, analysis=analysis, findings=findings)

    def beside(self, layers: Iterable[LayerBeside]) -> tuple[LayerBeside, ...]:
        """Return what lies beside a rubric with repositories under their numbers and every text scrubbed."""
        return tuple(replace(part, signals=tuple(map(self._signal, part.signals))) for part in layers)

    def _signal(self, one: SignalBeside) -> SignalBeside:
        places = tuple(replace(at, place=self.text(at.place), message=self.text(at.message)) for at in one.places)
        return replace(one, repository=self.numbers.get(one.repository, HIDDEN), places=places)

    def _finding(self, view: FindingView, *, lines: bool) -> FindingView:
        """Return a finding scrubbed, with its lines where a page shows them."""
        found = view.finding
        return replace(
            view,
            finding=replace(
                found,
                path=self.text(found.path),
                message=self.text(found.message),
                wired_by=self.maybe(found.wired_by),
                verified_by=self.maybe(found.verified_by),
                excerpt=None,
            ),
            reasons=tuple(Reason(one.holds, self.text(one.text)) for one in view.reasons),
            lines=tuple(Line(one.number, self.text(one.text), one.cited) for one in view.lines if lines),
        )


def scrubber(person: Person, repositories: Iterable[Repository], contact: str | None = None) -> Scrubber:
    """Return what takes a candidate's name, addresses, owner's names and repositories' names out of texts.

    Repositories are called "Repository 1" and so on in the order of `repositories`. The identities of the person must be
    loaded.
    """
    words: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for number, one in enumerate(repositories, 1):
        numbers.setdefault(one.name, f"Repository {number}")
        *owner, name = _source_parts(one)
        _add(words, _spellings(name), f"Repository {number}")
        for part in owner:
            _add(words, (part, *_parts(part)), HIDDEN)
    for address in (*(one.email for one in person.identities), contact or ""):
        local = address.partition("@")[0]
        _add(words, (address, local, *_parts(local)), HIDDEN)
    name = " ".join(person.name.split())
    _add(words, (name, *_parts(name)), HIDDEN)
    ordered = sorted(words, key=lambda word: (-len(word), word))
    if not ordered:
        return Scrubber({}, numbers, None)
    # An underscore parts words: snake case is how code spells names.
    either = "|".join(map(re.escape, ordered))
    pattern = re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])", re.IGNORECASE)
    return Scrubber(words, numbers, pattern)


def _add(words: dict[str, str], found: Iterable[str], neutral: str) -> None:
    for word in found:
        for spelt in {_folded(word), _plain(word)}:
            if len(spelt) >= LEAST and spelt not in WORDS:
                words.setdefault(spelt, neutral)


def _source_parts(repository: Repository) -> tuple[str, ...]:
    """Return the parts of a repository's address from the owner on; the last one is its name."""
    parts = urlsplit(repository.source).path.strip("/").split("/") if repository.kind == "git" else []
    return (*(part.lstrip("~") for part in parts[:-1]), repository.name)


def _spellings(name: str) -> tuple[str, ...]:
    """Return how code spells the name of a repository: with hyphens, underscores, nothing, a dot or a space between."""
    pieces = [piece for piece in re.split(r"[\W_]+", name) if piece]
    # "data pipeline" is what everybody calls one; "data-pipeline" is how this repository is called.
    loose = () if all(piece.lower() in WORDS for piece in pieces) else (" ", ".")
    return (name, *(joint.join(pieces) for joint in ("-", "_", "", *loose)))


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\W\d_]+", name) if part]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _plain(text: str) -> str:
    """Return a name as it is written on a keyboard without its accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)).lower()
