"""Layer 7: personal data that is hidden, and a record of who did what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ManifestFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Lookup, idioms, last_of, library_calls, lookup_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Place, Site, at_call, at_place
from assessor.analysis.signals.told import told

__all__ = ["audit_log", "privacy"]

HIDING = idioms(
    ("detected", r"presidio_analyzer\..*\.analyze(?:_\w+)?$|presidio_\w+\.(?:\w+\.)*BatchAnalyzerEngine\(\)\.\w+$", "personal data is detected"),
    ("masked", r"presidio_anonymizer\..*\.(?:anonymize|deanonymize)\w*$|presidio_image_redactor\..*redact\w*$", "personal data is masked"),
    ("masked", r"scrubadub\.(?:\w+\.)*(?:clean|Scrubber\(\)\.(?:clean|iter_filth))$|(?:dataprofiler|datafog|piiranha|pii_extract|pii_codex|anonymizedf|pynonymizer|cape_privacy|deduce|philter)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "personal data is masked"),
    ("masked", r"(?:langchain_experimental)\.data_anonymizer\..*\.(?:anonymize|deanonymize)$", "personal data is masked"),
    ("masked", r"llm_guard\.(?:\w+\.)*(?:Anonymize|Deanonymize|Sensitive)$|guardrails\.hub\.(?:DetectPII|GuardrailsPII)$", "personal data is masked"),
    ("private-training", r"opacus\.(?:\w+\.)*PrivacyEngine\(\)\.make_private\w*$|tensorflow_privacy\.(?:\w+\.)*(?:DP\w+Optimizer\w*|compute_dp_sgd_privacy\w*)$|(?:diffprivlib|pydp|opendp|dp_accounting|smartnoise|snsql|jax_privacy|pipeline_dp)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "trains or counts with differential privacy"),
    ("private-training", r"flwr\.(?:\w+\.)*\w*(?:DifferentialPrivacy|DP)\w*$|syft\.\w+", "learns where the data lies, with noise"),
)  # fmt: skip
CLOUD = (
    "deidentify_content",
    "inspect_content",
    "reidentify_content",
    "detect_pii_entities",
    "contains_pii_entities",
    "recognize_pii_entities",
    "deidentify_dataset",
    "begin_recognize_pii_entities",
    "detect_phi",
)
OWN_NAME = Lazy(
    r"(?:^|_)(?:(?:anonymi[sz]e|pseudonymi[sz]e|de_?identif(?:y|ier)|deidentification|depersonali[sz]e)(?:_\w+)?|(?:mask|redact|scrub|hide|strip|remove|detect|find|scan|contains|has|tokeni[sz]e|hash|encrypt|filter|clean)_(?:\w+_)?"
    r"(?:pii|phi|personal\w*|emails?|phones?|phone_numbers?|ssn|iban|names?_and_\w+|patient\w*|identifiers|credit_cards?|sensitive_\w*|direct_identifiers|quasi_\w+)|(?:pii|phi)_\w+)$",
    re.IGNORECASE,
)
SUBSTITUTES = Lazy(
    r"(?:re|regex)\.(?:sub|subn|findall|finditer|search|compile\(\)\.(?:sub|subn|findall|finditer|search|match|fullmatch))$|hashlib\.\w+$|hmac\.(?:new|digest)$|\??str\.replace$"
)
PLACEHOLDER = Lazy(
    r"[\[<{*_(]{1,2}\s*(?:redacted[\s_:\-]*)?(?:e-?mail|phone|ssn|name|person|patient|credit[\s_\-]?card|card|iban|address|ip|ip_address|date_of_birth|dob|mrn|pii|user|id_number|passport|tel)(?:[\s_]?(?:address|number|redacted|removed|masked))?\d*\s*[\]>}*_)]{1,2}",
    re.IGNORECASE,
)
NOT_PEOPLE = Lazy(
    r"password|secret|token|api_?key|credential|connection|url|dsn|uri|attention|padding|logit|header", re.IGNORECASE
)


def privacy(project: Project) -> Iterator[Finding]:
    """Find personal data that is detected, masked, pseudonymised or kept out by noise.

    Bad: `Faker().address()` in fixtures, `@app.delete("/account")`, a masked password.
    Good: `AnonymizerEngine().anonymize(text, found)`; `EMAIL.sub("[EMAIL]", text)`; `PrivacyEngine().make_private(...)`.
    """
    lookup = lookup_of(project)
    yield from library_calls("privacy", lookup, HIDING)
    for site in lookup.ending(*CLOUD):
        yield at_call("privacy", "cloud", site, f"{last_of(site.name)}() of a cloud detects or masks personal data")
    for site in lookup.ending("sub", "subn", "replace"):
        texts = [
            value
            for value in (*site.call.arguments[:3], dict(site.call.keywords).get("repl"))
            if isinstance(value, str)
        ]
        if any(PLACEHOLDER.fullmatch(text) for text in texts) and site.name.startswith(("re.", "regex.", "?", "str")):
            yield at_call("privacy", "masked", site, "personal data is replaced by a placeholder")
    for place in lookup.functions(OWN_NAME):
        if not NOT_PEOPLE.search(place.definition.name) and _hides(lookup, place):
            yield at_place("privacy", "own", place, f"{place.definition.name}() hides or detects personal data")


def _hides(lookup: Lookup, place: Place) -> bool:
    return any(
        SUBSTITUTES.match(lookup.project.resolve(place.path, call.name))
        for call in lookup.code.calls_within(place.path, place.index)
    )


RECORDING = idioms(
    ("library", r"auditlog\.(?:registry\.auditlog\.register|context\.\w+|models\.LogEntry\.objects\.\w+)$", "changes of a model are recorded with who made them"),
    ("library", r"simple_history\.(?:models\.HistoricalRecords|register)$", "changes of a model are recorded with who made them"),
    ("library", r"reversion\.(?:register|create_revision|set_user)(?:\(\))?$", "changes of a model are recorded with who made them"),
    ("library", r"sqlalchemy_continuum\.make_versioned$|postgresql_audit\.(?:\w+\.)*(?:VersioningManager|versioning_manager\.init)$", "changes of tables are recorded with who made them"),
    ("library", r"(?:pghistory)\.(?:track|context|Snapshot|create_event)(?:\(\))?$|easyaudit\.\w+|actstream\.action\.send$|flask_audit_log\.\w+|pgaudit\.\w+", "changes are recorded with who made them"),
)  # fmt: skip
AUDIT = Lazy(
    r"(?:^|_)audit(?:s|ed|or)?(?:_(?:log|trail|event|entry|record|action|change)s?)?$|^(?:log|write|record|append|add|emit|create|save|track|insert|store)_audit(?:_\w+)?$|^audit_\w+$",
    re.IGNORECASE,
)
TABLE = Lazy(
    r"Audit(?:Log|Trail|Event|Entry|Record|Item|Line)?(?:Model|Table|Entry|Record)?$|^(?:Activity|Change|Action)(?:Log|Record)$"
)
RECORDS = Lazy(r"^(?:log|record|write|append|add|emit|track|__call__|save|entry)")
ACTOR = Lazy(
    r"^(?:actor|user|user_id|username|who|by|performed_by|changed_by|created_by|principal|subject|operator|reviewer|author|admin|account|email|actor_\w+|current_user|done_by|identity)$",
    re.IGNORECASE,
)
ACTION = Lazy(
    r"^(?:action|event|event_type|operation|verb|what|change|activity|op|type|kind|resource|object|target|message|details|entity\w*|old|new|before|after)$",
    re.IGNORECASE,
)
INSERTED = Lazy(r"\s*insert\s+into\s+[\"`\w.]*(?:audit|activity_log|change_log)", re.IGNORECASE)
KEPT = Lazy(
    r"^(?:add|append|insert|insert_one|execute|write|commit|create|save|put_item|send|publish|writerow|dump|dumps|put|info|put_record|add_all|exec|bulk_create|writelines|appendleft|log|flush)$"
)


def audit_log(project: Project) -> Iterator[Finding]:
    """Find records of who did what and when, added on changes and never edited.

    Bad: `log.info("row %s changed", key)`, a `created_at` column. Good: `AuditEvent(actor=user.id, action="approve", ...)` added in the same session.
    """
    lookup = lookup_of(project)
    yield from library_calls("audit-log", lookup, RECORDING)
    for site in lookup.ending("execute", "executemany", "exec", "text", "run", "fetchrow", "fetch"):
        if any(isinstance(value, str) and INSERTED.match(value) for value in site.call.arguments):
            yield at_call("audit-log", "table", site, "who did what is added to a table")
    yield from _own_entries(lookup)
    yield from _own_functions(lookup)
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects if role_of(path) is Role.OWN else ():
            if thing.api.startswith("audit.k8s.io"):
                yield told(
                    "audit-log", "policy", path, thing.line, "the cluster records who changed what", Strength.USED
                )


def _own_entries(lookup: Lookup) -> Iterator[Finding]:
    """Find entries of an audit table or log that are made with who and what."""
    for site in lookup.lasts(TABLE):
        name = last_of(site.name)
        defined = lookup.project.definition(site.name)
        keys = [key for key, _ in site.call.keywords]
        if (
            defined is not None
            and site.call.scope >= 0
            and any(map(ACTOR.match, keys))
            and any(map(ACTION.match, keys))
            and not _only_reads(site)
        ):
            yield at_call("audit-log", "entry", site, f"{name} says who did what")
    for site in lookup.ending("create"):
        owner = site.name.removesuffix(".objects.create")
        if owner != site.name and TABLE.search(last_of(owner)):
            yield at_call("audit-log", "entry", site, f"{last_of(owner)} says who did what")


def _only_reads(site: Site) -> bool:
    return bool(re.search(r"Query|Filter|Response|Schema|Out$", site.name))


def _own_functions(lookup: Lookup) -> Iterator[Finding]:
    """Find functions that take an actor and an action and keep both, and that something calls."""
    places = [
        *lookup.functions(AUDIT),
        *(place for place in lookup.functions(RECORDS) if "Audit" in _class_of(lookup, place)),
    ]
    for place in places:
        body = place.definition
        who, what = any(map(ACTOR.match, body.named)), any(map(ACTION.match, body.named))
        kept = [last_of(call.name) for call in lookup.code.calls_within(place.path, place.index)]
        if who and what and any(map(KEPT.match, kept)):
            yield at_place("audit-log", "own", place, f"{body.name}() keeps who did what")


def _class_of(lookup: Lookup, place: Place) -> str:
    parent = place.definition.parent
    return lookup.code.files[place.path].definitions[parent].name if parent >= 0 else ""
