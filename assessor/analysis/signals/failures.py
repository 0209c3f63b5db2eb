"""Layer 10: what happens when something else fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import Call, Handler, PythonFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Idiom, Lookup, idioms, last_of, library_calls, lookup_of, root_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Place, Site, at_call, at_place, setting_of

__all__ = ["failure_handling", "swallowed_errors"]


def _bounded(call: Call) -> bool:
    return any(re.fullmatch(BOUNDS, key) and value not in (0, False) for key, value in call.keywords)


def _several(call: Call) -> bool:
    return any(
        re.fullmatch(r"(?:max_)?(?:retries|attempts)|num_retries|autoretry_for|retry_policy|retry", key)
        and value not in (0, 1, False, None)
        for key, value in call.keywords
    )


BOUNDS = r"stop\w*|max_\w+|tries|attempts|retries|total|connect|read|wait\w*|delay|num_retries|timeout|deadline|initial|backoff\w*|jitter|on"
RETRIES = idioms(
    Idiom(
        "retry",
        re.compile(r"tenacity\.(?:\w+\.)?(?:retry|Retrying|AsyncRetrying)$"),
        "retries that end, with waits",
        when=_bounded,
    ),
    Idiom(
        "retry",
        re.compile(r"tenacity\.(?:\w+\.)?(?:retry|Retrying|AsyncRetrying)$"),
        "retries without an end or a wait",
        Strength.DECLARED,
    ),
    Idiom("retry", re.compile(r"backoff\.(?:on_exception|on_predicate)$"), "retries with growing waits"),
    Idiom(
        "retry",
        re.compile(
            r"(?:retrying|retry|retry2|opnieuw|stamina|aioretry|redo|retry_requests|retryhttp|riprova|flaky_retry)\.(?:\w+\.)?\w*[rR]etr\w*$"
        ),
        "retries that end",
        when=lambda call: bool(call.keywords or call.arguments),
    ),
    Idiom("retry", re.compile(r"urllib3\.(?:util\.)?(?:retry\.)?Retry$"), "an HTTP client that retries", when=_bounded),
    Idiom(
        "retry",
        re.compile(r"requests\.(?:packages\.urllib3\.util\.)?(?:adapters\.HTTPAdapter|retry\.Retry)$"),
        "an HTTP client that retries",
        when=_several,
    ),
    Idiom(
        "retry",
        re.compile(r"aiohttp_retry\.(?:RetryClient|\w+Retry)$|httpx\.(?:Async)?HTTPTransport$"),
        "an HTTP client that retries",
        when=lambda call: bool(call.keywords),
    ),
    ("retry", r"httpx_retries\.\w+$", "an HTTP client that retries"),
    Idiom(
        "retry", re.compile(r"google\.(?:api_core|cloud)\.(?:\w+\.)*(?:Async)?Retry$"), "calls to the cloud are retried"
    ),
    Idiom(
        "retry",
        re.compile(r"botocore\.(?:config|client)\.Config$"),
        "calls to the cloud have limits",
        when=lambda call: any(key in ("retries", "connect_timeout", "read_timeout") for key, _ in call.keywords),
    ),
    Idiom(
        "retry",
        re.compile(
            r"(?:celery|dramatiq|huey|rq|arq|prefect|dagster|airflow|flytekit|zenml|metaflow|modal|temporalio)\..*"
        ),
        "a task that is tried again, so often at most",
        when=_several,
    ),
    (
        "retry",
        r"(?:rq|dagster|temporalio|modal)\.(?:\w+\.)*(?:Retry|RetryPolicy|Retries)$",
        "a task that is tried again, so often at most",
    ),
    ("retry", r"celery\..*\.retry$", "a task that is tried again"),
    (
        "breaker",
        r"(?:pybreaker|aiobreaker|purgatory|circuitbreaker|aiomisc|pyfailsafe|hyx|lasier)\.(?:\w+\.)*\w*(?:[bB]reaker|circuit)\w*",
        "a circuit breaker",
    ),
    ("retry", r"(?:hyx|pyfailsafe|failsafe)\.\w+", "retries, breakers and fallbacks"),
    Idiom(
        "limits",
        re.compile(
            r"(?:openai|anthropic|litellm|langchain_openai|langchain_anthropic|langchain|cohere|groq|mistralai)\..*"
        ),
        "the model's client has limits",
        when=lambda call: any(
            key in ("timeout", "max_retries", "request_timeout", "fallbacks", "num_retries")
            and value not in (None, 0, "=None")
            for key, value in call.keywords
        ),
    ),
    (
        "timeout",
        r"(?:asyncio|async_timeout|anyio|trio)\.(?:wait_for|timeout|timeout_at|fail_after|move_on_after)$",
        "waits so long at most",
    ),
)
CLIENTS = frozenset(
    {
        "requests",
        "httpx",
        "aiohttp",
        "urllib",
        "urllib3",
        "grpc",
        "redis",
        "pymongo",
        "elasticsearch",
        "opensearchpy",
        "qdrant_client",
        "psycopg",
        "psycopg2",
    }
    | {
        "asyncpg",
        "boto3",
        "smtplib",
        "socket",
        "http",
        "kafka",
        "pika",
        "paho",
        "tritonclient",
        "weaviate",
        "pinecone",
        "hvac",
        "kubernetes",
        "docker",
        "ldap3",
    }
)
TIMEOUTS = (
    "timeout",
    "connect_timeout",
    "read_timeout",
    "socket_timeout",
    "socket_connect_timeout",
    "request_timeout",
    "serverSelectionTimeoutMS",
    "timeout_seconds",
    "command_timeout",
    "_request_timeout",
)
SLEEPS = Lazy(r"(?:time|asyncio|trio|anyio|gevent|eventlet)\.sleep$")
COUNTED = Lazy(r"retr(?:y|ies)|attempt|tries|max_wait|backoff", re.IGNORECASE)
DEAD = Lazy(r"dead[_\-. ]?letter|(?:^|[_\-./])dlq(?:[_\-./]|$)|(?:^|[_\-./])dlt(?:[_\-./]|$)", re.IGNORECASE)
IDEMPOTENT = Lazy(r"idempotency[_-]key", re.IGNORECASE)


def failure_handling(project: Project) -> Iterator[Finding]:
    """Find bounded retries, limits on waiting, breakers, fallbacks, dead letters and idempotency.

    Bad: `ExponentialLR(optimizer, .9)`, `try: load() except OSError: print("no")`, `@retry` without an end.
    Good: `@retry(stop=stop_after_attempt(3), wait=wait_exponential())`, `httpx.get(url, timeout=5)`.
    """
    lookup = lookup_of(project)
    yield from library_calls("failure-handling", lookup, RETRIES)
    for site, value in lookup.given(*TIMEOUTS):
        if root_of(site.name) in CLIENTS and value not in (None, 0, False, "=None"):
            yield at_call("failure-handling", "timeout", site, f"{last_of(site.name)}() waits so long at most")
    for site in lookup.ending("with_fallbacks", "with_retry"):
        yield at_call("failure-handling", "fallback", site, f"{last_of(site.name)}() of a chain")
    yield from _own_retries(lookup)
    yield from _own_breakers(lookup)
    yield from _dead_letters(lookup)


def _own_retries(lookup: Lookup) -> Iterator[Finding]:
    """Find functions that catch, wait and try again, and that count or give up."""
    retriers: dict[str, Place] = {}
    seen = set[tuple[str, int]]()
    for name in lookup.under(("time", "asyncio", "trio", "anyio", "gevent", "eventlet")):
        for site in lookup.code.named(name) if SLEEPS.match(name) else ():
            known, scope = lookup.code.files[site.path], site.call.scope
            if scope >= 0 and (site.path, scope) not in seen and _tries_again(lookup, known, site):
                seen.add((site.path, scope))
                body = known.definitions[scope]
                place = Place(site.path, scope, body)
                yield at_place(
                    "failure-handling", "own-retry", place, f"{body.name}() waits and tries again, and gives up at last"
                )
                top = scope
                while (
                    known.definitions[top].parent >= 0
                    and known.definitions[known.definitions[top].parent].kind != "class"
                ):
                    top = known.definitions[top].parent
                retriers[f"{lookup.project.module_of(site.path)}.{known.definitions[top].name}"] = place
    for one in lookup.decorated(re.compile(r".")) if retriers else ():
        if one.name.removesuffix("()") in retriers:
            yield at_place("failure-handling", "own-retry", one.place, f"{one.place.definition.name}() is tried again")


def _tries_again(lookup: Lookup, known: PythonFacts, site: Site) -> bool:
    line, scope = site.call.line, site.call.scope
    # The wait stands in or behind the clause that caught something: in a loop, what was tried comes before both.
    if not any(one.scope == scope and one.guards < line for one in known.handlers):
        return False
    said = lookup.code.body(site.path, scope)
    words = (
        [call.name for call in said.calls]
        + [one.name for one in said.references]
        + [one.target for one in said.assigns]
    )
    words += [*known.definitions[scope].named, known.definitions[scope].name]
    words += [str(value) for call in said.calls for value in call.arguments if isinstance(value, str)][:40]
    counted = any(COUNTED.search(word) for word in words)
    gives_up = scope in known.raising or any(one.scope == scope and one.action == "raise" for one in known.handlers)
    return counted or ("range" in words and gives_up)


def _own_breakers(lookup: Lookup) -> Iterator[Finding]:
    for place in lookup.code.classes():
        if re.search(r"CircuitBreaker|^Breaker$", place.definition.name) and place.definition.statements > 1:
            made = lookup.code.named(f"{lookup.project.module_of(place.path)}.{place.definition.name}")
            if made:
                yield at_call(
                    "failure-handling",
                    "breaker",
                    made[0],
                    f"a circuit breaker of the project's own, {place.definition.name}",
                )


def _dead_letters(lookup: Lookup) -> Iterator[Finding]:
    for site in lookup.ending(
        "send",
        "produce",
        "publish",
        "send_message",
        "basic_publish",
        "put",
        "xadd",
        "send_and_wait",
        "lpush",
        "rpush",
        "queue_declare",
        "put_nowait",
    ):
        values = [*site.call.arguments, *(value for _, value in site.call.keywords)]
        if any(isinstance(value, str) and DEAD.search(value) for value in values):
            yield at_call("failure-handling", "dead-letter", site, "what failed is put aside for later")
    for site, _ in lookup.given("idempotency_key"):
        yield at_call("failure-handling", "idempotency", site, "a repeated call does nothing twice")
    for site in lookup.ending("get", "Header"):
        values = [*site.call.arguments[:1], *(value for key, value in site.call.keywords if key == "alias")]
        if any(isinstance(value, str) and IDEMPOTENT.search(value) for value in values):
            yield at_call("failure-handling", "idempotency", site, "a repeated request is known by its key")


BROAD = frozenset({"Exception", "BaseException", "builtins.Exception"})
WORK = Lazy(
    r"^(?:predict\w*|infer\w*|transform|fit_transform|encode|embed\w*|generate|score|classify|forward|execute\w*|fetch\w*|query|commit|insert\w*|upsert"
    r"|update_one|insert_one|insert_many|save|write\w*|to_sql|to_csv|to_parquet|read_\w+|load|loads|load_model|from_pretrained|download\w*|upload\w*"
    r"|get_object|put_object|send|publish|produce|consume|poll|post|request|urlopen|process\w*|ingest\w*|preprocess\w*|clean\w*|parse_(?!args|known_args)\w+|extract\w*"
    r"|score_\w+|load_\w+|save_\w+|get_prediction\w*|completions?|chat|search)$"
)
ASIDE = Lazy(r"(?:^|/)(?:benchmarks?|profiling|experiments?|migrations?)/|(?:^|/)(?:setup|noxfile|benchmark\w*)\.py$")
"""Where nobody waits for an answer."""

GETS = Lazy(r"(?:requests|httpx|aiohttp)\b.*\.(?:get|put|patch|delete)$|(?:redis)\b.*\.(?:get|set|hget|hset)$")
TIDYING = Lazy(
    r"close|cleanup|clean_up|shut_?down|tear_?down|stop|__del__|__a?exit__|__repr__|__str__|version|dispose|release|disconnect|unlink|remove|delete|probe|ping|health"
    r"|is_available|available|has_|can_|supports|optional|warm|telemetry|track|notify|metrics?$|log_|_log$|debug|display|print|plot|show|install|detect|migrat|banner|update_check",
    re.IGNORECASE,
)


def swallowed_errors(project: Project) -> Iterator[Finding]:
    """Find clauses that catch everything and say nothing around work on data or requests.

    Bad for the project: `try: row = model.predict(x) except Exception: pass`.
    Nothing: `except Exception: log.exception("..."); raise`, `except ImportError`, a clause around `connection.close()`.
    """
    lookup = lookup_of(project)
    for path, known in lookup.code.files.items():
        if not lookup.own(path) or ASIDE.search(path):
            continue
        for one in known.handlers:
            if one.action in ("pass", "print") and (not one.catches or BROAD & set(one.catches)):
                work = _hidden_work(lookup, path, known, one)
                if work is not None and not _told_elsewhere(known, one):
                    said = "and says nothing" if one.action == "pass" else "and prints alone"
                    message = f"catches every error of {last_of(work.name)}() {said}"
                    yield Finding(
                        "swallowed-errors",
                        "broad-except",
                        path,
                        one.line,
                        message,
                        scope=one.scope,
                        setting=setting_of(path),
                    )


def _hidden_work(lookup: Lookup, path: str, known: PythonFacts, one: Handler) -> Call | None:
    """Return the call on a serving or data path whose failure a clause hides, None where there is none."""
    if one.scope >= 0 and TIDYING.search(known.definitions[one.scope].name):
        return None
    for call in lookup.code.body(path, one.scope).calls:
        if not one.guards <= call.line < one.line or call.name.startswith(
            ("json.", "str.", "yaml.", "re.", "argparse.", "toml.")
        ):
            continue
        if WORK.match(last_of(call.name)) or GETS.match(lookup.project.resolve(path, call.name)):
            return call
    return None


def _told_elsewhere(known: PythonFacts, one: Handler) -> bool:
    """Tell whether another clause of the same try lets errors through: then this one is a last resort."""
    return any(
        other.guards == one.guards
        and other.scope == one.scope
        and other is not one
        and other.action in ("raise", "other")
        for other in known.handlers
    )
