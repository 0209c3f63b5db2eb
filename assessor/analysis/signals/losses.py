"""Layer 2: losses that the project defines, and what holds a model back from learning its rows by heart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Place, at_place, code_of, methods

__all__ = ["custom_loss"]

TENSORS = frozenset(
    {"torch", "tensorflow", "keras", "jax", "mxnet", "paddle", "mindspore", "chainer", "tinygrad", "mlx"}
)
ARRAYS = TENSORS | {"numpy", "cupy", "autograd", "theano", "xgboost", "lightgbm"}
LOSS_BASE = Lazy(
    r"torch\.nn\.(?:modules\.loss\.)?\w*Loss$|torch\.nn\.modules\.loss\.\w+$|(?:tensorflow\.(?:python\.)?|tf_)?keras\.losses\.\w+$"
    r"|mxnet\.gluon\.loss\.|paddle\.nn\.\w*Loss$|fairseq\.criterions\.\w+|pytorch_metric_learning\.losses\."
)
MODULE = Lazy(
    r"torch\.nn\.(?:modules\.module\.)?Module$|(?:tensorflow\.(?:python\.)?)?keras\.layers\.Layer$|object$|abc\.ABC$"
    r"|(?:torch\.autograd\.)?Function$|flax\.\w+\.Module$|paddle\.nn\.Layer$"
)
NAMED = Lazy(
    r"(?:^|_|[a-z\d])(?:loss|losses|criterion|criteria|objective)(?:_|$|\d|fn|func|fun|[A-Z])"
    r"|(?:^|_)(?:nll|elbo|bce|xent|cross_?entropy|hinge|huber|focal|triplet|contrastive|infonce|nt_?xent|info_nce)(?:_|$|\d)",
    re.IGNORECASE,
)
ABOUT_LOSS = Lazy(
    r"_*(?:plot|log(?!_loss$|_?cosh|istic)|print|save|load|set|update|record|average|avg|report|write|draw|show|train|test|eval|evaluate|val|valid|validate|validation|early"
    r"|stop|packet|path|weight|parse|select|register|gather|track|display|smooth|profit|heat|expected|value|is|has|check|reset|best|final|min"
    r"|on|run|fit|backward|step|sync|scale|unscale|convert|format|export|dump|history|list|name)_|.*loss(?:es)?_?(?:dir|path|name|history|curve|plot|str|type|file|meter|config|key|keys|weights?|scaler|logger)s?$",
    re.IGNORECASE,
)
LIBRARY = Lazy(
    r"torch\.nn\.functional\.\w*(?:loss|cross_entropy|kl_div)\w*$|torch\.nn\.\w+Loss\(\)\(\)$|(?:tensorflow\.)?keras\.(?:losses|metrics|backend)\.\w*(?:entropy|error|loss|hinge)\w*(?:\(\)\(\))?$"
    r"|tensorflow\.(?:compat\.v1\.)?(?:losses\.\w+|nn\.\w*cross_entropy\w*)$|optax\.\w*(?:entropy|loss)\w*$|sklearn\.metrics\.\w+$"
    r"|(?:tensorflow\.)?keras\.losses\.\w+\(\)\(\)$"
)
MATH = Lazy(
    r".*(?:^|\.)(?:log|log1p|log2|log_softmax|logsumexp|reduce_logsumexp|logsigmoid|log_sigmoid|exp|square|square_difference|squared_difference|pow|power|sqrt|norm|l2_norm|abs"
    r"|clamp|clip|clip_by_value|relu|maximum|minimum|where|cosine_similarity|pairwise_distance|cdist|softplus|sigmoid|bmm|matmul|einsum|masked_fill"
    r"|gather|scatter_|sign|tanh|logaddexp|var|reduce_variance|cumsum|lgamma|logdet|slogdet|l2_normalize|normalize|sort|outer|dot|trace)$"
)
ARITHMETIC = frozenset({"-", "*", "**", "*=", "-=", "@"})
TAKEN_AS_LOSS = frozenset(
    {"loss", "loss_fn", "loss_func", "loss_function", "criterion", "objective", "obj", "custom_loss", "fobj", "compute_loss_func", "compute_loss"}
)  # fmt: skip
TAKES_LOSS = (
    "compile",
    "train",
    "fit",
    "Trainer",
    "Learner",
    "cv",
    "LGBMRegressor",
    "LGBMClassifier",
    "XGBRegressor",
    "XGBClassifier",
)
FORWARD = frozenset({"forward", "call", "__call__", "hybrid_forward", "construct", "backward", "loss"})


def custom_loss(project: Project) -> Iterator[Finding]:
    """Find losses that the project defines and computes itself.

    Bad: `criterion = nn.CrossEntropyLoss()`, `def loss(x, y): return F.mse_loss(x, y)`, `plot_losses()`.
    Good: `class Focal(nn.Module)` whose forward weighs the cross-entropy, a function given to `compile(loss=...)`.
    """
    code = code_of(project)
    taken: set[tuple[str, int]] = set()
    for place in _losses_given(code):
        if (place.path, place.index) not in taken:
            taken.add((place.path, place.index))
            yield at_place("custom-loss", "given", place, f"{place.definition.name}() is what training minimises")
    for place in code.classes():
        inner = _loss_class(code, place)
        if inner is not None:
            taken |= {(place.path, index) for index, _ in methods(code.files[place.path], place.index)}
            yield at_place("custom-loss", "class", place, f"{place.definition.name} is a loss of the project's own")
    for place in code.functions_named(NAMED):
        if (place.path, place.index) not in taken and _loss_function(code, place):
            yield at_place("custom-loss", "function", place, f"{place.definition.name}() computes a loss of its own")


def _losses_given(code: Code) -> Iterator[Place]:
    """Yield the functions of the project that are handed to training as its loss."""
    for site in code.ending(*TAKES_LOSS):
        for name, value in site.call.keywords:
            if name in TAKEN_AS_LOSS and isinstance(value, str) and value.startswith("="):
                found = code.project.definition(code.project.resolve(site.path, value[1:].removesuffix("()")))
                if found is None or found.path not in code.files:
                    continue
                body = code.files[found.path].definitions[found.index]
                if body.kind != "class" and body.statements and _inner_computes(code, Place(*found, body)):
                    yield Place(found.path, found.index, body)


def _inner_computes(code: Code, place: Place) -> bool:
    known = code.files[place.path]
    inner = (Place(place.path, index, known.definitions[index]) for index, _ in methods(known, place.index))
    return computes_loss(code, place) or any(computes_loss(code, one) for one in inner)


def _loss_class(code: Code, place: Place) -> Place | None:
    """Return the method that computes, where a class is a loss by its base or by its name."""
    known, body = code.files[place.path], place.definition
    if re.search(r"ECE|[Cc]alibration", body.name):  # a measure of calibration that is written like a loss
        return None
    named = bool(re.search(r"loss|criterion|objective", body.name, re.IGNORECASE))
    if not named and not any(re.search(r"loss|riterion", base, re.IGNORECASE) for base in body.bases):
        return None
    ancestors = list(code.project.ancestors(place.path, body))
    by_base = any(LOSS_BASE.match(name) for name in ancestors)
    by_name = named and (not ancestors or any(MODULE.match(name) for name in ancestors))
    if not by_base and not (by_name and code.imports(place.path) & ARRAYS):
        return None
    plain = not by_base and not code.imports(place.path) & TENSORS
    for index, method in methods(known, place.index):
        if (
            (method.name in FORWARD or NAMED.search(method.name))
            and method.parameters >= 1 + plain
            and method.statements
        ):
            found = Place(place.path, index, method)
            helpers = (Place(place.path, other, one) for other, one in methods(known, place.index) if one.parameters)
            if any(computes_loss(code, one, arrays=plain) for one in (found, *helpers)):
                return found
    return None


def _loss_function(code: Code, place: Place) -> bool:
    body = place.definition
    if ABOUT_LOSS.match(body.name) or not body.parameters:
        return False
    imported = code.imports(place.path)
    if imported & TENSORS:
        return computes_loss(code, place)
    return bool(imported & ARRAYS) and body.parameters >= 2 and computes_loss(code, place, arrays=True)


def computes_loss(code: Code, place: Place, *, arrays: bool = False) -> bool:
    """Tell whether a function computes more than a library's loss called as it is; plain arrays must be worked on."""
    said = code.body(place.path, place.index)
    signs = {sign for sign, _ in said.operations}
    names = [code.project.resolve(place.path, call.name) for call in said.calls]
    library = [name for name in names if LIBRARY.match(name)]
    worked = any(MATH.match(name) for name in names if name not in library)
    if arrays:
        return bool(signs & ARITHMETIC) and any(_of_arrays(name) for name in names)
    if len(library) > 1 and signs & {"+", "+="}:
        return True
    return bool(signs & ARITHMETIC) or worked


def _of_arrays(name: str) -> bool:
    return name.partition(".")[0] in ARRAYS and not name.endswith((".array", ".zeros", ".asarray"))
