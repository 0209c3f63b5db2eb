"""Layer 9: what a prediction costs in time and on a GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ComposeFacts, ManifestFacts
from assessor.analysis.facts.model import Call
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Idiom, Lookup, idioms, last_of, library_calls, lookup_of, root_of
from assessor.analysis.signals.lazy import Lazy, Pattern
from assessor.analysis.signals.sites import Place, Site, at_call, at_place
from assessor.analysis.signals.told import told

__all__ = ["gpu_efficiency", "latency_optimization"]

HALF = Lazy(
    r"=?(?:torch|jax\.numpy|tensorflow|numpy)\.(?:float16|bfloat16|half)$|(?:float16|bfloat16|fp16|bf16|16|16-mixed|bf16-mixed|mixed_float16|mixed_bfloat16|fp8)$"
)


def _switched_off(call: Call) -> bool:
    return ("enabled", False) in call.keywords


GPU = idioms(
    Idiom(
        "precision",
        re.compile(r"torch\.(?:cuda\.amp\.|amp\.(?:autocast_mode\.)?|)(?:autocast|GradScaler|custom_fwd)(?:\(\))?$"),
        "computes in mixed precision",
        when=lambda call: not _switched_off(call),
    ),
    ("precision", r"apex\.amp\.(?:initialize|scale_loss)$", "computes in mixed precision"),
    (
        "precision",
        r"(?:tensorflow|keras|tf_keras)\.(?:compat\.v1\.|python\.)?(?:keras\.)?(?:mixed_precision\.(?:experimental\.)?(?:set_global_policy|set_policy|Policy|LossScaleOptimizer)|train\.experimental\.enable_mixed_precision_graph_rewrite|mixed_precision\.enable_mixed_precision_graph_rewrite)",
        "computes in mixed precision",
    ),
    ("precision", r"jmp\.\w+$", "computes in mixed precision"),
    (
        "batch",
        r"accelerate\.(?:utils\.)?(?:memory\.)?find_executable_batch_size",
        "searches the largest batch that fits",
    ),
    (
        "batch",
        r"(?:pytorch_lightning|lightning)\.(?:pytorch\.)?(?:tuner\.)?(?:\w+\.)*(?:scale_batch_size|BatchSizeFinder)$|(?:pytorch_lightning|lightning)\..*Tuner\(\)\.scale_batch_size$",
        "searches the largest batch that fits",
    ),
    (
        "metrics",
        r"(?:pynvml|py3nvml|nvidia_smi|nvsmi|gpustat|GPUtil|amdsmi)\.(?:\w+\.)*(?:nvmlDeviceGet(?:UtilizationRates|MemoryInfo|PowerUsage)|getGPUs|showUtilization|new_query|get_gpus)",
        "measures how busy the GPU is",
    ),
    (
        "metrics",
        r"torch\.cuda\.(?:utilization|memory_usage|power_draw|max_memory_allocated|memory_summary)$",
        "measures how full the GPU is",
    ),
    ("memory", r"deepspeed\.initialize$", "shards a model over GPUs"),
    ("memory", r"torch\.utils\.checkpoint\.checkpoint(?:_sequential)?$", "saves GPU memory by computing twice"),
)
GIVEN: dict[str, str] = {
    "fp16": "trains in half precision", "bf16": "trains in half precision", "auto_find_batch_size": "searches the largest batch that fits",
    "auto_scale_batch_size": "searches the largest batch that fits", "gpu_memory_utilization": "is told how much of the GPU to use",
    "gradient_checkpointing": "saves GPU memory by computing twice", "use_amp": "computes in mixed precision", "fp16_backend": "computes in mixed precision",
}  # fmt: skip
SET = ("torch_dtype", "precision", "mixed_precision", "dtype", "param_dtype", "bnb_4bit_compute_dtype")
MODELS = Lazy(
    r"transformers|diffusers|pytorch_lightning|lightning|accelerate|vllm|peft|trl|unsloth|sentence_transformers|flax|composer|fabric|ctranslate2|auto_gptq|TTS|nemo"
)
RESERVED = ("num_gpus", "gpus_per_trial", "gpu", "accelerators", "accelerator_count", "resources_per_worker")
SCHEDULED = Lazy(r"(?:ray|modal|kfp|kubernetes|skypilot|sky|beam|runpod|metaflow|flytekit|dstack|kubernetes_asyncio)\b")


def gpu_efficiency(project: Project) -> Iterator[Finding]:
    """Find what makes good use of a GPU: mixed precision, a batch that fits, its load measured, GPUs asked for by number.

    Bad: `model.cuda()`, `device = "cuda" if torch.cuda.is_available() else "cpu"`. Good: `with torch.autocast("cuda"):`.
    """
    lookup = lookup_of(project)
    yield from library_calls("gpu-efficiency", lookup, GPU)
    for site, value in lookup.given(*SET):
        if MODELS.match(site.name) and HALF.match(str(value)):
            yield at_call(
                "gpu-efficiency",
                "precision",
                site,
                f"{last_of(site.name)}() computes in {str(value).rpartition('.')[2]}",
            )
    for keyword, message in GIVEN.items():
        for site, value in lookup.given(keyword):
            if value not in (None, False, 0, "=None") and (root_of(site.name) not in ("", "argparse")):
                yield at_call("gpu-efficiency", "setting", site, message)
    for site, value in lookup.given(*RESERVED):
        if SCHEDULED.match(site.name) and value not in (None, False, 0):
            yield at_call("gpu-efficiency", "reserved", site, "asks the scheduler for GPUs")
    for site in lookup.ending(
        "gradient_checkpointing_enable",
        "enable_xformers_memory_efficient_attention",
        "set_gpu_limit",
        "set_accelerator_limit",
    ):
        yield at_call("gpu-efficiency", "memory", site, f"{last_of(site.name)}() is called")
    yield from _reserved(project)


def _reserved(project: Project) -> Iterator[Finding]:
    """Find GPUs that manifests and compose files ask for, and exporters of their figures."""
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects if role_of(path) is Role.OWN else ():
            name = f"{thing.kind} {thing.name}".strip()
            if thing.gpu is not None:
                yield told(
                    "gpu-efficiency",
                    "reserved",
                    path,
                    thing.gpu,
                    f"{name} asks for a GPU",
                    Strength.USED,
                    f"{path}:{thing.line} starts {name}",
                )
            for image, line in thing.images:
                if "dcgm-exporter" in image or "nvidia_gpu_exporter" in image:
                    yield told(
                        "gpu-efficiency",
                        "metrics",
                        path,
                        line,
                        "figures of the GPUs are exported",
                        Strength.USED,
                        f"{path}:{line}",
                    )
    for path, composed in project.of(ComposeFacts).items():
        for one in composed.services if role_of(path) is Role.OWN else ():
            if one.gpu or "dcgm-exporter" in one.image:
                yield told(
                    "gpu-efficiency",
                    "reserved",
                    path,
                    one.line,
                    f"{one.name} has a GPU reserved",
                    Strength.USED,
                    f"{path}:{one.line} starts {one.name}",
                )


FASTER = idioms(
    ("export", r"torch\.onnx\.(?:export|dynamo_export|utils\.export)$", "exports the model to ONNX"),
    (
        "export",
        r"(?:tf2onnx|skl2onnx|onnxmltools|keras2onnx|winmltools|hummingbird)\.(?:\w+\.)*(?:from_\w+|convert\w*|to_onnx)$",
        "converts the model to ONNX",
    ),
    ("export", r"skl2onnx\.(?:\w+\.)*convert_sklearn$|onnxconverter_common\.\w+", "converts the model to ONNX"),
    (
        "runtime",
        r"onnxruntime\.(?!.*get_available)(?:\w+\.)*(?:InferenceSession|ORTModel\w+)$",
        "predicts with ONNX Runtime",
    ),
    (
        "runtime",
        r"optimum\.(?:\w+\.)+\w*(?:ORT|OV|BetterTransformer|Quantiz)\w*(?:\.\w+)?$",
        "predicts with an optimised runtime",
    ),
    (
        "runtime",
        r"(?:tensorrt|torch_tensorrt|torch2trt|trt_utils|tensorrt_llm|polygraphy)\.(?:\w+\.)*(?:Builder|compile|torch2trt|Runtime|LLM|EngineFromNetwork|TrtRunner)$",
        "predicts with TensorRT",
    ),
    (
        "runtime",
        r"(?:openvino|ctranslate2|deepsparse|neural_compressor|nncf|faster_whisper|llama_cpp|exllamav2|vllm|lmdeploy|mlc_llm|tensorflow_model_optimization)\.(?:\w+\.)*(?:compile_model|convert_model|Core|Translator|Generator|Pipeline|fit|WhisperModel|Llama|LLM|AsyncLLMEngine|LLMEngine|pipeline|quantize\w*|prune_low_magnitude|compress\w*)(?:\(\)\.\w+)?$",
        "predicts with a runtime made for speed",
    ),
    (
        "quantised",
        r"torch\.(?:ao\.)?quantization\.(?:\w+\.)*(?:quantize\w*|prepare\w*|convert|QuantStub|fuse_modules)$",
        "quantises the model",
    ),
    (
        "quantised",
        r"(?:onnxruntime)\.quantization\.(?:\w+\.)*\w*quantize\w*$|bitsandbytes\.nn\.\w+|auto_gptq\..*quantize$|awq\..*quantize$|torchao\.\w+|quanto\.quantize$",
        "quantises the model",
    ),
    (
        "quantised",
        r"(?:tensorflow|tf)\.(?:compat\.v\d\.)?lite\.(?:TFLiteConverter\.\w+|TFLiteConverter\(\)\.convert|Interpreter)$",
        "converts the model for TensorFlow Lite",
    ),
    ("compiled", r"torch\.(?:compile|jit\.(?:trace|script|optimize_for_inference|freeze))$", "compiles the model"),
    ("compiled", r"coremltools\.(?:convert|converters\.\w+)|tvm\.\w*(?:relay|build)\b.*", "compiles the model"),
    Idiom(
        "cache",
        re.compile(
            r"(?:cachetools|diskcache|aiocache|cashews|dogpile|fastapi_cache|fastapi_cache2|async_lru|flask_caching|beaker|asyncache|gptcache|joblib)\.(?:\w+\.)*(?:TTLCache|LRUCache|LFUCache|cached|cachedmethod|Cache|FanoutCache|cache|alru_cache|memoize|Memory)(?:\(\)(?:\.\w+)?(?:\(\))?)?$"
        ),
        "keeps answers in a cache",
    ),
    (
        "cache",
        r"(?:django)\.(?:core\.cache\.cache\.(?:get|set|get_or_set|get_many)|views\.decorators\.cache\.cache_page)",
        "keeps answers in a cache",
    ),
    (
        "cache",
        r"(?:langchain|langchain_core|langchain_community)\.(?:\w+\.)*(?:set_llm_cache|CacheBackedEmbeddings(?:\.\w+)?)$",
        "keeps answers of the model in a cache",
    ),
    (
        "batching",
        r"ray\.serve\.(?:\w+\.)*batch(?:\(\))?$|batched\.\w+|mosec\.\w+|triton_?client_batch\.",
        "puts requests together into batches",
    ),
)
FAST_GIVEN: dict[str, tuple[str, Pattern]] = {
    "load_in_8bit": ("loads the model quantised", re.compile(r"True")),
    "load_in_4bit": ("loads the model quantised", re.compile(r"True")),
    "quantization_config": ("loads the model quantised", re.compile(r"=.+")),
    "batchable": ("puts requests together into batches", re.compile(r"True")),
    "max_batch_size": ("puts requests together into batches", re.compile(r"[2-9]|\d\d+|=.+")),
}
SERVERS = Lazy(
    r"bentoml|litserve|ray|mosec|kserve|transformers|peft|vllm|triton|modal|pytriton|unsloth|diffusers|text_generation"
)
PREDICTS = Lazy(
    r"^(?:predict\w*|encode\w*|embed\w*|generate|infer\w*|complet\w+|create|forward|score\w*|translate|search|similarity_search\w*|query|invoke|transform|from_pretrained|load_model|pipeline|execute|recommend\w*)$"
)
KEEPS = Lazy(r"functools\.(?:lru_cache|cache|cached)(?:\(\))?$|(?:async_lru)\.alru_cache(?:\(\))?$")
REDIS = Lazy(
    r"(?:redis|aioredis|redis_om|pymemcache|pylibmc|coredis|valkey|fakeredis|upstash_redis)\b.*\.(?:setex|set|psetex|hset|mset)$"
)
TEACHES = Lazy(r"teacher", re.IGNORECASE)
DIVERGES = Lazy(
    r"torch\.nn\.(?:functional\.)?(?:kl_div|KLDivLoss|mse_loss|MSELoss|cosine_embedding_loss)(?:\(\)\(\))?$|(?:tensorflow\.)?keras\.losses\.(?:KLDivergence|kl_divergence)(?:\(\)\(\))?$"
)


def latency_optimization(project: Project) -> Iterator[Finding]:
    """Find what makes answers come sooner: another runtime, fewer bits, a smaller student, a cache, batches of requests.

    Bad: `time.time() - started`, `@lru_cache def get_settings()`. Good: `torch.onnx.export(...)`, `InferenceSession(path)`.
    """
    lookup = lookup_of(project)
    yield from library_calls("latency-optimization", lookup, FASTER)
    for keyword, (message, value_of) in FAST_GIVEN.items():
        for site, value in lookup.given(keyword):
            if SERVERS.match(site.name) and value_of.match(str(value)):
                yield at_call("latency-optimization", "setting", site, message)
    yield from _kept_answers(lookup)
    yield from _distilled(lookup)


def _kept_answers(lookup: Lookup) -> Iterator[Finding]:
    """Find functions whose answers are kept and that ask a model or a store, and values put into a server's memory to expire."""
    for one in lookup.decorated(KEEPS):
        body = one.place.definition
        called = [last_of(call.name) for call in lookup.code.calls_within(one.place.path, one.place.index)]
        if body.parameters and any(map(PREDICTS.match, called)):
            yield at_place("latency-optimization", "cache", one.place, f"the answers of {body.name}() are kept")
    for name in lookup.under(("redis", "aioredis", "pymemcache", "pylibmc", "coredis", "valkey", "upstash_redis")):
        for site in lookup.code.named(name) if REDIS.match(name) else ():
            expires = name.endswith("setex") or any(
                key in ("ex", "px", "expire", "time", "exat") for key, _ in site.call.keywords
            )
            if expires and site.call.scope >= 0 and _speaks_of_a_cache(lookup, site):
                yield at_call("latency-optimization", "cache", site, "keeps a value for a while, to answer sooner")


def _speaks_of_a_cache(lookup: Lookup, site: Site) -> bool:
    known, scope = lookup.code.files[site.path], site.call.scope
    words = [site.path, *(value for value in site.call.arguments if isinstance(value, str))]
    while scope >= 0:
        words.append(known.definitions[scope].name)
        scope = known.definitions[scope].parent
    return any("cache" in word.lower() for word in words)


def _distilled(lookup: Lookup) -> Iterator[Finding]:
    for name in lookup.under(("torch", "tensorflow", "keras")):
        for site in lookup.code.named(name) if DIVERGES.match(name) else ():
            path, scope = site.path, site.call.scope
            if scope < 0:
                continue
            said = lookup.code.body(path, scope)
            body = lookup.code.files[path].definitions[scope]
            words = [one.target for one in said.assigns] + [call.name for call in said.calls] + [*body.named, body.name]
            words += [str(value) for call in said.calls for value in call.arguments]
            if any(map(TEACHES.search, words)):
                yield at_place(
                    "latency-optimization",
                    "distilled",
                    Place(path, scope, body),
                    f"{body.name}() teaches a smaller model",
                )
