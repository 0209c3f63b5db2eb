"""Layer 9: what a call costs, and what it is charged to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import Value
from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Lookup, idioms, last_of, library_calls, lookup_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Place, at_call, at_place, setting_of
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["cost_model", "usage_metering"]

COSTS = idioms(
    ("library", r"litellm\.(?:\w+\.)*(?:completion_cost|cost_per_token|BudgetManager(?:\(\)\.\w+)?|response_cost_calculator)$|tokencost\.(?:\w+\.)*calculate\w*$|genai_prices\.(?:\w+\.)*calc\w*$", "the cost of each call is computed"),
    ("library", r"(?:langchain|langchain_community)\.(?:\w+\.)*get_\w*openai\w*_callback$|llama_index\..*TokenCountingHandler\(\)\.\w*cost\w*$", "the cost of each call is computed"),
    ("library", r"(?:codecarbon|eco2ai|carbontracker)\.(?:\w+\.)*(?:EmissionsTracker\(\)\.\w+|track_emissions|OfflineEmissionsTracker\(\)\.\w+)", "energy of each run is computed"),
    ("billing", r"boto3\.(?:client|session\.Session\(\)\.client)\(\)\.(?:get_cost_and_usage|get_products|get_cost_forecast|describe_budgets|create_budget)$", "costs of the cloud are read"),
)  # fmt: skip
COSTING = Lazy(
    r"(?:^|_)(?:cost|costs|price|spend|spent|charge|usd|dollars|cents)(?:_|$)|(?:^|_)(?:inference|request|token|run|training|gpu|instance)_cost",
    re.IGNORECASE,
)
ABSTRACT = Lazy(
    r"cost_(?:function|matrix|fn|sensitive|gradient|volume)|(?:compute|calc|calculate)_cost_(?:and_)?grad|house|stock|share|close_price|option_price|price_range|predict|path_cost|edge_cost|route_cost|travel",
    re.IGNORECASE,
)
UNITS = Lazy(
    r"token|(?:^|_)(?:gpus?(?:_\w+)?|instances?(?:_\w+)?|requests|calls|completion|prompt|usage|vcpus?|vcpu_\w+|machine_type|inferences?|api_calls|n_requests|compute_\w+)(?:_|$)",
    re.IGNORECASE,
)
MONEY = Lazy(r"cost|usd|price|spen[dt]|dollar|cents|(?:^|_)eur(?:_|$)|charge", re.IGNORECASE)
TABLE = Lazy(
    r"(?:price|pricing|cost)s?(?:_|$)|(?:^|_)(?:usd|tariffs?)(?:_|$)|(?:^|_)rates?_(?:per|usd)|_per_(?:1?k|1m|million|token|hour|request|call|second|image)",
    re.IGNORECASE,
)
PER = Lazy(
    r"per_?(?:1?k|1m|m|million|token|hour|request|call|second|minute|image)|token|gpu|instance|model|api|llm|inference|prompt|completion",
    re.IGNORECASE,
)
BUDGET = Lazy(
    r"(?:^|_)(?:enforce|check|assert|require|exceed\w*|within|over|guard|reserve|charge)_(?:\w+_)?(?:budget|spend\w*|cost_limit)|(?:^|_)budget_(?:exceeded|guard|check|left)",
    re.IGNORECASE,
)
SETTINGS = (
    "max_budget",
    "budget_limit",
    "budget_usd",
    "max_cost",
    "cost_limit",
    "max_cost_usd",
    "max_spend",
    "budget_duration",
    "input_cost_per_token",
    "output_cost_per_token",
)
INFRACOST = Lazy(r"^infracost\s+(?:breakdown|diff|comment)\b")


def cost_model(project: Project) -> Iterator[Finding]:
    """Find prices that turn the tokens, hours or calls of a run into money, and budgets that refuse.

    Bad: a price in a README, `cost = loss_fn(y, p)`. Good: `return usage.prompt_tokens * PRICES[model] / 1_000_000`.
    """
    lookup = lookup_of(project)
    yield from library_calls("cost-model", lookup, COSTS)
    for place in lookup.functions(COSTING):
        costs = (
            not ABSTRACT.search(place.definition.name) and _multiplies(lookup, place) and _counts_units(lookup, place)
        )
        if costs:
            yield at_place("cost-model", "computed", place, f"{place.definition.name}() turns what was used into money")
    for place in lookup.functions(BUDGET):
        refuses = place.index in lookup.code.files[place.path].raising or place.definition.complexity > 1
        if refuses and any(map(MONEY.search, _words(lookup, place))):
            yield at_place("cost-model", "budget", place, f"{place.definition.name}() holds a budget")
    for site, value in lookup.given(*SETTINGS):
        if value not in (None, False, 0, "=None") and not site.name.startswith(
            ("argparse", "?parser", "click", "typer")
        ):
            yield at_call("cost-model", "budget", site, f"{last_of(site.name)}() is given a budget or a price")
    yield from _priced(lookup)
    for ran in steps_of(project).ran:
        if INFRACOST.match(" ".join(ran.words)):
            yield told(
                "cost-model",
                "infracost",
                ran.path,
                ran.line,
                "CI computes what a change of infrastructure costs",
                wired_by=f"{ran.path}:{ran.line} runs it",
            )


def _multiplies(lookup: Lookup, place: Place) -> bool:
    signs = {sign for index in _within(lookup, place) for sign, _ in lookup.code.body(place.path, index).operations}
    return bool({"*", "/", "*="} & signs)


def _within(lookup: Lookup, place: Place) -> list[int]:
    definitions = lookup.code.files[place.path].definitions
    return [index for index, body in enumerate(definitions) if index == place.index or body.parent == place.index]


def _counts_units(lookup: Lookup, place: Place) -> bool:
    return any(map(UNITS.search, _words(lookup, place)))


def _words(lookup: Lookup, place: Place) -> list[str]:
    """Return the names that a function takes, sets and mentions."""
    words = [*place.definition.named]
    for index in _within(lookup, place):
        said = lookup.code.body(place.path, index)
        words += [one.target for one in said.assigns] + [one.name.rpartition(".")[2] for one in said.references]
        words += [str(value) for call in said.calls for value in call.arguments if isinstance(value, str)]
    return words


def _priced(lookup: Lookup) -> Iterator[Finding]:
    """Find tables of prices per token, hour or call in files that multiply something by them."""
    for path, known in lookup.code.files.items():
        for one in known.assigns:
            if (
                one.value is None
                and TABLE.search(one.target)
                and PER.search(f"{one.target} {path.rpartition('/')[2]}")
                and not ABSTRACT.search(one.target)
            ):
                products = [(line, scope) for sign, line, scope in known.operations if sign == "*" and line > one.line]
                if products and any(COSTING.search(other.target) for other in known.assigns if other is not one):
                    line, scope = products[0]
                    yield Finding(
                        "cost-model",
                        "prices",
                        path,
                        line,
                        f"what was used is multiplied by {one.target}",
                        scope=scope,
                        setting=setting_of(path),
                    )
                    break


METERED = idioms(
    ("billing", r"stripe\.(?:\w+\.)*(?:UsageRecord\.create|create_usage_record|MeterEvent\.create|MeterEventAdjustment\.create|meter_events\.create)$", "calls are metered and billed"),
    ("billing", r"(?:openmeter|lago_python_client|metronome|orb|togai|amberflo|m3ter|polar_sdk|autumn)\.(?:\w+\.)*\w+(?:\(\))?.*\.(?:ingest\w*|create|ingest_events|usage|report\w*|meter\w*|track)$", "calls are metered and billed"),
    ("billing", r"boto3\.(?:client|session\.Session\(\)\.client)\(\)\.(?:meter_usage|batch_meter_usage)$", "calls are metered and billed"),
)  # fmt: skip
BALANCE = Lazy(
    r"(?:^|[._])(?:\w*_)?(?:credits?|quotas?|allowance|usage|used_(?:tokens|calls|requests|units)|calls_(?:left|used|made)|requests_(?:left|used|made)|tokens_(?:left|used|remaining)|remaining_\w+|metered_\w+|units_used)(?:_\w+)?(?:\[\])?$",
    re.IGNORECASE,
)
CHARGES = Lazy(
    r"^_?(?:charge|deduct|debit|consume|spend|use|decrement|meter|bill|record|track|log|report|reserve)_(?:\w+_)?(?:credits?|quota|usage|call|calls|api_call|request_usage|tokens_used|token_usage|billable\w*)(?:_\w+)?$|^(?:charge|meter|bill)_(?:tenant|customer|user|call|request|tokens)",
    re.IGNORECASE,
)
LIMIT = Lazy(
    r"(?:^|_)(?:check|enforce|require|ensure|has|within|exceeds?)_(?:\w+_)?(?:quota|credits?|allowance|usage_limit|plan_limit)|quota_exceeded|(?:^|_)insufficient_credits",
    re.IGNORECASE,
)
WHO = Lazy(
    r"tenant|customer|user|account|org|key|client|team|subscription|project_id|workspace|owner|plan|session|db|self",
    re.IGNORECASE,
)
NO_METER = Lazy(
    r"gpu|memory|cpu|disk|ram|credit_(?:card|score|risk|history)|card|loan|wandb|mlflow|carbon|energy", re.IGNORECASE
)
KEEPS = Lazy(
    r"^(?:incr|incrby|decr|decrby|hincrby|add|execute|update|update_one|insert_one|insert|save|commit|create|publish|send|produce|put_item|update_item|post|zincrby|incrbyfloat)$"
)
STORED = Lazy(
    r"\s*(?:insert\s+into\s+[\"`\w.]*(?:usage|metering|billable|api_calls|credit_ledger)|update\s+[\w.\"`]+\s+set\s+(?:credits?|quota\w*|used\w*|usage|balance)\s*=\s*\w+\s*[-+])",
    re.IGNORECASE,
)


def usage_metering(project: Project) -> Iterator[Finding]:
    """Find calls that are counted for someone and charged to credits, a quota or a bill.

    Bad: a checkout page, `stripe.checkout.Session.create(...)`, tokens that are logged.
    Good: `stripe.billing.MeterEvent.create(...)`; `tenant.credits -= units` behind a refusal.
    """
    lookup = lookup_of(project)
    yield from library_calls("usage-metering", lookup, METERED)
    for site in lookup.ending("execute", "exec", "text", "executemany", "fetchrow", "fetchval"):
        if any(isinstance(value, str) and STORED.match(value) for value in site.call.arguments):
            yield at_call("usage-metering", "charged", site, "a call is charged to an account")
    yield from _charged_attributes(lookup)
    for place in lookup.functions(CHARGES):
        body, said = place.definition, lookup.code.body(place.path, place.index)
        counts = any(map(WHO.search, body.named)) and any(KEEPS.match(last_of(call.name)) for call in said.calls)
        if counts and not NO_METER.search(body.name):
            yield at_place("usage-metering", "charged", place, f"{body.name}() counts a call for someone")
    for place in lookup.functions(LIMIT):
        body = place.definition
        if body.complexity > 1 and not NO_METER.search(body.name) and _gives_up(lookup, place):
            yield at_place("usage-metering", "quota", place, f"{body.name}() refuses who has used up what is theirs")


def _charged_attributes(lookup: Lookup) -> Iterator[Finding]:
    """Find credits, quotas and counts of somebody's calls that are raised or lowered where the call may be refused."""
    for path, known in lookup.code.files.items():
        for one in known.assigns:
            if one.value is not None or one.scope < 0 or "." not in one.target or not BALANCE.search(one.target):
                continue
            changed = any(line == one.line and sign in ("-=", "+=") for sign, line, _ in known.operations)
            place = Place(path, one.scope, known.definitions[one.scope])
            named = CHARGES.search(place.definition.name) or _gives_up(lookup, place)
            if changed and named and not NO_METER.search(f"{one.target} {place.definition.name}"):
                yield at_place("usage-metering", "charged", place, f"{place.definition.name}() charges {one.target}")


def _gives_up(lookup: Lookup, place: Place) -> bool:
    """Tell whether a function raises, or answers that payment or patience is needed."""
    said = lookup.code.body(place.path, place.index)
    values = (value for call in said.calls for value in (*call.arguments, *(kept for _, kept in call.keywords)))
    return place.index in lookup.code.files[place.path].raising or any(map(_refuses, values))


def _refuses(value: Value) -> bool:
    return value in (402, 429) or (
        isinstance(value, str) and bool(re.search(r"HTTP_4(?:02|29)|PAYMENT_REQUIRED|TOO_MANY_REQUESTS", value))
    )
