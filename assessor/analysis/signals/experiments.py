"""Layer 5: variants that are tried on users, and predictions that are held against what really happened."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ManifestFacts
from assessor.analysis.facts.model import Value
from assessor.analysis.findings import Finding
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.evaluation import METRIC
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Site, at_call, at_place, code_of, first_of_each_scope
from assessor.analysis.signals.told import told

__all__ = ["ab_test", "online_evaluation"]

PLATFORM_ROOTS = (
    "growthbook", "optimizely", "ldclient", "statsig", "splitio", "UnleashClient", "eppo_client", "planout", "posthog", "flagsmith", "amplitude_experiment", "vwo", "configcatclient",
    "featurehub_sdk", "openfeature", "launchdarkly", "wasabi", "sixpack", "confidence", "abtasty", "kameleoon", "featbit",
)  # fmt: skip
PLATFORM = Lazy(
    r".*\.(?:run|eval_feature|get_feature_value|activate|decide\w*|get_variation|variation\w*|get_experiment\w*|get_layer|get_treatment\w*|get_variant|get_\w*assignment|get|get_feature_flag|fetch\w*|log_event|track|capture_experiment|participate)$"
)
HASHES = Lazy(
    r"hashlib\.\w+(?:\(\))?(?:\.(?:hexdigest|digest))?$|mmh3\.\w+$|zlib\.(?:crc32|adler32)$|binascii\.crc32$|xxhash\.\w+(?:\(\)\.\w+)?$|farmhash\.\w+$|murmurhash\w*\.\w+$|cityhash\.\w+$|uuid\.uuid5$|pyhash\.\w+|spookyhash\.\w+"
)
ASSIGNS = Lazy(
    r"(?:^|_)(?:variants?|arms?|treatments?|buckets?|bucketing|ab_?(?:test|split|group|assign\w*|variant)?|experiments?|canary|rollout|cohort|traffic_split|control_group|assignments?|in_holdout|split_traffic)(?:_|$)|(?:^|_)(?:assign|choose|pick|select|route)_(?:\w+_)?(?:group|model|version)(?:_|$)",
    re.IGNORECASE,
)
NO_EXPERIMENT = Lazy(
    r"train|fold|shard|partition|cache|s3|storage|gcs|token|hash_bucket|feature_bucket|histogram|upload|password|blob|leaky|robot|clinical",
    re.IGNORECASE,
)
WEIGHTED_CALLS = (
    "create_endpoint_config",
    "production_variant",
    "deploy",
    "update_endpoint",
    "update_endpoint_weights_and_capacities",
    "ManagedOnlineEndpoint",
    "set_traffic",
    "pipeline_ensemble",
)
WEIGHTS = frozenset(
    {
        "ProductionVariants",
        "initial_weight",
        "traffic_split",
        "traffic_percentage",
        "DesiredWeightsAndCapacities",
        "traffic",
        "InitialVariantWeight",
    }
)
TRAFFIC_COMMAND = Lazy(
    r"az\s+ml\s+online-endpoint\s+update\b.*--(?:mirror-)?traffic|gcloud\s+run\s+services\s+update-traffic\b.*--to-(?:revisions|tags)|aws\s+sagemaker\s+update-endpoint-weights-and-capacities|gcloud\s+ai\s+endpoints\s+deploy-model\b.*--traffic-split|gcloud\s+app\s+services\s+set-traffic"
)


def ab_test(project: Project) -> Iterator[Finding]:
    """Find variants that users are assigned to: by a hash, by a platform, by weights of traffic.

    Bad: `mlflow.set_experiment(...)`, a random choice, buckets of storage. Good: a hash of the user's id that
    chooses the model, two destinations with weights, `client.variation("ranker", user)`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_assigned(code))
    for site in code.library(PLATFORM_ROOTS, PLATFORM):
        if site.name.partition(".")[0] not in ("openfeature", "confidence") or site.call.arguments:
            yield at_call("ab-test", "platform", site, f"{site.name.partition('.')[0]} assigns variants")
    for site in code.ending(*WEIGHTED_CALLS):
        for key, value in site.call.keywords:
            whole = value in (0, 100, 1) and key in ("traffic_percentage", "initial_weight")
            if key in WEIGHTS and not whole and code.imports(site.path) & CLOUDS:
                yield at_call("ab-test", "weights", site, f"{key} divides the traffic")
                break
    for command in project.commands:
        if TRAFFIC_COMMAND.search(command.text) and role_of(command.path) is Role.OWN:
            yield told(
                "ab-test",
                "command",
                command.path,
                command.line,
                "a command divides the traffic",
                wired_by=f"{command.path}:{command.line} runs it",
            )
    yield from _in_manifests(project, "ab-test", "TrafficWeights", "weights divide the traffic between versions")


CLOUDS = frozenset({"boto3", "sagemaker", "azure", "azureml", "google", "vertexai", "kfp"})


def _assigned(code: Code) -> Iterator[Finding]:
    for site in code.library(HASH_ROOTS, HASHES):
        place = code.place(site.path, site.call.scope)
        if place is None:
            continue
        said = [place.definition.name, *(one.target for one in code.body(site.path, site.call.scope).assigns)]
        if place.definition.parent >= 0:
            said.append(
                re.sub(r"(?<=[a-z])(?=[A-Z])", "_", code.files[site.path].definitions[place.definition.parent].name)
            )
        if any(ASSIGNS.search(name) for name in said) and not any(NO_EXPERIMENT.search(name) for name in said[:1]):
            yield at_call(
                "ab-test", "assigned", site, f"{place.definition.name}() assigns by a hash, the same way each time"
            )


HASH_ROOTS = (
    "hashlib",
    "mmh3",
    "zlib",
    "binascii",
    "xxhash",
    "farmhash",
    "murmurhash",
    "murmurhash3",
    "cityhash",
    "uuid",
    "pyhash",
    "spookyhash",
)


def _in_manifests(project: Project, signal: str, kind: str, message: str) -> Iterator[Finding]:
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects if role_of(path) is Role.OWN else ():
            if thing.kind == kind:
                wired = f"{path}:{thing.line} is read by the cluster's mesh"
                yield told(signal, "manifest", path, thing.line, message, wired_by=wired)


SHADOWS = Lazy(
    r"(?:^|_)(?:shadow(?:_?(?:predict\w*|mode|model|score\w*|deploy\w*|traffic|eval\w*|infer\w*|call|compare|run|log\w*|test\w*))|(?:run|predict|score|log|compare|evaluate|call|in)_(?:\w+_)?shadow|interleav\w*|team_draft\w*|balanced_interleaving|mirror_(?:request|traffic|prediction)s?)(?:_|$)",
    re.IGNORECASE,
)
PREDICTS = Lazy(
    r".*(?:\.|_|^)(?:predict\w*|score\w*|infer\w*|forward|rank\w*|generate|invoke|post|request|create_task|submit)$",
    re.IGNORECASE,
)
PLATFORM_OUTCOMES = Lazy(
    r"langfuse\.(?:\w+\.)*\w+\(\)\.(?:score|create_score|score_current_trace)$|langsmith\.(?:\w+\.)*Client\(\)\.create_feedback$|arize\.(?:\w+\.)*Client\(\)\.log$|fiddler\.\w+.*\.publish\w*$|whylogs\.log_(?:classification|regression)_metrics$|nannyml\.(?:PerformanceCalculator|CBPE)\(\)\.(?:calculate|estimate)$"
)
WRITES = (
    "to_sql",
    "to_csv",
    "to_parquet",
    "to_json",
    "execute",
    "executemany",
    "insert_one",
    "insert_many",
    "insert_rows_json",
    "insert_rows",
    "put_item",
    "send",
    "produce",
    "put_record",
    "open",
    "write_table",
    "save_as_table",
    "saveAsTable",
    "xadd",
    "lpush",
    "rpush",
    "Collection",
    "Table",
    "append_rows",
    "insert",
    "put_object",
    "write",
)
READS = (
    "read_sql",
    "read_sql_query",
    "read_sql_table",
    "read_csv",
    "read_parquet",
    "read_json",
    "read_gbq",
    "execute",
    "find",
    "scan",
    "query",
    "open",
    "table",
    "load_table",
    "lrange",
    "Table",
    "xread",
    "read_table",
    "scan_parquet",
    "sql",
    "scan_csv",
    "from_records",
    "Consumer",
    "KafkaConsumer",
)
JOINS = Lazy(r".*\.(?:merge|join|merge_asof|merge_ordered|join_asof)$|pandas\.(?:merge|merge_asof)$")
SQL_WRITE = Lazy(r"insert\s+(?:or\s+\w+\s+)?into\s+[\"'`]?([\w.]+)", re.IGNORECASE)
SQL_READ = Lazy(r"(?:from|join)\s+[\"'`]?([\w.]+)", re.IGNORECASE)
OF_PREDICTIONS = Lazy(r"predict|score|inference|served|recommend|decision|response|request|log|event", re.IGNORECASE)


def online_evaluation(project: Project) -> Iterator[Finding]:
    """Find predictions that serving logs and a job joins with outcomes, and models that run in the shadow of another.

    Bad: a test split called online, predictions written and never read. Good: `INSERT INTO predictions` in a route,
    and a job that joins predictions with outcomes and computes a metric.
    """
    code = code_of(project)
    for place in code.functions_named(SHADOWS):
        said = code.body(place.path, place.index)
        if place.definition.parameters and any(PREDICTS.match(call.name) for call in said.calls):
            yield at_place(
                "online-evaluation",
                "shadow",
                place,
                f"{place.definition.name}() tries a model beside the one that answers",
            )
        elif re.search(r"interleav|team_draft", place.definition.name) and place.definition.parameters >= 2:
            yield at_place(
                "online-evaluation", "interleaved", place, f"{place.definition.name}() interleaves two rankings"
            )
    yield from _in_manifests(project, "online-evaluation", "TrafficMirror", "requests are mirrored to a second version")
    for site in code.ending("create_endpoint_config"):
        if any(key == "ShadowProductionVariants" for key, _ in site.call.keywords):
            yield at_call("online-evaluation", "shadow", site, "a shadow variant gets the requests too")
    for site in code.library(("langfuse", "langsmith", "arize", "fiddler", "whylogs", "nannyml"), PLATFORM_OUTCOMES):
        yield at_call(
            "online-evaluation", "platform", site, f"{site.name.partition('.')[0]} is told the outcomes of predictions"
        )
    yield from first_of_each_scope(_joined(code))


def _joined(code: Code) -> Iterator[Finding]:
    """Find jobs that read what a serving function writes, join it and compute a metric."""
    written: dict[str, list[Site]] = defaultdict(list)
    for site in code.ending(*WRITES):
        if OF_SERVING.search(site.path) or _predicts(code, site):
            for name in sorted(_targets(code, site, SQL_WRITE)):
                written[name].append(site)
    if not written:
        return
    for site in code.ending(*READS):
        if not _measures(code, site):
            continue
        for name in sorted(_targets(code, site, SQL_READ)):
            writers = [
                one for one in written.get(name, ()) if (one.path, one.call.scope) != (site.path, site.call.scope)
            ]
            if writers and OF_PREDICTIONS.search(name):
                where = f"{writers[0].path}:{writers[0].call.line}"
                yield at_call(
                    "online-evaluation",
                    "joined",
                    site,
                    f"{name}, written by {where}, is joined with outcomes and measured",
                )


OF_SERVING = Lazy(
    r"(?:^|/|_)(?:app|api|serv\w*|main|predict\w*|inference|endpoint\w*|rout\w*|views?|handlers?|log\w*)(?:[/_.]|$)",
    re.IGNORECASE,
)


def _predicts(code: Code, site: Site) -> bool:
    place = code.place(site.path, site.call.scope)
    names = [call.name for call in code.body(site.path, site.call.scope).calls]
    return any(name.endswith((".predict", ".predict_proba")) for name in names) or (
        place is not None and bool(re.search(r"predict|serve|score|infer|log", place.definition.name, re.IGNORECASE))
    )


def _measures(code: Code, site: Site) -> bool:
    """Tell whether the function of a call, or those it stands among, joins and computes a metric."""
    known = code.files[site.path]
    scopes = (
        [site.call.scope]
        if site.call.scope < 0
        else [
            site.call.scope,
            *(one.call.scope for one in code.named(code.dotted(site.path, site.call.scope)) if one.path == site.path),
        ]
    )
    said = [call for scope in scopes for call in code.body(site.path, scope).calls]
    if site.call.scope >= 0:  # helpers of the same file that measure
        said += [call for call in known.calls if METRIC.match(code.project.resolve(site.path, call.name))]
    sql = any(
        isinstance(value, str) and re.search(r"\bjoin\b", value, re.IGNORECASE)
        for call in said
        for value in call.arguments
    )
    joins = sql or any(JOINS.match(call.name) for call in said)
    measures = any(METRIC.match(code.project.resolve(site.path, call.name)) for call in said)
    by_hand = {sign for sign, _ in code.body(site.path, site.call.scope).operations} & {"==", "-"} and any(
        call.name.endswith(("mean", "sum")) for call in said
    )
    return joins and (measures or bool(by_hand))


def _targets(code: Code, site: Site, sql: Lazy) -> set[str]:
    """Return the tables, paths and topics that a call names, constants of the project put in."""
    found: set[str] = set()
    for value in (*site.call.arguments, *(value for _, value in site.call.keywords)):
        for text in _texts(code, site.path, value):
            named = sql.findall(text) if " " in text else [text]
            found |= {name for name in named if 3 < len(name) < 120}
    receiver = re.findall(r"\[\"?'?(\w{4,})", site.call.name)
    return found | set(receiver)


def _texts(code: Code, path: str, value: Value) -> Iterator[str]:
    if not isinstance(value, str):
        return
    if not value.startswith("="):
        yield value
        return
    if value == "=str":  # a constant of this file: any of those that it may be
        for one in code.files[path].assigns:
            if one.scope == -1 and isinstance(one.value, str) and not one.value.startswith("="):
                yield one.value
        return
    module, _, name = code.project.resolve(path, value[1:]).rpartition(".")
    place = code.project.modules.get(module)
    if place is not None and place in code.files:
        for one in code.files[place].assigns:
            if one.scope == -1 and one.target == name and isinstance(one.value, str):
                yield one.value
