"""Layer 4: what a service promises to its callers, and how one request is followed through it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import PaperFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.infrastructure import HANDLER_DECORATOR, ROUTE
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Decorated, Lookup, last_of, lookup_of, texts_given
from assessor.analysis.signals.sites import Site, at_call, at_place, scopes_within
from assessor.analysis.signals.told import told

__all__ = ["api_schema", "tracing"]

MODEL = Lazy(
    r"pydantic\.(?:main\.|v1\.|generics\.)?(?:BaseModel|RootModel|GenericModel)$|sqlmodel\.(?:main\.)?SQLModel$|msgspec\.Struct$|ninja\.(?:Schema|ModelSchema)$|(?:typing|typing_extensions)\.TypedDict$"
    r"|marshmallow\.(?:schema\.)?Schema$|flask_marshmallow\..*|apiflask\.Schema$|rest_framework\.serializers\.\w+$|ninja_schema\..*"
)
DATACLASS = Lazy(r"(?:pydantic\.)?dataclasses\.dataclass|attrs?\.(?:define|s|frozen)|pydantic\.dataclasses\.dataclass")
SCHEMED = Lazy(
    r"inference_schema\.schema_decorators\.(?:input_schema|output_schema)|flask_pydantic\.validate|(?:spectree|flask_pydantic_spec)\.\w+\(\)\.validate|.*\(\)\.(?:arguments|response|input|output|expect|marshal_with|doc)\(\)$"
    r"|webargs\.\w+\.use_(?:kw)?args|flasgger\.(?:swag_from|validate)|drf_spectacular\.utils\.extend_schema|drf_yasg\.utils\.swagger_auto_schema|quart_schema\.validate_\w+|connexion\..*|pydantic\.validate_call"
)
SCHEMED_ROOTS = frozenset(
    words_of(
        "inference_schema flask_pydantic spectree flask_pydantic_spec flask_smorest apiflask flask_restx flask_restplus webargs flasgger drf_spectacular drf_yasg"
        " quart_schema connexion flask_apispec flask_openapi3"
    )
)
BENTO = Lazy(r"bentoml\.io\.JSON(?:\.from_sample)?$|bentoml\.io\.(?:NumpyNdarray|PandasDataFrame)(?:\.from_sample)?$")
SIGNATURE = 15
"""Lines below `def` in which a signature ends."""


def api_schema(project: Project) -> Iterator[Finding]:
    """Find typed requests and responses of routes, and OpenAPI or proto files.

    Bad: `request.get_json()["age"]` and a dictionary back, `/v1/` in the path. Good: `def score(row: Row) -> Score` with
    pydantic models, `response_model=Score`, a proto file with a service.
    """
    look = lookup_of(project)
    models = _models(look)
    for one in look.decorated:
        if ROUTE.match(one.name) or HANDLER_DECORATOR.match(one.name):
            name = _typed_by(look, one, models)
            if name:
                yield at_place(
                    "api-schema", "models", one.place, f"{one.place.definition.name}() takes or gives {name}"
                )
        elif SCHEMED.match(one.name) and one.name.partition(".")[0] in SCHEMED_ROOTS:
            yield at_place("api-schema", "schema", one.place, f"{one.place.definition.name}() is called by a schema")
    for site in look.rooted(BENTO, "bentoml"):
        if {"pydantic_model", "shape", "dtype", "sample"} & {
            key for key, _ in site.call.keywords
        } or site.name.endswith("from_sample"):
            yield at_call("api-schema", "schema", site, "the service's input or output has a schema")
    yield from _views(look, models)
    for path, known in project.of(PaperFacts).items():
        if role_of(path) in (Role.OWN, Role.DOCS) and known.kind == "openapi":
            yield told(
                "api-schema",
                "openapi",
                path,
                known.points[0][1],
                f"an OpenAPI description of {len(known.points)} paths",
            )
        elif role_of(path) is Role.OWN and known.kind == "proto":
            service = next(((text, line) for text, line in known.points if text.startswith("service")), None)
            if service is not None:
                yield told("api-schema", "proto", path, service[1], f"a proto file with the {service[0]}")


def _models(look: Lookup) -> dict[str, str]:
    """Map resolved names of own classes that type a message to the classes' own names."""
    code, found = look.code, dict[str, str]()
    dataclasses = {(one.place.path, one.place.index) for one in look.decorated if DATACLASS.match(one.name)}
    for place in code.classes():
        if not place.definition.statements and not place.definition.bases:
            continue
        typed = (place.path, place.index) in dataclasses or (
            place.definition.bases
            and any(MODEL.match(name) for name in code.project.ancestors(place.path, place.definition))
        )
        if typed:
            found[f"{code.project.module_of(place.path)}.{place.definition.name}"] = place.definition.name
    return found


def _typed_by(look: Lookup, one: Decorated, models: dict[str, str]) -> str | None:
    """Return the model that a handler's signature, its decorator or its body names."""
    code, place = look.code, one.place
    known, body = code.files[place.path], place.definition
    resolve = code.project.resolve
    around = code.body(place.path, body.parent)
    for call in around.calls:
        if call.line == one.line:
            for key, value in call.keywords:
                if key in ("response_model", "body", "response") and value is not None:
                    name = resolve(place.path, str(value).lstrip("="))
                    return models.get(name, "a response model") if key == "response_model" else models.get(name)
    first = min([one.line, *(line for _, line in body.decorators)])
    last = min(body.line + SIGNATURE, body.end_line)
    names = [reference.name for reference in around.references if first <= reference.line <= last]
    inside = scopes_within(known, int(place.index))
    names += [reference.name for reference in known.references if reference.scope in inside]
    names += [call.name for call in known.calls if call.scope in inside]
    for name in names:
        plain = resolve(place.path, name)
        for end in (plain, plain.partition("()")[0], plain.rpartition(".")[0]):
            if end in models:
                return models[end]
    return None


def _views(look: Lookup, models: dict[str, str]) -> Iterator[Finding]:
    """Find views of Django REST that name their serializer."""
    code = look.code
    for place in code.classes():
        if not any(re.match(r"rest_framework\.(?:views|generics|viewsets)\.", base) for base in place.definition.bases):
            continue
        for one in code.body(place.path, int(place.index)).assigns:
            if one.target == "serializer_class" and isinstance(one.value, str):
                name = models.get(code.project.resolve(place.path, one.value.lstrip("=")))
                if name:
                    yield at_place("api-schema", "serializer", place, f"{place.definition.name} takes and gives {name}")


SPANS = Lazy(
    r"opentelemetry\.(?:trace\.)?.*\.(?:start_as_current_span|start_span|use_span|set_attribute|add_event)(?:\(\))?$|opentelemetry\.instrumentation\..*\.(?:instrument\w*)$|openinference\.instrumentation\..*\.(?:instrument|start_as_current_span)$"
    r"|ddtrace\.(?:tracer\.(?:trace|wrap|start_span)|patch_all|patch|auto)(?:\(\))?$|sentry_sdk\.(?:start_transaction|start_span|trace|tracing\.trace)(?:\(\))?$|logfire\.(?:instrument\w*|span)(?:\(\))?$"
    r"|langfuse\..*(?:observe|trace|span|generation|start_as_current_\w+|CallbackHandler)(?:\(\))?$|langsmith\.(?:run_helpers\.)?(?:traceable|trace|wrappers\.\w+)(?:\(\))?$|traceloop\.sdk\..*|phoenix\.(?:otel\.register|trace\..*)$"
    r"|aws_xray_sdk\.core\.(?:xray_recorder\.\w+|patch_all|patch)(?:\(\))?$|aws_lambda_powertools\.(?:tracing\.)?Tracer\(\)\.\w+(?:\(\))?$|elasticapm\.(?:capture_span|instrument|contrib\..*)(?:\(\))?$|azure\.monitor\.opentelemetry\.configure_azure_monitor$"
    r"|opencensus\.(?:trace|ext)\..*(?:span|Tracer|Middleware|trace_integrations)(?:\(\))?$|jaeger_client\..*initialize_tracer$|newrelic\.agent\.(?:initialize|function_trace|background_task|FunctionTrace|web_transaction)(?:\(\))?$"
    r"|mlflow\.(?:trace|start_span|tracing\.\w+)(?:\(\))?$|weave\.(?:op|init)(?:\(\))?$|google\.cloud\.trace.*|zipkin\..*|py_zipkin\..*|opentracing\..*\.start_(?:active_)?span$|litellm\.success_callback.*|skywalking\..*|uptrace\.configure\w*$"
)
SPAN_ROOTS = words_of(
    "opentelemetry openinference ddtrace sentry_sdk logfire langfuse langsmith traceloop phoenix aws_xray_sdk aws_lambda_powertools elasticapm azure opencensus"
    " jaeger_client newrelic mlflow weave google zipkin py_zipkin opentracing skywalking uptrace"
)
TRACER = Lazy(
    r"opentelemetry\.(?:trace\.)?(?:get_tracer|set_tracer_provider)$|opentelemetry\.sdk\.trace\.TracerProvider$"
)
CORRELATION = Lazy(
    r"asgi_correlation_id\.\w+|flask_log_request_id\.\w+|starlette_context\.(?:plugins\.\w*Id\w*|middleware\.\w+)|django_guid\.\w+|fastapi_correlation\w*\.|starlette_correlation\w*\."
)
HEADER = Lazy(
    r"(?:x[-_])?(?:ms[-_])?(?:request|correlation|trace|b3-trace|amzn-trace)[-_]?id$|traceparent$|x-cloud-trace-context$",
    re.I,
)
HEADS = Lazy(r".*headers?(?:\(\))?\.(?:get|setdefault)$", re.I)
BINDS = frozenset({"bind", "bind_contextvars", "new", "contextualize", "bound_contextvars"})
RATES = ("traces_sample_rate", "traces_sampler", "enable_tracing")


def tracing(project: Project) -> Iterator[Finding]:
    """Find spans of requests, and ids that follow a request through the logs.

    Bad: `from opentelemetry import trace` alone, a tracer that opens no span, `run_id` of an experiment.
    Good: `with tracer.start_as_current_span("score")`, `FastAPIInstrumentor.instrument_app(app)`, `bind(request_id=...)`.
    """
    look = lookup_of(project)
    shown = False
    for site in look.rooted(SPANS, *SPAN_ROOTS):
        shown = True
        yield at_call("tracing", "span", site, f"{site.name.partition('.')[0]} follows what one request does")
    for one in look.decorated:
        if SPANS.match(one.name):
            shown = True
            yield at_place("tracing", "span", one.place, f"{one.place.definition.name}() is a span")
    for site in look.rooted(re.compile(r"sentry_sdk\.init$"), "sentry_sdk"):
        given = dict(site.call.keywords)
        if any(given.get(key, 0) not in (0, 0.0, False) for key in RATES if key in given):
            yield at_call("tracing", "performance", site, "the error reporter traces performance too")
    yield from _request_ids(look)
    if not shown:
        for site in look.rooted(TRACER, "opentelemetry"):
            yield at_call("tracing", "tracer", site, "a tracer that opens no span", Strength.DECLARED)


def _request_ids(look: Lookup) -> Iterator[Finding]:
    code = look.code
    for path in look.own:
        if look.imported[path] & CORRELATION_ROOTS:
            for reference in code.files[path].references:
                if CORRELATION.match(code.project.resolve(path, reference.name)):
                    call = next((one for one in code.files[path].calls if one.line >= reference.line), None)
                    if call is not None:
                        yield at_call(
                            "tracing", "correlation", Site(path, call.name, call), "requests get a correlation id"
                        )
                        break
    for site in look.ending("get", "setdefault", pattern=HEADS):
        if any(HEADER.match(text) for text in texts_given(site)[:1]):
            yield at_call("tracing", "request-id", site, "the id of a request is taken from its headers")
    for site in look.keyed("request_id", "correlation_id", "trace_id"):
        if last_of(site.name) in BINDS:
            yield at_call("tracing", "request-id", site, "logs carry the id of the request")
    for site in look.ending("ContextVar"):
        if any(HEADER.match(text) for text in texts_given(site)[:1]):
            used = any(
                last_of(call.name) == "set" and "ContextVar" in code.project.resolve(path, call.name)
                for path in look.own
                for call in code.files[path].calls
                if last_of(call.name) == "set"
            )
            if used:
                yield at_call("tracing", "request-id", site, "an id follows each request through its context")


CORRELATION_ROOTS = frozenset(words_of("asgi_correlation_id flask_log_request_id starlette_context django_guid"))
