"""Layer 2: what own training sets against learning rows by heart: decay, dropout, smoothing, early stopping, penalties."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ParametersFacts
from assessor.analysis.facts.model import Value
from assessor.analysis.findings import Finding
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Site, at_call, at_place, code_of, first_of_each_scope
from assessor.analysis.signals.told import told

__all__ = ["regularization"]

ROOTS = (
    "torch", "tensorflow", "keras", "tf_keras", "sklearn", "xgboost", "lightgbm", "catboost", "transformers", "timm", "optax", "flax", "haiku", "equinox", "pytorch_lightning",
    "lightning", "fastai", "skorch", "peft", "trl", "ultralytics", "mxnet", "paddle", "ignite", "cuml", "pyspark", "torch_geometric", "tensorflow_addons", "paddlenlp",
    "sentence_transformers", "setfit", "simpletransformers", "statsmodels", "glmnet", "mindspore", "chainer", "pl",
)  # fmt: skip
DROPS = Lazy(
    r"torch\.nn\.(?:functional\.)?(?:feature_)?(?:alpha_)?[Dd]ropout(?:1d|2d|3d|_)?$|torch\.nn\.(?:Feature)?(?:Alpha)?Dropout\w*$|(?:tensorflow\.)?(?:tf_)?keras\.layers\.(?:\w+\.)*\w*Dropout\w*$|tensorflow\.nn\.dropout$"
    r"|tensorflow\.(?:compat\.v1\.)?layers\.dropout$|tensorflow\.contrib\.(?:layers|slim)\.dropout$|tensorflow\.\w+(?:\.\w+)*\.DropoutWrapper$|flax\.(?:linen|nnx)\.Dropout$|haiku\.dropout$|equinox\.nn\.Dropout$|timm\.(?:\w+\.)*DropPath$|mxnet\.gluon\.nn\.Dropout$"
    r"|paddle\.nn\.Dropout\w*$|mindspore\.nn\.Dropout$|torch_geometric\.utils\.dropout\w*$"
)
PENALTIES = Lazy(
    r"(?:tensorflow\.)?(?:tf_)?keras\.regularizers\.(?!get$|serialize$|deserialize$|Regularizer$)\w+$|tensorflow\.contrib\.layers\.l[12]\w*_regularizer$|tensorflow\.(?:compat\.v1\.)?nn\.l2_loss$|optax\.(?:add_decayed_weights|additive_weight_decay)$"
)
STOPS = Lazy(
    r"(?:pytorch_lightning|lightning(?:\.pytorch)?|pl)\.callbacks\.(?:\w+\.)*EarlyStopping$|(?:tensorflow\.)?(?:python\.)?(?:tf_)?keras\.callbacks\.EarlyStopping$|transformers\.(?:\w+\.)*EarlyStoppingCallback$|lightgbm\.(?:callback\.)?early_stopping$"
    r"|xgboost\.callback\.(?:EarlyStopping|early_stop)$|ignite\.handlers\.(?:\w+\.)*EarlyStopping$|skorch\.callbacks\.EarlyStopping$|fastai\.(?:\w+\.)*EarlyStoppingCallback$|flax\.training\.early_stopping\.EarlyStopping$|tensorflow\.estimator\.experimental\.stop_if_\w+$"
)
STRENGTHS = Lazy(
    r"weight_decay|weight_decay_rate|wd|label_smoothing|label_smoothing_factor|early_stopping_rounds|early_stopping_patience|early_stopping|n_iter_no_change|(?:kernel|bias|activity|embeddings|recurrent|weights|depthwise|pointwise)_regularizer"
    r"|(?:recurrent_|attn_|attention_|hidden_|lora_|embd_|resid_|classifier_|seq_classif_|activation_|input_|output_)?drop_?out(?:_rate|_prob|_p)?|\w+_dropout(?:_prob)?|drop_(?:rate|prob|path_rate|path)|reg_(?:alpha|lambda)|lambda_l[12]|l2_leaf_reg|l1_ratio|regParam|elasticNetParam|ccp_alpha"
)
SHRINKS = Lazy(
    r"(?:sklearn|cuml)\.linear_model\.(?:\w+\.)?(?:Ridge|Lasso|ElasticNet|MultiTaskLasso|MultiTaskElasticNet|LassoLars|RidgeClassifier|KernelRidge|HuberRegressor|Ridge\w*CV|Lasso\w*CV|ElasticNetCV|LogisticRegressionCV)$|sklearn\.kernel_ridge\.KernelRidge$"
)
CHOSEN = Lazy(r"(?:sklearn|cuml)\.(?:linear_model|svm|neural_network)\.(?:\w+\.)?\w+$")
CHOICES = frozenset({"C", "alpha", "alphas", "Cs", "penalty", "l1_ratio"})
NOTHING: tuple[Value, ...] = (0, None, False, "none", "None")
OWN_PENALTY = Lazy(
    r"(?:^|_)(?:l[12]_(?:penalty|reg\w*|loss|norm_penalty)|regulari[sz]ation(?:_loss|_term|_penalty)?|regulari[sz]er|weight_(?:decay|penalty)|gradient_penalty|mixup\w*|cutmix\w*|elastic_net\w*|ewc_\w+|orthogonal_reg\w*|early_stop(?:ping)?(?:_\w+)?|should_stop_early)(?:_|$)",
    re.IGNORECASE,
)
CONFIGURED = Lazy(
    r"(?:^|[._-])(?:weight_?decay|wd|label_?smoothing\w*|\w*drop_?out\w*|drop_?path\w*|drop_?rate|early_?stop\w*|l[12]|l[12]_reg\w*|reg_lambda|reg_alpha|lambda_l[12]|l1_ratio|regulari[sz]\w*)(?:[._-](?:rate|prob|patience|rounds|value|strength|p|lambda|coef\w*))?$",
    re.IGNORECASE,
)
LEARNS = frozenset(
    {
        "torch",
        "tensorflow",
        "keras",
        "sklearn",
        "xgboost",
        "lightgbm",
        "catboost",
        "jax",
        "transformers",
        "flax",
        "pytorch_lightning",
        "lightning",
        "mxnet",
        "paddle",
    }
)
NUMERIC = LEARNS | {"numpy"}


def regularization(project: Project) -> Iterator[Finding]:
    """Find what own training or its configuration sets against learning rows by heart.

    Bad: `nn.Dropout()`, `LogisticRegression()`, `AdamW(parameters)`, a transparency called alpha.
    Good: `SGD(parameters, weight_decay=1e-4)`, `EarlyStopping(patience=3)`, `Ridge(alpha=args.alpha)`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_set(code))
    for place in code.functions_named(OWN_PENALTY):
        signs = {sign for sign, _ in code.body(place.path, place.index).operations}
        if place.definition.parameters and signs & {"*", "-", "+", "+=", "**"} and code.imports(place.path) & NUMERIC:
            yield at_place("regularization", "own", place, f"{place.definition.name}() holds the model back")
    yield from _configured(project, code)


def _set(code: Code) -> Iterator[Finding]:
    for site in code.library(ROOTS, EVERY):
        what = _strength(site)
        if what:
            yield at_call("regularization", "set", site, f"{what} is set explicitly")
    for site in code.ending("fit", "train", "cv", "from_pretrained"):
        name = site.name.partition(".")[0]
        if name in ROOTS:
            continue
        for key, value in site.call.keywords:
            if (
                key in ("early_stopping_rounds", "hidden_dropout_prob", "dropout", "weight_decay")
                and value not in NOTHING
                and code.imports(site.path) & LEARNS
            ):
                yield at_call("regularization", "set", site, f"{key} is set explicitly")
                break


EVERY = Lazy(r"")


def _strength(site: Site) -> str:
    """Return what a call of a library sets explicitly, "" where it sets nothing or leaves the default."""
    name, call = site.name, site.call
    last = name.rpartition(".")[2]
    if STOPS.match(name):
        return "early stopping"
    if PENALTIES.match(name):
        return last
    if DROPS.match(name):
        functional = "functional" in name or name.startswith("tensorflow.nn") or name.endswith("layers.dropout")
        given = [
            *call.arguments[int(functional) :],
            *(
                value
                for key, value in call.keywords
                if key in ("p", "rate", "keep_prob", "drop_prob", "output_keep_prob", "input_keep_prob")
            ),
        ]
        return "dropout" if given and given[0] not in (0, 0.0) else ""
    for key, value in call.keywords:
        if value in NOTHING and (value is not None or key == "penalty"):  # None also stands for an expression
            continue
        if STRENGTHS.fullmatch(key) or (key in CHOICES and CHOSEN.match(name)):
            return key
    if SHRINKS.match(name) and call.arguments and call.arguments[0] not in (0, 0.0):
        return "alpha"
    return ""


def _configured(project: Project, code: Code) -> Iterator[Finding]:
    """Find strengths in files of configuration that own training code opens."""
    composed = any(code.library(("hydra", "omegaconf"), COMPOSES))
    learning = sorted(path for path in code.files if code.imports(path) & LEARNS)
    for path, known in project.of(ParametersFacts).items() if learning else ():
        stated = [
            (key, line)
            for key, value, line in known.values
            if value and CONFIGURED.search(".".join(key.split(".")[-2:]))
        ]
        if not stated or role_of(path) is not Role.OWN:
            continue
        name = path.rpartition("/")[2]
        opened = any(_names(code, place, name) for place in learning)
        if opened or (composed and path.endswith((".yaml", ".yml"))):
            key, line = stated[0]
            yield told("regularization", "configured", path, line, f"{key} is set for training")


COMPOSES = Lazy(r"hydra\.(?:main|compose|initialize\w*)(?:\(\))?$|omegaconf\.OmegaConf\.load$")


def _names(code: Code, path: str, name: str) -> bool:
    """Tell whether a file of code names a file of configuration."""
    known = code.files[path]
    if any(isinstance(one.value, str) and one.value.endswith(name) for one in known.assigns):
        return True
    return any(
        isinstance(value, str) and value.endswith(name)
        for call in known.calls
        for value in (*call.arguments, *(value for _, value in call.keywords))
    )
