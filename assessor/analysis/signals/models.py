"""Layer 2: models and attention that the project wrote itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Place, at_call, at_place, code_of, methods, outermost, scopes_within

NETWORK = Lazy(
    r"torch\.nn\.(?:modules\.\w+\.)?\w+$|torch\.jit\.ScriptModule$|torchvision\.models\.|torch_geometric\.nn\."
    r"|(?:pytorch_lightning|lightning|lightning\.pytorch)\.(?:core\.\w+\.)?LightningModule$|pl\.LightningModule$"
    r"|(?:tensorflow\.(?:python\.)?)?keras\.|tensorflow\.compat\.v\d\.keras\.|tensorflow\.Module$|tensorflow\.nn\.rnn_cell\."
    r"|tf_keras\.|flax\.(?:linen|nnx)\.|equinox\.Module$|haiku\.Module$|mxnet\.gluon\.|paddle\.nn\.|chainer\.(?:Chain|Link)"
    r"|fairseq\.models\.|fairseq\.modules\.|transformers\..*(?:PreTrainedModel|Model|Layer|Attention|Embeddings)\w*$"
    r"|timm\.|allennlp\.(?:models|modules|nn)\.|dgl\.nn\.|mindspore\.nn\.|fastai\..*Module$|detectron2\.modeling\.|mmcv\.|mmdet\."
    r"|espnet\d?\.nets\.|speechbrain\.(?:nnet|core)\.|tinygrad\.|mlx\.nn\."
)
NO_NETWORK = Lazy(
    r"torch\.nn\.(?:modules\.loss\.)?\w*Loss$|(?:tensorflow\.(?:python\.)?)?keras\.(?:callbacks|losses|metrics|optimizers|utils|regularizers|initializers"
    r"|constraints|preprocessing)\.|torchvision\.datasets\.|torch\.nn\.(?:Parameter|init|utils)\b|timm\.data\.|allennlp\.data\."
)
FORWARD = frozenset(
    {"forward", "call", "__call__", "hybrid_forward", "construct", "training_step", "setup", "predict_step", "build"}
)
ARRAYS = Lazy(r"(?:numpy|jax\.numpy|cupy|torch|tensorflow)\b")


def own_model(project: Project) -> Iterator[Finding]:
    """Find models written by hand: layers with a forward pass, in a framework or in plain arrays.

    Bad: `class Model: def predict(self, x): return self.forest.predict(x)`, a forward that only raises.
    Good: `class Tagger(nn.Module)` whose `forward` computes.
    """
    code = code_of(project)
    for place in code.classes():
        known = code.files[place.path]
        bodies = [body for _, body in methods(known, place.index) if body.statements]
        named = {body.name for body in bodies}
        ancestors = list(project.ancestors(place.path, place.definition))
        is_network = any(NETWORK.match(name) and not NO_NETWORK.match(name) for name in ancestors)
        if is_network and named & FORWARD and not _only_wraps(code, place):
            yield at_place(
                "own-model", "network", place, f"{place.definition.name} is a network with a forward pass of its own"
            )
        elif not ancestors and _array_network(code, place, known, named):
            yield at_place("own-model", "arrays", place, f"{place.definition.name} computes its layers in plain arrays")
    for path, known in code.files.items():
        for index, body in enumerate(known.definitions):
            if body.kind != "class" and body.parent == -1 and _builds_layers(code, path, index):
                place = Place(path, index, body)
                yield at_place("own-model", "layers", place, f"{body.name}() builds a network layer by layer")


def _only_wraps(code: Code, place: Place) -> bool:
    """Tell whether a class loads a published model and adds no layer of its own."""
    names = [code.project.resolve(place.path, call.name) for call in code.calls_within(place.path, place.index)]
    loaded = any(name.endswith(".from_pretrained") for name in names)
    return loaded and not any(NETWORK.match(name) and not name.startswith("transformers") for name in names)


def _array_network(code: Code, place: Place, known: PythonFacts, named: set[str]) -> bool:
    """Tell whether a class without bases has a forward and a backward pass, or a forward pass of matrix products."""
    inside = scopes_within(known, place.index)
    products = [line for sign, line, scope in known.operations if sign == "@" and scope in inside]
    for call in code.calls_within(place.path, place.index):
        name = code.project.resolve(place.path, call.name)
        if re.match(r"(?:numpy|jax\.numpy|cupy)\.(?:dot|matmul|einsum|tensordot)$", name) or name.endswith(".dot"):
            products.append(call.line)
    return (
        bool(products)
        and bool(named & {"forward", "call", "__call__"})
        and bool(named & {"backward", "backprop", "update", "step", "fit"} or len(products) > 1)
    )


LAYERS = Lazy(
    r"(?:(?:tensorflow\.(?:compat\.v\d\.)?)?(?:python\.)?keras|tf_keras)\.(?:layers|Layer)\.(?:Conv\w*|Dense|LSTM|GRU|Bidirectional|Embedding|MultiHeadAttention"
    r"|SeparableConv\w*|DepthwiseConv\w*|SimpleRNN|TimeDistributed)$|tensorflow\.(?:compat\.v1\.)?layers\.|tensorflow\.contrib\.(?:layers|rnn|slim)\."
    r"|tensorflow\.nn\.(?:conv\w*|xw_plus_b|dynamic_rnn|bidirectional_dynamic_rnn|rnn_cell\.\w+)$|tensorflow\.contrib\.slim\."
    r"|keras\.layers\.\w+\.(?:Conv\w*|Dense|LSTM|GRU)$|torch\.nn\.Sequential$|jax\.example_libraries\.stax\.|jax\.experimental\.stax\."
)


def _builds_layers(code: Code, path: str, index: int) -> bool:
    names = [code.project.resolve(path, call.name) for call in code.calls_within(path, index)]
    layers = [name for name in names if LAYERS.match(name)]
    return len(layers) >= 2 or (
        "torch.nn.Sequential" in layers and sum(name.startswith("torch.nn.") for name in names) >= 4
    )


FUSED = Lazy(
    r"torch\.nn\.functional\.scaled_dot_product_attention$|flash_attn\.|xformers\.ops\.memory_efficient_attention$"
    r"|jax\.nn\.dot_product_attention$|flax\.linen\.(?:attention\.)?dot_product_attention$|torch\.nn\.attention\.flex_attention\.flex_attention$"
)
SOFTMAX = Lazy(r".*(?:^|\.|_)softmax$|.*\.Softmax(?:\(\))?$|.*\.Activation$|torch\.nn\.Softmax\(\)$", re.IGNORECASE)
PRODUCT = Lazy(
    r".*(?:^|\.)(?:matmul|bmm|einsum|batch_dot|dot|tensordot|Dot|batch_matmul|baddbmm|weighted_sum|reduce_sum|sum|mm|mul|multiply|Multiply)(?:\(\))?$"
)
SCORES = Lazy(
    r"attn|attention|attend|query|(?:^|_)(?:q|k|v)$|(?:^|_)(?:keys?|values|queries)$|energ|alpha|context", re.IGNORECASE
)
"""Names that attention has and a classifier has not; "scores" and "weights" are words of both."""


def custom_attention(project: Project) -> Iterator[Finding]:
    """Find attention computed in own code: a softmax of scores that then weighs values.

    Bad: `from torch.nn import MultiheadAttention` alone, a softmax over classes. Good: `softmax(q @ k.T / sqrt(d)) @ v`.
    """
    code = code_of(project)
    for site in code.calls(FUSED):
        if site.call.scope >= 0:
            yield at_call("custom-attention", "fused", site, "calls the fused attention in a layer of its own")
    for path, known in code.files.items():
        for index, body in enumerate(known.definitions):
            if body.kind != "class":
                line = _softmax_of_scores(code, path, known, index)
                if line is not None:
                    finding = at_place(
                        "custom-attention",
                        "scores",
                        Place(path, index, body),
                        f"{body.name}() weighs values by a softmax of scores",
                    )
                    yield replace(finding, line=line)


def _softmax_of_scores(code: Code, path: str, known: PythonFacts, index: int) -> int | None:
    """Return the line of a softmax whose function names scores and multiplies by its result afterwards."""
    softmax = None
    said = code.body(path, index)
    products = [line for sign, line in said.operations if sign in ("@", "*")]
    for call in said.calls:
        name = code.project.resolve(path, call.name)
        if SOFTMAX.match(name.removeprefix("?")) and (softmax is None):
            softmax = call.line
        elif PRODUCT.match(name.removeprefix("?")):
            products.append(call.line)
    if softmax is None:
        return None
    around = [known.definitions[index].name, *(known.definitions[place].name for place in _around(known, index))]
    named = [one.target for one in said.assigns]
    named += [one.name.rpartition(".")[2].lstrip("~") for one in said.references]
    speaks = sum(bool(SCORES.search(name)) for name in {*around, *named}) >= 1
    return softmax if speaks and any(line >= softmax for line in products) else None


def _around(known: PythonFacts, index: int) -> Iterator[int]:
    while known.definitions[index].parent >= 0:
        index = known.definitions[index].parent
        yield index


__all__ = ["custom_attention", "outermost", "own_model"]
