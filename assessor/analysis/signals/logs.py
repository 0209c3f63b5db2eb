"""Layer 4: logs as records that machines read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, at_call, at_place, code_of, methods

STRUCTLOG = Lazy(
    r"structlog\.(?:stdlib\.)?(?:get_logger|getLogger|wrap_logger)\(\).*\.(?:debug|info|warning|warn|error|exception|critical|log|bind|msg)$"
)
CONFIGURED = Lazy(r"structlog\.configure$|structlog\.processors\.(?:JSONRenderer|LogfmtRenderer)$")
JSON_FORMATTER = Lazy(
    r"pythonjsonlogger\.|python_json_logger\.|json_log_formatter\.|ecs_logging\.|logstash_formatter\.|logstash\.|json_logging\.init_|jsonlogging\."
    r"|aws_lambda_powertools\.(?:logging\.)?Logger\(\)\.|google\.cloud\.logging\..*\.(?:setup_logging|log_struct)$|fluent\.|loki_logger_handler\."
    r"|logfmter\.|cmreslogging\.|graypy\.|uvicorn_json|msgspec_logging|structlog\.stdlib\.ProcessorFormatter$"
)
SET = Lazy(r".*\.setFormatter$")
NAMED = Lazy(
    r"jsonlogger|JsonFormatter|JSONFormatter|json_log_formatter|ProcessorFormatter|ecs_logging|LogfmtFormatter|logfmter",
    re.IGNORECASE,
)
DICT_CONFIG = Lazy(r"logging\.config\.(?:dictConfig|fileConfig)$")


def structured_logging(project: Project) -> Iterator[Finding]:
    """Find logs written as JSON or as keys and values.

    Bad: `logging.getLogger(__name__).info("read %d rows", n)`. Good: `structlog.get_logger().info("read", rows=n)`.
    """
    code = code_of(project)
    for site in code.calls(STRUCTLOG):
        yield at_call("structured-logging", "structlog", site, "logs keys and values with structlog")
    for site in code.calls(CONFIGURED):
        yield at_call("structured-logging", "renderer", site, "sets up records for machines", Strength.DECLARED)
    for site in code.calls(JSON_FORMATTER):
        yield at_call("structured-logging", "formatter", site, "makes log records as JSON")
    for site in code.calls(re.compile(r"loguru\.logger(?:\..*)?\.(?:add|configure)$")):
        if ("serialize", True) in site.call.keywords:
            yield at_call("structured-logging", "loguru", site, "loguru serializes its records")
    yield from _own_formatters(code)
    yield from _dict_configs(code)


def _own_formatters(code: Code) -> Iterator[Finding]:
    """Find formatters of the project that dump records as JSON and that something instantiates."""
    for place in code.classes():
        if "logging.Formatter" not in code.project.ancestors(place.path, place.definition):
            continue
        known = code.files[place.path]
        inside = {index for index, _ in methods(known, place.index)}
        dumps = [
            call
            for call in known.calls
            if call.scope in inside and re.search(r"(?:json|orjson|ujson)\.dumps$", call.name)
        ]
        if not dumps:
            continue
        name = f"{code.project.module_of(place.path)}.{place.definition.name}"
        made = code.named(name)
        if made:
            yield at_call(
                "structured-logging", "own-formatter", made[0], f"{place.definition.name} writes each record as JSON"
            )
        else:
            yield at_place(
                "structured-logging", "own-formatter", place, f"{place.definition.name} is never set", Strength.DECLARED
            )


def _dict_configs(code: Code) -> Iterator[Finding]:
    """Find dictConfig where the file, or one that it configures from, names a JSON formatter in a text."""
    for site in code.calls(DICT_CONFIG):
        known = code.files[site.path]
        if any(NAMED.search(text) for text in known.named):
            yield at_call("structured-logging", "dict-config", site, "configures a JSON formatter by name")
