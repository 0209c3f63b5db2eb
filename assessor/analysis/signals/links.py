"""Layers 4 and 6: the artefact that training leaves and serving takes, and what each request uses up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.facts.configuration_model import PipelineFacts
from assessor.analysis.facts.model import Value
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.infrastructure import EMITTED, ROUTE, SHIPPED
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.sites import Site, at_call
from assessor.analysis.signals.told import told

__all__ = ["cost_metrics", "train_serve_link"]

WRITES = frozenset(
    words_of(
        "dump save save_model save_weights export save_pretrained to_disk save_checkpoint register_model log_model write_bytes write savez to_onnx convert"
        " save_file store_model save_state_dict put upload_file upload_blob register convert_sklearn ModelCheckpoint torch_save copy"
    )
)
LOADS = frozenset(
    words_of(
        "load load_model load_weights from_pretrained load_from_checkpoint InferenceSession restore read_bytes load_state_dict Booster read_model load_file"
        " get_model_path pipeline unpickle SentenceTransformer download_file open load_checkpoint Predictor read from_file jit_load"
    )
)
ARTEFACT = Lazy(
    r"[\w{}./\-@:]*?([\w\-{}]+\.(?:pkl|pickle|joblib|pt|pth|onnx|h5|hdf5|keras|ckpt|safetensors|cbm|bst|pmml|bin|model|mlmodel|tflite|npz|gguf|engine|skops|dill|ubj|txt|json))$",
    re.I,
)
PLAIN = Lazy(r"\.(?:txt|json|bin|model|npz)$", re.I)
MODEL_WORD = Lazy(r"model|weights|checkpoint|classifier|regressor|pipeline|booster|net\b|ranker|scorer", re.I)
REGISTERED = Lazy(r"models:/+([\w\-{}]+)")
SERVING_PATH = Lazy(
    r"(?:^|[/_\-])(?:serv\w*|predict\w*|infer\w*|scor\w*|api|app|main|handler|endpoint|deploy\w*|web|service|routes?|lambda\w*|batch\w*)(?:[/_\-.]|$)",
    re.I,
)
TRAINING = frozenset(
    words_of(
        "sklearn torch tensorflow keras xgboost lightgbm catboost joblib pickle mlflow transformers onnx skl2onnx spacy fastai pytorch_lightning lightning azureml numpy dill cloudpickle skops"
    )
)


def train_serve_link(project: Project) -> Iterator[Finding]:
    """Find serving that loads the very artefact that training writes or registers: the same file or registry name.

    Bad: a pickle in git that no code writes, `load(path)` of a path nobody knows. Good: `MODEL_PATH` of one module
    in train.py's `joblib.dump` and in the route's `joblib.load`; `models:/churn@champion` of the registered "churn".
    """
    look = lookup_of(project)
    written: dict[str, list[Site]] = defaultdict(list)
    loaded: dict[str, list[Site]] = defaultdict(list)
    for site in look.ending(*(WRITES | LOADS)):
        if role_of(site.path) is not Role.OWN or kind_of(site.path) is Kind.NOTEBOOK:
            continue
        names = [*_names(look, site)]
        if last_of(site.name) in WRITES or _opened(site, "w"):
            for name in names:
                written[name].append(site)
        if last_of(site.name) in LOADS and not _opened(site, "w"):
            for name in names:
                loaded[name].append(site)
    for site in look.keyed("registered_model_name", "model_name", "dirpath"):
        value = _settled(
            look,
            site.path,
            dict(site.call.keywords).get("registered_model_name", dict(site.call.keywords).get("model_name")),
        )
        if value and last_of(site.name) in ("log_model", "register", "register_model", "save_model"):
            written["models:/" + value].append(site)
    for site, text in look.literals(ENDINGS):
        if role_of(site.path) is Role.OWN and kind_of(site.path) is not Kind.NOTEBOOK and _loads_within(look, site):
            found = ARTEFACT.match(text)
            if found:
                loaded[found[1]].append(site)
    _wrapped(look, written, loaded)
    serving = _serving(look)
    handlers = {one.place.path: int(one.place.index) for one in reversed(look.decorated) if ROUTE.match(one.name)}
    seen: set[str] = set()
    for name, sites in sorted(loaded.items()):
        for site in sites:
            writer = _nearest(written.get(name, []), site)
            if (
                writer is None
                or site.path == writer.path
                or site.path in seen
                or not _apart(look, writer, site, serving)
            ):
                continue
            seen.add(site.path)
            message = f"loads {name}, which {writer.path}:{writer.call.line} writes"
            finding = at_call("train-serve-link", "artefact", site, message)
            handler = handlers.get(site.path)  # what a module loads when it starts is what its handlers answer by
            yield replace(finding, scope=handler) if handler is not None and site.call.scope == -1 else finding
    yield from _mounted(look)
    yield from _handed(project)


DUMPS = frozenset(words_of("dump save save_model save_weights export savez write_bytes"))
UNPACKS = frozenset(words_of("load load_model load_weights InferenceSession read_bytes"))


def _wrapped(look: Lookup, written: dict[str, list[Site]], loaded: dict[str, list[Site]]) -> None:
    """Add the artefacts named in files that write or load through a helper of the project."""
    code = look.code
    kinds: dict[str, set[str]] = {path: set() for path in look.own}
    for place in code.functions():
        if place.definition.parent != -1 or not place.definition.parameters:
            continue
        lasts = {last_of(call.name) for call in code.body(place.path, int(place.index)).calls}
        how = ("w" if lasts & DUMPS else "") + ("r" if lasts & UNPACKS else "")
        if len(how) != 1:
            continue
        for site in code.named(f"{code.project.module_of(place.path)}.{place.definition.name}"):
            if site.path != place.path and site.path in kinds:
                kinds[site.path].add(how)
    for site, text in look.literals(ENDINGS):
        found = ARTEFACT.match(text)
        if found and kinds.get(site.path) == {"w"}:
            written[found[1]].append(site)
        elif found and kinds.get(site.path) == {"r"}:
            loaded[found[1]].append(site)
        elif found and kinds.get(site.path) == {"w", "r"} and not SERVING_PATH.search(site.path.rpartition("/")[2]):
            written[found[1]].append(site)


def _nearest(writers: list[Site], reader: Site) -> Site | None:
    """Return the writer whose path has most folders in common with the reader's."""
    folders = reader.path.split("/")[:-1]

    def common(site: Site) -> int:
        return sum(one == other for one, other in zip(site.path.split("/")[:-1], folders, strict=False))

    others = [one for one in writers if one.path != reader.path]
    return max(others, key=common, default=None)


ENDINGS = frozenset(words_of("pkl pickle joblib pt pth onnx h5 hdf5 keras ckpt safetensors cbm bst tflite model"))


def _loads_within(look: Lookup, site: Site) -> bool:
    """Tell whether a call goes to a function or class of the project that loads what it is given."""
    place = look.code.project.definition(site.name)
    if place is None or place.path not in look.code.files:
        return False
    return any(last_of(call.name) in LOADS for call in look.code.calls_within(place.path, int(place.index)))


MOUNTS = Lazy(r"azureml\.core(?:\.model)?\.Model\.get_model_path$")


def _mounted(look: Lookup) -> Iterator[Finding]:
    """Find scoring scripts that load what their platform mounts, where other code registers the model there."""
    registered = next(
        (
            site
            for site in look.ending("register", "register_model")
            if "azureml" in look.imported[site.path] and "model_path" in dict(site.call.keywords)
        ),
        None,
    )
    if registered is None:
        return
    mounts = [*look.rooted(MOUNTS, "azureml")]
    mounts += [site for site in look.ending("getenv", "get") if site.call.arguments[:1] == ("AZUREML_MODEL_DIR",)]
    for site in {one.path: one for one in reversed(mounts)}.values():
        message = f"loads the model that {registered.path}:{registered.call.line} registers"
        yield at_call("train-serve-link", "registry", site, message)


def _handed(project: Project) -> Iterator[Finding]:
    """Find commands that hand the output of a stage to a script that deploys or serves it."""
    outputs = {
        output.removeprefix("./"): (path, one)
        for path, known in project.of(PipelineFacts).items()
        for one in known.stages
        for output in one.outputs
    }
    stages = set(project.of(PipelineFacts))
    for command in project.commands if outputs else ():
        words = [word.removeprefix("./") for word in command.text.split()]
        given = next((word for word in words if word in outputs and not word.endswith((".csv", ".parquet"))), None)
        script = next((word for word in words if word.endswith(".py") and SERVING_PATH.search(word)), None)
        if given and script and command.path not in stages and role_of(command.path) is Role.OWN:
            path, stage = outputs[given]
            message = f"{script} takes {given}, which the stage {stage.name} of {path} makes"
            yield told(
                "train-serve-link",
                "command",
                command.path,
                command.line,
                message,
                Strength.USED,
                f"{command.path}:{command.line} runs it",
            )


def _opened(site: Site, mode: str) -> bool:
    return last_of(site.name) == "open" and any(
        isinstance(one, str) and one.startswith(mode) for one in site.call.arguments[1:2]
    )


def _names(look: Lookup, site: Site) -> Iterator[str]:
    """Yield the artefacts that a call names, by file name or registry name, resolved through constants."""
    values: list[Value] = [*site.call.arguments, *(value for _, value in site.call.keywords)]
    texts = [one for one in (_settled(look, site.path, value) for value in values) if one]
    for call in look.code.body(site.path, site.call.scope).calls:
        if site.call.line <= call.line <= site.call.end_line and call is not site.call:
            texts += [one for one in (_settled(look, site.path, value) for value in call.arguments) if one]
    for value in values:  # a local path that was joined a line before: the text of that join
        if isinstance(value, str) and value.startswith("=?"):
            texts += _local(look, site, value[2:])
    for text in texts:
        found = ARTEFACT.match(text)
        if found and (not PLAIN.search(found[1]) or MODEL_WORD.search(found[1])):
            yield found[1]
        elif named := REGISTERED.match(text):
            yield "models:/" + named[1]
    if last_of(site.name) == "register_model" and len(texts) >= 2:
        yield "models:/" + texts[-1]


def _local(look: Lookup, site: Site, name: str) -> list[str]:
    said = look.code.body(site.path, site.call.scope)
    lines = {one.line for one in said.assigns if one.target == name and one.line <= site.call.line}
    return [
        one
        for call in said.calls
        if call.line in lines
        for one in (_settled(look, site.path, value) for value in call.arguments)
        if one
    ]


def _settled(look: Lookup, path: str, value: Value) -> str | None:
    """Return the text that a value is, through constants of this and of other modules."""
    for _ in range(4):
        if not isinstance(value, str):
            return None
        if not value.startswith("="):
            return value
        name = look.code.project.resolve(path, value[1:])
        found = look.constants.get(name)
        if found is None:
            return None
        path, value = found
    return None


def _serving(look: Lookup) -> frozenset[str]:
    """Return the files that answer requests or predict."""
    routes = {
        one.place.path
        for one in look.decorated
        if re.search(r"\.(?:get|post|route|put|api_route|api|http)(?:\(\))?$", one.name)
    }
    predicts = {site.path for site in look.ending("predict", "predict_proba", "run", "generate", "encode", "transform")}
    return frozenset(routes | predicts)


def _apart(look: Lookup, writer: Site, reader: Site, serving: frozenset[str]) -> bool:
    """Tell whether one side trains or exports and the other serves."""
    trains = bool(look.imported[writer.path] & TRAINING)
    serves = reader.path in serving or bool(SERVING_PATH.search(reader.path))
    return (
        trains
        and serves
        and not re.search(r"(?:^|[/_])(?:eval\w*|test\w*|train\w*)(?:[/_.]|$)", reader.path.rpartition("/")[2])
    )


TOKENS = Lazy(
    r"(?:^|[._=?\-{ ])(?:(?:prompt|completion|input|output|total|cached|reasoning|num|n|llm|gpu|used)_?(?:tokens?|cost|seconds|usd)|token_?(?:usage|count|cost)s?|tokens|tokens_used|usage|cost(?:_usd|_cents|s)?|total_cost|price|spend)(?:[._)\-} ]|$)",
    re.I,
)
MEASURED = Lazy(
    r"(?:prompt|completion|input|output|total)_?tokens|token_usage|usage_metadata|\busage\b|completion_cost|tiktoken|get_openai_callback|gpu_seconds|cost_per_token|count_tokens|num_tokens",
    re.I,
)
STORES = frozenset(
    words_of(
        "inc observe set record add log log_metric log_metrics incr increment incrby hincrby histogram gauge count timing insert insert_one execute"
        " create save write writerow append_row put_item put_metric_data track emit capture xadd hincrbyfloat incrbyfloat add_scalar update_one"
    )
)
TELLS = Lazy(
    r"(?:logging\b|loguru\b|structlog\b|\?(?:logger|log|_logger|LOG)\.(?:info|debug|warning))|print$|list\.|dict\.|set\.|str\."
)


def cost_metrics(project: Project) -> Iterator[Finding]:
    """Find tokens, money or GPU time of requests that are measured and stored.

    Bad: a price in the README, `cost` of an optimiser logged, `max_tokens=256`. Good:
    `TOKENS.labels(model).inc(response.usage.total_tokens)`, `db.add(Usage(cost=cost))` after `completion_cost(...)`.
    """
    look = lookup_of(project)
    measuring: dict[str, bool] = {}
    for site in look.ending(*STORES):
        if TELLS.match(site.name) or role_of(site.path) is not Role.OWN:
            continue
        path = site.path
        if not _of_use(look, site):
            continue
        if path not in measuring:
            measuring[path] = _measures(look, path)
        if measuring[path]:
            yield at_call("cost-metrics", "stored", site, "what a request uses is measured and stored")


def _of_use(look: Lookup, site: Site) -> bool:
    """Tell whether a call stores a figure of use: by what it is given, or by what is made within it."""
    values: list[Value] = [*site.call.arguments, *(value for _, value in site.call.keywords)]
    names = [key for key, _ in site.call.keywords]
    for call in look.code.body(site.path, site.call.scope).calls:
        if call is not site.call and site.call.line <= call.line <= site.call.end_line:
            names += [key for key, _ in call.keywords]
            values += [value for value in call.arguments if isinstance(value, str) and value.startswith("=")]
    spoken = [one for one in values if isinstance(one, str) and len(one) < 120] + names
    if not any(TOKENS.search(one.removeprefix("=")) for one in spoken):
        return False
    strong = EMITTED.match(site.name) or SHIPPED.match(site.name)
    return (
        bool(strong)
        or last_of(site.name) not in ("set", "add", "create", "count", "record")
        or len(site.call.arguments) + len(names) > 0
    )


def _measures(look: Lookup, path: str) -> bool:
    known = look.code.files[path]
    for call in known.calls:
        if MEASURED.search(call.name):
            return True
        for value in (*call.arguments, *(value for _, value in call.keywords)):
            if isinstance(value, str) and MEASURED.search(value) and len(value) < 120:
                return True
    return any(
        isinstance(one.value, str) and one.value.startswith("=") and MEASURED.search(one.value) for one in known.assigns
    )
