"""Layers 2 and 5: metrics on held-out data, experiment tracking."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Code, Place, Site, at_call, at_place, code_of, first_of_each_file

METRIC = Lazy(
    r"sklearn\.metrics\.(?!pairwise|make_scorer|get_scorer|DistanceMetric)\w+(?:\.\w+)?$"
    r"|(?:torchmetrics|pytorch_lightning\.metrics|ignite\.metrics)\.(?:\w+\.)*\w+(?:\(\))?$"
    r"|evaluate\.load\(\)\.(?:compute|add_batch)$|datasets\.load_metric\(\)\.(?:compute|add_batch)$|seqeval\.metrics\.\w+$"
    r"|(?:tensorflow\.(?:compat\.v\d\.)?)?keras\.metrics\.\w+(?:\(\))?(?:\.(?:update_state|result))?$|tensorflow\.(?:compat\.v1\.)?metrics\.\w+$"
    r"|sacrebleu\.\w+|nltk\.translate\.\w+\.\w+$|rouge\w*\.|bert_score\.|jiwer\.\w+$|pycocotools\.cocoeval\.COCOeval|ragas\.evaluate$"
    r"|lifelines\.utils\.concordance_index$|surprise\.accuracy\.\w+$|implicit\.evaluation\.|pyspark\.ml\.evaluation\.\w+\(\)\.evaluate$"
    r"|tensorflow_model_analysis\.run_model_analysis$|mlflow\.(?:models\.)?evaluate$|deepeval\.(?:evaluate|assert_test)$|mir_eval\.|pesq\.|pystoi\."
    r"|allennlp\.training\.metrics\.\w+|fastai\.metrics\.|xgboost\.cv$|lightgbm\.cv$|catboost\.cv$|editdistance\.eval$"
)
CROSS = Lazy(
    r"sklearn\.model_selection\.(?:cross_val_score|cross_validate|cross_val_predict|GridSearchCV|RandomizedSearchCV)$|xgboost\.cv$|lightgbm\.cv$"
)
KERAS_EVALUATE = Lazy(
    r"(?:.*keras.*|\?[\w.]*(?:model|net|estimator|classifier|clf|trainer)\w*)\.(?:evaluate|evaluate_generator|score)$",
    re.IGNORECASE,
)
TRAIN_ROWS = Lazy(
    r"(?:^=?[?~]?|[._])(?:x|y)?_?train(?:ing)?(?:_|$|[._])|train_(?:y|x|labels?)|(?:y|x|labels?)_tr(?:ain)?$",
    re.IGNORECASE,
)
OWN_METRIC = Lazy(
    r"(?:^|_)(?:accuracy|precision|recall|f1|f_?score|f1_score|auc|auroc|roc|wer|cer|bleu|rouge|map|mean_average_precision|ndcg|mrr|mse|rmse|mae|mape|r2|iou|dice"
    r"|perplexity|hits_at|hit_rate|error_rate|edit_distance|word_error_rate|confusion_matrix|topk?|top_k|top_\d|psnr|ssim|top1|top5)(?:_|$|s$|@|\d)",
    re.IGNORECASE,
)
EVALUATES = Lazy(
    r"(?:^|_)(?:eval|evaluate|evaluation|evaluator|valid|validate|validation|val|test|testing|infer|score|predict|benchmark|dev)(?:_|$|\d)",
    re.IGNORECASE,
)
COUNTED = Lazy(
    r"(?:^|_|\.)(?:correct|hits?|num_correct|n_correct|tp|true_pos\w*|matches|acc|right|corrects)(?:_|$|\d)",
    re.IGNORECASE,
)


def eval_metrics(project: Project) -> Iterator[Finding]:
    """Find evaluation metrics that the project computes on held-out data.

    Bad: `print(loss.item())`, `accuracy_score(y_train, model.predict(x_train))`.
    Good: `roc_auc_score(y_test, scores)`, `correct / total` in an evaluation loop.
    """
    code = code_of(project)
    yield from first_of_each_file(_library_metrics(code))
    yield from first_of_each_file(_own_metrics(code))


def _library_metrics(code: Code) -> Iterator[Finding]:
    for site in code.calls(CROSS):
        yield at_call("eval-metrics", "cross-validation", site, "scores folds that were held out")
    for site in code.calls(METRIC):
        if not _on_training_rows(site) and not _for_training_rows(code, site):
            yield at_call("eval-metrics", "library", site, f"{site.name.rpartition('.')[2]} of held-out data")
    for site in code.calls(KERAS_EVALUATE):
        known = code.files[site.path]
        learns = any(
            re.match(r"(?:tensorflow|keras|sklearn|xgboost|lightgbm|catboost|torch|transformers)\b", one.name)
            for one in known.imports
        )
        if learns and not _on_training_rows(site) and (site.call.arguments or site.call.keywords):
            yield at_call(
                "eval-metrics", "evaluate", site, f"{site.name.rpartition('.')[2]}() of a model on held-out data"
            )


def _for_training_rows(code: Code, site: Site) -> bool:
    """Tell whether what is made here is named after the rows that are trained on: self.train_accuracy = Accuracy()."""
    made = (one.target for one in code.body(site.path, site.call.scope).assigns if one.line == site.call.line)
    return any(TRAIN_ROWS.search(target) for target in made)


def _on_training_rows(site: Site) -> bool:
    values = [
        value for value in (*site.call.arguments, *(value for _, value in site.call.keywords)) if isinstance(value, str)
    ]
    names = [value for value in values if value.startswith("=")]
    return (
        bool(names)
        and any(TRAIN_ROWS.search(name) for name in names)
        and not any(re.search(r"test|val|dev|hold", name) for name in names)
    )


def _own_metrics(code: Code) -> Iterator[Finding]:
    """Find functions that compute a metric by hand and are called where something is evaluated, and counting loops."""
    for place in code.functions():
        body = place.definition
        said = code.body(place.path, place.index)
        signs = {sign for sign, _ in said.operations}
        if (
            OWN_METRIC.search(body.name)
            and body.parameters >= 1
            and body.statements
            and (said.calls or signs & COMPARES)
        ):
            callers = [
                site for site in _callers(code, place) if site.path != place.path or site.call.scope != place.index
            ]
            if callers and _learns(code, place.path, callers):
                yield at_place("eval-metrics", "own-metric", place, f"{body.name}() computes a metric of its own")
                continue
        if "/" not in signs or not any(COUNTED.search(one.target) for one in said.assigns):
            continue
        names = [call.name for call in said.calls] + [name for name, _ in body.decorators]
        evaluates = EVALUATES.search(body.name) or any(name.endswith(".eval") or "no_grad" in name for name in names)
        if evaluates and ("==" in signs or any(EQUAL.search(name) for name in names)):
            yield at_place("eval-metrics", "counted", place, f"{body.name}() counts what is right over all")


COMPARES = frozenset({"/", "==", "-", "+="})
EQUAL = Lazy(r"argmax|\.eq$|\.max$|topk|round|equal$")


def _callers(code: Code, place: Place) -> list[Site]:
    name = f"{code.project.module_of(place.path)}.{_qualified(code.files[place.path], place.index)}"
    return code.named(name)


def _qualified(known: PythonFacts, index: int) -> str:
    names = []
    while index >= 0:
        names.append(known.definitions[index].name)
        index = known.definitions[index].parent
    return ".".join(reversed(names))


LEARNING = Lazy(
    r"(?:torch|tensorflow|keras|sklearn|numpy|jax|transformers|xgboost|lightgbm|mxnet|paddle|datasets|pandas)\b"
)


def _learns(code: Code, path: str, callers: list[Site]) -> bool:
    """Tell whether a metric's own file or a caller's works with models or evaluates something."""
    files = {path, *(site.path for site in callers)}
    if any(LEARNING.match(one.name) for file in files for one in code.files[file].imports):
        return True
    return any(
        site.call.scope >= 0 and EVALUATES.search(code.files[site.path].definitions[site.call.scope].name)
        for site in callers
    )


TRACKED = Lazy(
    r"mlflow\.(?:tracking\.)?(?:fluent\.)?(?:log_metrics?|log_params?|log_artifacts?|start_run|autolog|log_dict|log_figure|set_tags?|pyfunc\.log_model|keras\.log_model)$"
    r"|mlflow\.\w+\.(?:autolog|log_model)$|mlflow\.(?:tracking\.)?MlflowClient\(\)\.(?:log_\w+|create_run)$|mlflow\.start_run\(\)"
    r"|wandb\.(?:init|log|watch|config\.update|run\.log|log_artifact|sweep|agent)$|wandb\.init\(\)\.(?:log|watch|config\.update|finish|log_artifact)$"
    r"|wandb\.(?:keras|integration\.keras|integration\.\w+)\.\w+$|wandb\.\w*Callback$"
    r"|(?:torch\.utils\.tensorboard(?:\.writer)?|tensorboardX|tensorboard_logger)\.(?:SummaryWriter|Logger)\(\)\.(?:add_\w+|log_value)$"
    r"|tensorboard_logger\.(?:configure|log_value)$|tensorflow\.(?:compat\.v\d\.)?summary\.(?:scalar|histogram|image|text|FileWriter|merge_all|create_file_writer)$"
    r"|tensorflow\.(?:compat\.v1\.)?summary\.FileWriter\(\)\.add_summary$|(?:tensorflow\.(?:python\.)?)?keras\.callbacks\.TensorBoard$"
    r"|(?:pytorch_lightning|lightning|lightning\.pytorch)\.(?:pytorch\.)?loggers\.(?:\w+\.)?\w+$"
    r"|neptune\.(?:new\.)?(?:init|init_run|create_experiment|log_metric|append_tags)$|neptune\.(?:new\.)?init(?:_run)?\(\)"
    r"|comet_ml\.(?:Experiment|start|OfflineExperiment)(?:\(\)\..*)?$|clearml\.Task\.(?:init|current_task)(?:\(\)\..*)?$|trains\.Task\.init"
    r"|aim\.Run(?:\(\)\..*)?$|sacred\.Experiment\(\)\.(?:automain|main|log_scalar|capture|config)|dvclive\.(?:Live|live)(?:\(\)\..*)?$|dvclive\.log$"
    r"|azureml\.core(?:\.run)?\.Run\.get_context\(\)(?:\..*)?\.(?:log|log_list|log_row|log_table|tag|parent\.log|upload_file\w*)$"
    r"|azureml\.core(?:\.experiment)?\.Experiment\(\)\.(?:submit|start_logging)$|google\.cloud\.aiplatform\.(?:log_metrics|log_params|start_run|init)$"
    r"|sagemaker\.experiments\..*|smexperiments\.|visdom\.Visdom\(\)\.\w+$|polyaxon\.|guild\.|mltracker\.|swanlab\.(?:init|log)$|trackio\.(?:init|log)$"
    r"|ignite\.contrib\.handlers\.\w*logger|fastai\.callback\.(?:wandb|tensorboard)\.|studio\.\w*logger|determined\.|tensorflow\.estimator\.SummarySaverHook$"
)
BY_ARGUMENT = Lazy(r".*TrainingArguments$|.*SFTConfig$|ultralytics\.YOLO\(\)\.train$")


def tracking(project: Project) -> Iterator[Finding]:
    """Find experiments that training writes to a tracker.

    Bad: `# wandb.init(...)`, `mlflow.pyfunc.load_model(uri)`. Good: `mlflow.log_metric("auc", auc)` in the training script.
    """
    code = code_of(project)
    sites = [
        site for site in code.calls(TRACKED) if not site.name.startswith("tensorflow.compat.v1.summary.FileWriter$")
    ]
    yield from (
        at_call("tracking", "logged", site, f"training writes to {site.name.partition('.')[0]}") for site in sites
    )
    for site in code.calls(BY_ARGUMENT):
        for name, value in site.call.keywords:
            if name in ("report_to", "logging_dir") and value not in ("none", None, "=None"):
                yield at_call("tracking", "trainer", site, f"the trainer reports to {value}", Strength.USED)
                break
