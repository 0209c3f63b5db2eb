"""Layers 5 and 6: how fast the project's own code is, and where its time goes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of, texts_given
from assessor.analysis.signals.runs import test_run
from assessor.analysis.signals.sites import at_call, at_place, first_of_each_file
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told

__all__ = ["benchmarks", "profiling"]

PROFILERS = Lazy(
    r"cProfile\.(?:Profile|run|runctx)$|profile\.(?:Profile|run)$|torch\.profiler\.profile$|torch\.autograd\.profiler\.profile$|pyinstrument\.Profiler$|line_profiler\.LineProfiler$|yappi\.start$|viztracer\.VizTracer$|tracemalloc\.start$|memray\.Tracker$|jax\.profiler\.(?:trace|start_trace)$"
    r"|tensorflow\.profiler\.experimental\.(?:start|Profile)$|scalene\..*|nvtx\..*"
)
PROFILER_ROOTS = words_of(
    "cProfile profile torch pyinstrument line_profiler yappi viztracer tracemalloc memray jax tensorflow scalene"
)
KEEPS = frozenset(
    words_of(
        "dump_stats Stats export_chrome_trace export_stacks tensorboard_trace_handler output_html output_text write_html save print_stats take_snapshot dump"
        " get_func_stats open_in_browser key_averages stop_trace stop export_memory_timeline"
    )
)
SELF_KEEPING = Lazy(r"memray\.Tracker$|viztracer\.VizTracer$|jax\.profiler\.|tensorflow\.profiler\.")
PROFILES = Lazy(
    r"\b(?:py-spy\s+record|scalene|memray\s+run|kernprof|austin|nsys\s+profile|ncu|pyinstrument|mprof\s+run|viztracer)\b|-m\s+cProfile\b.*\s-o\b"
)


def profiling(project: Project) -> Iterator[Finding]:
    """Find profilers that run on the project's code and whose results are kept.

    Bad: `%timeit` in a notebook, a decorator that prints seconds. Good: `profiler.dump_stats("fit.prof")`,
    `prof.export_chrome_trace("trace.json")`, `py-spy record -o out.svg -- python train.py` in the Makefile.
    """
    look = lookup_of(project)
    for site in look.rooted(PROFILERS, *PROFILER_ROOTS):
        if kind_of(site.path) is Kind.NOTEBOOK:
            continue
        texts = texts_given(site)
        kept = SELF_KEEPING.match(site.name) or (
            last_of(site.name) in ("run", "runctx") and (len(texts) > 1 or "filename" in dict(site.call.keywords))
        )
        kept = (
            kept
            or "on_trace_ready" in dict(site.call.keywords)
            or any(last_of(call.name) in KEEPS for call in look.code.files[site.path].calls)
        )
        strength = Strength.USED if kept else Strength.DECLARED
        message = "a profiler whose results are kept" if kept else "a profiler whose results nobody keeps"
        yield at_call("profiling", "profiler", site, message, strength)
    for site in look.keyed("profiler", "profile_batch"):
        value = dict(site.call.keywords).get("profiler", dict(site.call.keywords).get("profile_batch"))
        if value not in (None, 0, False, "") and re.search(r"Trainer$|TensorBoard$", site.name):
            yield at_call("profiling", "trainer", site, "training is profiled")
    for command in project.commands:
        said = PROFILES.search(command.text) is not None and not NO_PROFILE.search(command.text)
        if said and role_of(command.path) is Role.OWN:
            message = f"a profiler is run ({command.text.strip()[:60]})"
            yield told("profiling", "command", command.path, command.line, message)


NO_PROFILE = Lazy(r"\binstall\b|^\W*(?:echo|printf)\b")
CLOCKS = frozenset(
    {
        "time.perf_counter",
        "time.time",
        "time.perf_counter_ns",
        "time.monotonic",
        "time.time_ns",
        "time.process_time",
        "timeit.default_timer",
        "torch.cuda.Event",
    }
)
TIMERS = Lazy(
    r"timeit\.(?:timeit|repeat|Timer(?:\(\)\.\w+)?)$|pyperf\.Runner\(\)\.(?:bench_func|timeit|bench_async_func)$|torch\.utils\.benchmark\.(?:\w+\.)?Timer(?:\(\)\.\w+)?$|triton\.testing\.(?:do_bench|perf_report)$|codspeed\."
)
FAST_PATH = Lazy(
    r"(?:^|[/_\-])(?:bench(?:mark)?(?:s|ing)?|perf(?:ormance)?|latency|throughput|speed(?:_?test)?)(?:[/_\-.]|$)", re.I
)
FAST_NAME = Lazy(
    r"(?:^|_)(?:bench(?:mark)?\w*|latency|throughput|speed_?test|measure_(?:latency|speed|throughput|time)|time_inference|profile_latency)(?:_|$)",
    re.I,
)
ASV = Lazy(r"(?:time|timeraw|peakmem|mem|track)_\w+$")
BENCH_RUN = Lazy(
    r"\b(?:hyperfine|asv\s+(?:run|continuous)|trtexec|cargo\s+bench|go\s+test\b.*-bench)\b|--benchmark-(?:only|json|compare|autosave)\b"
)


def benchmarks(project: Project) -> Iterator[Finding]:
    """Find benchmarks of the project's own speed or throughput.

    Bad: `torch.backends.cudnn.benchmark = True`, a benchmark data set, a leaderboard of accuracies, load tests.
    Good: a test with `benchmark(encode, text)`, `bench_encode.py` that times the encoder, `asv.conf.json` with `time_fit`.
    """
    look = lookup_of(project)
    yield from _benchmark_tests(project)
    asv = any(path.rpartition("/")[2] in ("asv.conf.json", ".asv.conf.json") for path in project.entries)
    found = [*_timed(project, look, asv)]
    yield from first_of_each_file(found)
    for ran in steps_of(project).ran:
        if BENCH_RUN.search(" ".join(ran.words)):
            yield told(
                "benchmarks",
                "step",
                ran.path,
                ran.line,
                f"CI measures speed ({ran.text[:60]})",
                Strength.USED,
                f"{ran.path}:{ran.line} runs it",
            )


def _benchmark_tests(project: Project) -> Iterator[Finding]:
    run = test_run(project)
    for path, known in project.python.items():
        if role_of(path) in (Role.VENDORED, Role.GENERATED):
            continue
        for call in known.calls:
            if call.name in ("?benchmark", "?benchmark.pedantic", "?codspeed_benchmark") and call.scope >= 0:
                body = known.definitions[call.scope]
                if (
                    body.name.startswith(("test", "bench"))
                    and body.parameters
                    and _measures_own(project, path, call.arguments)
                ):
                    yield Finding(
                        "benchmarks",
                        "pytest",
                        path,
                        call.line,
                        f"{body.name}() measures the project's speed",
                        Strength.USED,
                        call.end_line,
                        setting=Setting.CODE,
                        wired_by=run.wired_by if run else None,
                    )


def _measures_own(project: Project, path: str, arguments: tuple[object, ...]) -> bool:
    first = arguments[0] if arguments else None
    if not isinstance(first, str):
        return True  # a lambda or what the test made
    name = project.resolve(path, first.lstrip("="))
    return (
        project.definition(name) is not None
        or name.startswith("?")
        or "()" in name
        or project.definition(name.rpartition(".")[0]) is not None
    )


def _timed(project: Project, look: Lookup, asv: bool) -> Iterator[Finding]:
    code = look.code
    clocked: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for name in sorted(CLOCKS):
        for site in code.named(name):
            clocked[site.path][site.call.scope] += 1
    for site in look.rooted(TIMERS, "timeit", "pyperf", "torch", "triton"):
        if kind_of(site.path) is not Kind.NOTEBOOK and (
            FAST_PATH.search(site.path) or _own_calls(project, look, site.path)
        ):
            yield at_call("benchmarks", "timer", site, "the speed of the project's code is timed")
    for path, scopes in clocked.items():
        known = code.files[path]
        if kind_of(path) is Kind.NOTEBOOK:
            continue
        for scope, count in sorted(scopes.items()):
            name = known.definitions[scope].name if scope >= 0 else ""
            named = FAST_PATH.search(path) or FAST_NAME.search(name)
            if count >= 2 and named and _own_calls(project, look, path):
                site = next(
                    one
                    for clock in sorted(CLOCKS)
                    for one in code.named(clock)
                    if one.path == path and one.call.scope == scope
                )
                yield at_call("benchmarks", "script", site, "a script that times the project's own code")
    for place in code.functions() if asv else ():
        if ASV.match(place.definition.name) and "bench" in place.path.lower() and place.definition.statements:
            yield at_place("benchmarks", "asv", place, f"{place.definition.name}() is a benchmark of asv")


def _own_calls(project: Project, look: Lookup, path: str) -> bool:
    """Tell whether a file calls code of the project that stands elsewhere, or runs a model or a service."""
    for call in look.code.files[path].calls:
        name = project.resolve(path, call.name)
        place = project.definition(name) or project.definition(name.rpartition(".")[0])
        if place is not None and place.path != path:
            return True
        if last_of(name) in (
            "predict",
            "generate",
            "forward",
            "from_pretrained",
            "load_model",
            "InferenceSession",
        ) or name.endswith(("torch.load", "joblib.load")):
            return True
    return any(one.kind == "class" or one.statements > 3 for one in look.code.files[path].definitions)
