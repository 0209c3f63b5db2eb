"""Layer 4, production infrastructure: services, their metrics and their logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Place, at_call, at_place, code_of, methods, scopes_within
from assessor.analysis.signals.watching import watched

# What makes an application object. A route is a verb of such an object, or of one of the routers that it takes in.
WEB = (
    r"(?:fastapi|flask|starlette|sanic|quart|bottle|litestar|robyn|falcon|aiohttp|flask_restx|flask_restplus|flask_restful"
    r"|flask_smorest|flask_openapi3|flask_classful|apiflask|ninja|responder|blacksheep|chalice|connexion|hug|microdot|webapp2|apistar"
    r"|aws_lambda_powertools\.event_handler|azure\.functions|functions_framework|bentoml|litserve|modal|web|cherrypy|pyramid)"
)
VERB = (
    r"(?:route|get|post|put|patch|delete|head|options|websocket|websocket_route|api_route|api|api_operation|http|view_config|expose"
    r"|listen|local|resource|fastapi_endpoint|web_endpoint|asgi_app|wsgi_app)"
)
ROUTE = Lazy(rf"{WEB}\b.*(?:\.|\(\)\.){VERB}(?:\(\))?$")
HANDLER_DECORATOR = Lazy(
    r"(?:bentoml\.(?:api|Service\(\)\.api)|ray\.serve\.deployment|functions_framework\.http|rest_framework\.decorators\.api_view"
    r"|django\.views\.decorators\.http\.\w+|kserve\..*)(?:\(\))?$"
)
REGISTRATION = Lazy(
    rf"{WEB}\b.*\.(?:add_url_rule|add_api_route|add_api_websocket_route|add_resource|add_namespace|add_route|add_get|add_post|add_routes|add_view"
    r"|quickstart|register_controller)$"
    r"|starlette\.routing\.(?:Route|WebSocketRoute)$|aiohttp\.web\.(?:get|post|put|delete|route|view)$"
    r"|django\.(?:urls\.(?:path|re_path)|conf\.urls\.url)$|rest_framework\.routers\.\w+\(\)\.register$"
    r"|tornado\.web\.Application$|langserve\.add_routes$|.*_pb2_grpc\.add_\w+_to_server$"
    r"|kserve\.ModelServer\(\)\.start$|kfserving\.KFServer\(\)\.start$|litserve\.LitServer$|ray\.serve\.run$|torchserve\b"
)
HANDLER_BASES: dict[str, frozenset[str]] = {
    "http.server.BaseHTTPRequestHandler": frozenset({"do_GET", "do_POST", "do_PUT"}),
    "http.server.SimpleHTTPRequestHandler": frozenset({"do_GET", "do_POST", "do_PUT"}),
    "tornado.web.RequestHandler": frozenset({"get", "post", "put"}),
    "starlette.endpoints.HTTPEndpoint": frozenset({"get", "post", "put"}),
    "flask.views.MethodView": frozenset({"get", "post", "put"}),
    "flask_restful.Resource": frozenset({"get", "post", "put"}),
    "flask_restx.Resource": frozenset({"get", "post", "put"}),
    "flask_restplus.Resource": frozenset({"get", "post", "put"}),
    "rest_framework.views.APIView": frozenset({"get", "post", "put"}),
    "kserve.Model": frozenset({"predict"}),
    "kfserving.KFModel": frozenset({"predict"}),
    "kfserving.Model": frozenset({"predict"}),
    "mlserver.MLModel": frozenset({"predict"}),
    "litserve.LitAPI": frozenset({"predict"}),
    "ts.torch_handler.base_handler.BaseHandler": frozenset({"handle", "inference", "preprocess", "postprocess"}),
}
_FRAMEWORK = Lazy(rf"{WEB}\b|django\b|rest_framework\b|json\.dumps$")


def http_api(project: Project) -> Iterator[Finding]:
    """Find routes, handlers and RPC servicers that serve a model or data.

    Bad: `@app.get("/") def root(): return {"message": "Hello World"}`, `requests.get(url)`, `app = Flask(__name__)`.
    Good: `@app.post("/predict") def predict(row: Row): return model.predict(row)`.
    """
    code = code_of(project)
    yield from _decorated_routes(code)
    yield from _registered_routes(code)
    yield from _handler_classes(code)
    yield from _platform_handlers(code)


def _decorated_routes(code: Code) -> Iterator[Finding]:
    for place in code.functions():
        for name, line in place.definition.decorators:
            resolved = code.project.resolve(place.path, name)
            if not (ROUTE.match(resolved) or HANDLER_DECORATOR.match(resolved)):
                continue
            finding = at_place("http-api", "route", place, f"{place.definition.name}() answers a route")
            if not _serves(code, place):
                finding = replace(finding, message="a route that answers with a constant", strength=Strength.DECLARED)
            yield replace(finding, line=line)
            break


def _serves(code: Code, place: Place) -> bool:
    """Say whether a handler reaches anything besides its framework: a model, a table, a function of the project."""
    known = code.files[place.path]
    scopes = scopes_within(known, place.index)
    used = [call.name for call in known.calls if call.scope in scopes]
    used += [reference.name for reference in known.references if reference.scope in scopes]
    return any(not _FRAMEWORK.match(code.project.resolve(place.path, name)) for name in used)


def _registered_routes(code: Code) -> Iterator[Finding]:
    for site in code.calls(REGISTRATION):
        yield at_call("http-api", "registration", site, f"{site.name.rsplit('.', 1)[-1]}() registers a handler")


def _handler_classes(code: Code) -> Iterator[Finding]:
    for place in code.classes():
        known = code.files[place.path]
        for base in place.definition.bases:
            resolved = code.project.resolve(place.path, base)
            verbs = HANDLER_BASES.get(resolved, frozenset())
            served = [body.name for _, body in methods(known, place.index) if body.name in verbs and body.statements]
            if served:
                yield at_place("http-api", "handler", place, f"{place.definition.name} handles {', '.join(served)}")
            elif resolved.endswith("Servicer") and "_pb2_grpc." in resolved:
                yield at_place("http-api", "servicer", place, f"{place.definition.name} implements a gRPC service")


AZURE = Lazy(r"azureml\b|azure\.ai\.ml\b|inference_schema\b")
SAGEMAKER = frozenset({"model_fn", "predict_fn", "input_fn", "output_fn", "transform_fn"})
PREDICTORS = frozenset({"PythonPredictor", "TensorFlowPredictor", "ONNXPredictor", "Handler", "TritonPythonModel"})


def _platform_handlers(code: Code) -> Iterator[Finding]:
    """Find the functions that a managed platform calls by name: nothing in the repository does."""
    azure = any(AZURE.match(seen.name) for known in code.files.values() for seen in known.imports)
    for path, known in code.files.items():
        top = {
            body.name: (index, body)
            for index, body in enumerate(known.definitions)
            if body.parent == -1 and body.statements
        }
        if azure and "init" in top and "run" in top and top["run"][1].parameters >= 1 > top["init"][1].parameters:
            yield at_place("http-api", "platform", Place(path, *top["run"]), "Azure ML serves init() and run()")
        if "model_fn" in top and len(SAGEMAKER & top.keys()) >= 2:
            yield at_place(
                "http-api", "platform", Place(path, *top["model_fn"]), "SageMaker serves model_fn() and its kin"
            )
    for place in code.classes():
        served = {body.name for _, body in methods(code.files[place.path], place.index) if body.statements}
        if place.definition.name in PREDICTORS and served & {"predict", "execute", "handle_post", "handle_async"}:
            yield at_place("http-api", "platform", place, f"{place.definition.name} is served by its platform")


CREATED = Lazy(
    r"prometheus_client\.(?:metrics\.)?(?:Counter|Gauge|Histogram|Summary|Info|Enum)$"
    r"|opentelemetry\.metrics\..*create_(?:up_down_)?(?:counter|histogram|gauge)$"
)
EMITTED = Lazy(
    r"prometheus_client\.(?:metrics\.)?(?:Counter|Gauge|Histogram|Summary|Info|Enum)\(\).*"
    r"\.(?:inc|dec|set|observe|time|info|state|count_exceptions|track_inprogress|set_to_current_time|set_function)(?:\(\))?$"
    r"|opentelemetry\.metrics\..*create_(?:up_down_)?(?:counter|histogram|gauge)\(\)\.(?:add|record|set)$"
)
EXPOSED = Lazy(
    r"prometheus_client\.(?:exposition\.)?(?:start_http_server|start_wsgi_server|make_wsgi_app|make_asgi_app|generate_latest|push_to_gateway"
    r"|pushadd_to_gateway|write_to_textfile|MetricsHandler)|prometheus_client\..*\.(?:generate_latest|make_asgi_app)"
    r"|(?:prometheus_fastapi_instrumentator|starlette_exporter|starlette_prometheus|prometheus_flask_exporter|django_prometheus|aioprometheus"
    r"|prometheus_async)\."
    r"|opentelemetry\.(?:metrics\.set_meter_provider|sdk\.metrics\.MeterProvider|exporter\.)"
)
SHIPPED = Lazy(
    r"(?:statsd|datadog|pystatsd|aiodogstatsd|datadog_api_client)\b.*\.(?:incr|increment|decr|gauge|timing|timed|histogram|distribution|timer|set)"
    r"(?:\(\))?$"
    r"|.*\.put_metric_data$|.*\.create_time_series$|aws_embedded_metrics\..*put_metric$|aws_lambda_powertools\.(?:metrics\.)?Metrics\(\)\."
    r"|prometheus_fastapi_instrumentator\.Instrumentator\(\).*\.(?:expose|instrument)$|prometheus_flask_exporter\.PrometheusMetrics$"
    r"|starlette_exporter\.(?:PrometheusMiddleware|handle_metrics)$|newrelic\.agent\.record_custom_(?:metric|event)$"
    r"|sagemaker\.model_monitor\.\w*(?:Monitor|DataCaptureConfig)|.*\.monitor_instances\.(?:create|run)$"
    r"|(?:azureml|azure)\..*\.(?:ModelDataCollector|DataDriftDetector|MonitorSchedule)\b"
    r"|google\.cloud\.aiplatform\..*ModelDeploymentMonitoringJob\b|arize\..*\.log$|evidently\.ui\..*\.add_(?:report|run)$"
    r"|whylogs\..*logger\(\)\.log$|opencensus\.stats\..*\.record$|meter\.Meter"
)
SWITCHED_ON = frozenset(
    {"enable_app_insights", "enable_model_monitoring", "collect_model_data", "enable_data_collection"}
)


def monitoring(project: Project) -> Iterator[Finding]:
    """Find metrics that move at run time and leave the process, and dashboards and alerts over them.

    Bad: `HITS = Counter("hits", "")` that nothing increments, `gym.wrappers.Monitor(env)`, `wandb.log({"auc": auc})`.
    Good: `HITS.inc()` in a handler beside `start_http_server(9000)`; a Prometheus rule; `watch.put_metric_data(...)`.
    """
    code = code_of(project)
    for site in code.calls(SHIPPED):
        yield at_call("monitoring", "shipped", site, "sends figures of the running service to a monitoring system")
    exposed = next(code.calls(EXPOSED), None)
    for site in code.calls(EMITTED):
        if exposed is not None:
            yield at_call(
                "monitoring", "emitted", site, f"a metric that moves, exposed in {exposed.path}:{exposed.call.line}"
            )
        else:
            yield at_call(
                "monitoring", "emitted", site, "a metric that moves and is exposed nowhere", Strength.DECLARED
            )
    for site in code.calls(CREATED):
        yield at_call("monitoring", "created", site, "a metric is created", Strength.DECLARED)
    yield from watched(project)
