"""Layers 4 to 6: the way back, and what carries more load."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ManifestFacts
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Place, Site, at_call, at_place, first_of_each_file
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["rollback", "scaling"]

BACK = Lazy(
    r"\bkubectl\s+(?:\S+\s+){0,4}rollout\s+undo\b|\bkubectl\s+argo\s+rollouts\s+(?:undo|abort|promote)\b|\bhelm\s+(?:\S+\s+){0,3}rollback\b|\bhelm\s+upgrade\b.*\s--(?:atomic|rollback-on-failure)\b|\bgcloud\s+run\s+services\s+update-traffic\b"
    r"|\bgcloud\s+run\s+deploy\b.*--no-traffic\b|\baws\s+(?:lambda\s+update-alias|deploy\s+create-deployment|deploy\s+stop-deployment|sagemaker\s+update-endpoint-weights\S*)|\bdocker\s+service\s+(?:rollback|update\b.*--rollback)|\bheroku\s+(?:releases:)?rollback\b"
    r"|\baz\s+(?:containerapp\s+ingress\s+traffic\s+set|ml\s+online-endpoint\s+update\b.*--traffic|webapp\s+deployment\s+slot\s+swap)|\balembic\s+(?:\S+\s+){0,2}downgrade\b|\bflask\s+db\s+downgrade\b|\b(?:fly|flyctl)\s+releases?\s+rollback\b|\beb\s+swap\b"
)
WEIGHED = Lazy(
    r"weight\.(?:blue|green|canary|stable)|canary[\w.]*(?:weight|percent\w*|traffic)|blue[-_]?green|(?:^|,)traffic[\w.]*=",
    re.I,
)
COLOURED = Lazy(r"(?:^|[-_])(?:canary|blue|green)(?:[-_]|$)", re.I)
MOVES = words_of(
    "transition_model_version_stage set_registered_model_alias delete_registered_model_alias update_endpoint_weights_and_capacities undeploy update_alias"
    " begin_swap_slot set_alias"
)
SPLIT_KEYS = (
    "traffic_percentage",
    "traffic_split",
    "canary_traffic_percent",
    "DeploymentConfig",
    "RoutingConfig",
    "DesiredWeightsAndCapacities",
)
GOES_BACK = Lazy(
    r"^_?(?:rollback|roll_back|revert)_?(?:to_?)?(?:\w*(?:model|version|deploy\w*|release|alias|champion|registry|previous)\w*)",
    re.I,
)
MOST = 5


def rollback(project: Project) -> Iterator[Finding]:
    """Find a path back: canaries and weights, undo commands, aliases of a registry, migrations that can be undone.

    Bad: git tags, `session.rollback()`, a `downgrade` that passes. Good: `kubectl rollout undo`, a Rollout,
    `set_registered_model_alias("churn", "champion", 3)`, `def downgrade(): op.drop_column(...)`.
    """
    look = lookup_of(project)
    yield from _undone(look)
    seen: set[tuple[str, int]] = set()
    for ran in steps_of(project).ran:
        weighed = bool(ran.uses) and any(WEIGHED.search(value) for value in ran.inputs.values())
        if (
            (weighed or BACK.search(" ".join(ran.words)))
            and (ran.path, ran.line) not in seen
            and ran.words[:1] not in (("echo",), ("printf",))
        ):
            seen |= {(ran.path, ran.line), (ran.source, ran.source_line)}
            wired = f"{ran.path}:{ran.line} runs it"
            yield told("rollback", "step", ran.path, ran.line, f"a way back ({ran.text[:60]})", Strength.USED, wired)
    for command in project.commands:
        if (
            BACK.search(command.text)
            and not command.text.lstrip("@-").startswith("echo")
            and (command.path, command.line) not in seen
            and role_of(command.path) is Role.OWN
        ):
            seen.add((command.path, command.line))
            yield told("rollback", "command", command.path, command.line, f"a way back ({command.text.strip()[:60]})")
    yield from _canaries(project)
    for site in look.ending(*MOVES):
        if last_of(site.name) not in ("set_alias", "undeploy", "update_alias") or look.imported[site.path] & {
            "mlflow",
            "google",
            "boto3",
            "vertexai",
        }:
            yield at_call("rollback", "alias", site, f"{last_of(site.name)}() moves the version that is served")
    for site in look.keyed(*SPLIT_KEYS):
        yield at_call("rollback", "traffic", site, "traffic is split between versions")
    for place in look.code.functions():
        if (
            place.definition.statements
            and GOES_BACK.match(place.definition.name)
            and look.code.body(place.path, int(place.index)).calls
        ):
            yield at_place("rollback", "own", place, f"{place.definition.name}() goes back to an earlier version")


def _undone(look: Lookup) -> Iterator[Finding]:
    """Find migrations whose way down does something."""
    found = 0
    for path in look.own:
        if "alembic" in look.imported[path] and found < MOST:
            known = look.code.files[path]
            names = {body.name for body in known.definitions}
            for index, body in enumerate(known.definitions):
                if (
                    body.name == "downgrade"
                    and body.parent == -1
                    and "upgrade" in names
                    and _operates(look, path, index)
                ):
                    found += 1
                    yield at_place(
                        "rollback", "migration", Place(path, index, body), "a migration whose downgrade does something"
                    )
    for site in look.rooted(re.compile(r"django\.db\.migrations\.Run(?:Python|SQL)$"), "django"):
        given = dict(site.call.keywords)
        back = given.get("reverse_code", given.get("reverse_sql", (*site.call.arguments, None, None)[1]))
        if back is not None and "noop" not in str(back):
            yield at_call("rollback", "migration", site, "a migration that can be undone")


def _operates(look: Lookup, path: str, index: int) -> bool:
    return any(
        look.code.project.resolve(path, call.name).startswith("alembic.op.")
        for call in look.code.calls_within(path, index)
    )


def _canaries(project: Project) -> Iterator[Finding]:
    for path, known in project.of(ManifestFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE):
            continue
        for one in known.objects:
            if one.kind in ("Rollout", "Canary", "TrafficSplit"):
                yield told(
                    "rollback",
                    "canary",
                    path,
                    one.line,
                    f"a {one.kind} {one.name}".strip(),
                    Strength.USED,
                    f"{path}:{one.line} is read by the cluster",
                )
            elif one.kind == "Deployment" and COLOURED.search(one.name):
                yield told(
                    "rollback",
                    "canary",
                    path,
                    one.line,
                    f"the Deployment {one.name} beside the stable one",
                    Strength.USED,
                )


TASKED = Lazy(
    r"celery\..*(?:task|shared_task)(?:\(\))?$|celery\.(?:Celery\(\)\.task|shared_task)(?:\(\))?$|rq\.(?:decorators\.)?job(?:\(\))?$|dramatiq\.actor(?:\(\))?$|huey\..*\.(?:task|periodic_task)\(\)$|ray\.remote(?:\(\))?$"
    r"|ray\.serve\.(?:batch|deployment)(?:\(\))?$|taskiq\..*\.task(?:\(\))?$|procrastinate\..*\.task(?:\(\))?$|faust\..*\.(?:agent|task)(?:\(\))?$|numba\.cuda\..*|sparkmagic\..*|dask\.delayed(?:\(\))?$|parsl\..*_app(?:\(\))?$"
)
SCALES = Lazy(
    r"rq\.Queue\(\)\.enqueue\w*$|arq\.(?:create_pool|connections\.create_pool)$|multiprocessing\.(?:pool\.)?(?:Pool|ThreadPool|get_context\(\)\.Pool)$|torch\.multiprocessing\.(?:spawn|Pool)$|multiprocess\.Pool$|concurrent\.futures\.(?:process\.|thread\.)?(?:ProcessPoolExecutor|ThreadPoolExecutor)$"
    r"|dask\.distributed\.Client$|distributed\.Client$|dask\.compute$|torch\.nn\.parallel\.(?:distributed\.)?DistributedDataParallel$|torch\.nn\.DataParallel$|torch\.distributed\.(?:init_process_group|fsdp\.\w+)$|torch\.distributed\.fsdp\..*FullyShardedDataParallel$"
    r"|torch\.utils\.data\.distributed\.DistributedSampler$|torch\.utils\.data\.DistributedSampler$|accelerate\.Accelerator$|deepspeed\.(?:initialize|init_inference)$|horovod\.\w+\.(?:init|DistributedOptimizer)$|tensorflow\.distribute\.\w*Strategy$|tensorflow\.distribute\.experimental\.\w+$"
    r"|azureml\.(?:pipeline\.steps|contrib\.pipeline\.steps)\.(?:\w+\.)?ParallelRunStep$|azure\.ai\.ml\.parallel\.\w+$|ray\.(?:init|data\.\w+|util\.ActorPool|train\.\w+\.\w+Trainer)$|ray\.serve\.run$|pyspark\.sql\..*\.(?:repartition|coalesce|mapPartitions|applyInPandas|pandas_udf)$|mpi4py\.MPI\.\w+.*"
    r"|joblib\.Parallel$|pathos\..*Pool$|billiard\.Pool$|celery\..*\.(?:apply_async|delay|group|chord)$|celery\.(?:group|chord|chain)$|sagemaker\..*distribution|jax\.(?:pmap|sharding\.\w+)$|fairscale\..*|megatron\..*|loky\.\w+|vllm\.(?:LLM|AsyncLLMEngine\.from_engine_args)$"
)
SCALE_ROOTS = words_of(
    "rq arq multiprocessing torch multiprocess concurrent dask distributed accelerate deepspeed horovod tensorflow azureml azure ray pyspark mpi4py joblib"
    " pathos billiard celery jax fairscale megatron loky"
)
STRATEGIES = Lazy(r"ddp|fsdp|deepspeed|horovod|dp$|tpu", re.I)
CLUSTERS = frozenset(
    {
        "HorizontalPodAutoscaler",
        "ScaledObject",
        "ScaledJob",
        "RayCluster",
        "RayService",
        "RayJob",
        "PyTorchJob",
        "TFJob",
        "MPIJob",
        "SparkApplication",
        "DaskCluster",
    }
)
USES = frozenset(
    {
        "map",
        "submit",
        "imap",
        "imap_unordered",
        "starmap",
        "apply_async",
        "run_in_executor",
        "map_async",
        "starmap_async",
        "apply",
    }
)


def scaling(project: Project) -> Iterator[Finding]:
    """Find queues, workers, pools, batches, shards and distributed training in own code and manifests.

    Bad: `n_jobs=-1` of an estimator, `num_workers=2` of a loader, `--workers 4`, "scalable" in the README.
    Good: `@celery.task`, `pool.map(score, parts)`, `DistributedDataParallel(net)`, a HorizontalPodAutoscaler.
    """
    look = lookup_of(project)
    for one in look.decorated:
        if TASKED.match(one.name) and one.place.definition.statements:
            yield at_place("scaling", "worker", one.place, f"{one.place.definition.name}() runs on workers")
    yield from first_of_each_file(_scaled(look))
    for site in look.keyed("strategy", "accelerator", "distribution_strategy", "batchable", "max_batch_size"):
        given = dict(site.call.keywords)
        if (
            isinstance(given.get("strategy"), str)
            and STRATEGIES.match(str(given["strategy"]))
            and "Trainer" in site.name
        ):
            yield at_call("scaling", "distributed", site, f"training is distributed by {given['strategy']}")
        elif given.get("batchable") is True:
            yield at_call("scaling", "batching", site, "requests are served in batches")
    for path, known in project.of(ManifestFacts).items():
        if role_of(path) in (Role.OWN, Role.EXAMPLE):
            for thing in known.objects:
                if thing.kind in CLUSTERS and not thing.templated:
                    yield told(
                        "scaling", "manifest", path, thing.line, f"a {thing.kind} {thing.name}".strip(), Strength.USED
                    )


def _scaled(look: Lookup) -> Iterator[Finding]:
    for site in look.rooted(SCALES, *SCALE_ROOTS):
        name = last_of(site.name)
        if name == "Parallel" and dict(site.call.keywords).get("n_jobs", (site.call.arguments or (None,))[0]) == 1:
            continue
        if name in ("Pool", "ThreadPool", "ProcessPoolExecutor", "ThreadPoolExecutor") and not _used(look, site):
            continue
        yield at_call("scaling", "spread", site, f"{name} spreads the work")


def _used(look: Lookup, site: Site) -> bool:
    return (
        any(last_of(call.name) in USES for call in look.code.files[site.path].calls)
        or role_of(site.path) is not Role.OWN
    )
