"""Layer 3: consumers and jobs that work on streams as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Site, at_call, at_place

__all__ = ["streaming"]

CONSUMERS = Lazy(
    r"kafka\.(?:consumer\.)?(?:group\.)?KafkaConsumer$|confluent_kafka\.(?:\w+\.)?(?:Consumer|DeserializingConsumer|AvroConsumer)$|aiokafka\.(?:\w+\.)?AIOKafkaConsumer$|pykafka\..*get_(?:simple|balanced)_consumer$|pulsar\.Client\(\)\.(?:subscribe|create_reader)$"
    r"|google\.cloud\.pubsub(?:_v1)?\.SubscriberClient$|azure\.eventhub(?:\.aio)?\.EventHubConsumerClient(?:\.from_connection_string)?$|nats\.connect$|quixstreams\.Application$|paho\.mqtt\.client\.Client$"
)
CONSUMER_ROOTS = words_of("kafka confluent_kafka aiokafka pykafka pulsar google azure nats quixstreams paho")
LOOPS = frozenset(
    words_of(
        "poll consume receive receive_batch subscribe pull getone getmany get_records loop_forever loop_start run dataframe streaming_pull fetch next_msg"
        " batch_receive read_next"
    )
)
UNSURE = frozenset({"run", "fetch", "subscribe"})
"""Loops of these names say nothing where it is not known what they are called on."""
JOBS = Lazy(
    r"pyflink\..*\.execute(?:_async|_sql)?$|bytewax\..*(?:Dataflow|operators\.input|input|run_main|cluster_main)$|apache_beam\.io\..*(?:ReadFromPubSub|ReadFromKafka|ReadStringsFromPubSub)$|apache_beam\.io\.(?:gcp\.pubsub|kafka)\.\w+$|streamz\..*|pathway\..*(?:read|run)$|pyspark\.streaming\.\w+.*(?:start|awaitTermination)$"
)
AGENTS = Lazy(
    r"faust\..*\.(?:agent|timer)(?:\(\))?$|faust\.App\(\)\.agent(?:\(\))?$|faststream\..*\.subscriber\(\)$|propan\..*\.handle\(\)$|aws_lambda_powertools\.utilities\.(?:batch|data_classes)\..*(?:Kinesis|kafka).*"
)
KINESIS = frozenset({"get_records", "subscribe_to_shard"})


def streaming(project: Project) -> Iterator[Finding]:
    """Find consumers with their loops, and stream jobs that are started.

    Bad: `response.iter_content()`, tokens streamed to a browser, a producer alone, a consumer that reads nothing.
    Good: `for message in KafkaConsumer("orders")`, `readStream ... writeStream.start()`, an agent of Faust.
    """
    look = lookup_of(project)
    for site in look.rooted(CONSUMERS, *CONSUMER_ROOTS):
        looped = _looped(look, site)
        message = f"{last_of(site.name)} is read in a loop" if looped else f"a {last_of(site.name)} that reads nothing"
        yield at_call("streaming", "consumer", site, message, Strength.USED if looped else Strength.DECLARED)
    for site in look.rooted(JOBS, "pyflink", "bytewax", "apache_beam", "streamz", "pathway", "pyspark"):
        yield at_call("streaming", "job", site, f"a stream job of {site.name.partition('.')[0]}")
    for one in look.decorated:
        if AGENTS.match(one.name) and one.place.definition.statements:
            yield at_place("streaming", "agent", one.place, f"{one.place.definition.name}() takes each message")
    for site in look.ending(*KINESIS):
        if "boto3" in look.imported[site.path] or "aiobotocore" in look.imported[site.path]:
            yield at_call("streaming", "kinesis", site, "records of a stream are read")
    yield from _spark(look)


def _looped(look: Lookup, site: Site) -> bool:
    """Tell whether what is made here is iterated over or polled somewhere in its file."""
    known = look.code.files[site.path]
    instance = f"{site.call.name}()"
    for call in known.calls:
        last = last_of(call.name)
        if last in LOOPS and (call.name.startswith(instance) or (call.name[:1] in "?~" and last not in UNSURE)):
            return True
    return site.name.endswith("KafkaConsumer") and any(one.name == instance for one in known.references)


def _spark(look: Lookup) -> Iterator[Finding]:
    """Find structured streaming of Spark: a stream is read, written and started."""
    reads = re.compile(r".*\breadStream\b")
    started = {site.path for site in look.ending("start", "toTable", "awaitTermination", "awaitAnyTermination")}
    seen: set[str] = set()
    for site in look.ending("load", "table", "csv", "json", "parquet", "text", "format", pattern=reads):
        if site.path in started and site.path not in seen:
            seen.add(site.path)
            yield at_call("streaming", "spark", site, "a stream of Spark is read and started")
