"""Layers 1 and 2: optimisation and learners that are written by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Body, Code, Place, at_call, at_place, code_of, first_of_each_scope, methods

__all__ = ["numpy_model", "own_optimizer"]

ARRAYS = frozenset({"numpy", "cupy", "jax", "torch", "tensorflow", "autograd", "mxnet", "tinygrad", "mlx", "paddle"})
BASES = Lazy(
    r"torch\.optim\.(?:\w+\.)*(?:Optimizer|[A-Z]\w+)$|(?:tensorflow\.(?:python\.|compat\.v\d\.)?)?(?:tf_)?keras\.optimizers\.(?:\w+\.)*\w+$|tensorflow\.(?:compat\.v1\.)?train\.\w*Optimizer$"
    r"|mxnet\.optimizer\.\w+$|paddle\.optimizer\.\w+$|chainer\.GradientMethod$|mindspore\.nn\.(?:\w+\.)*Optimizer$"
)
SCHEDULE = Lazy(r"lr_scheduler|schedules|LearningRateSchedule|LRScheduler")
STEPS = frozenset(
    {
        "step",
        "update",
        "apply",
        "update_step",
        "_resource_apply_dense",
        "_apply_dense",
        "apply_gradients",
        "get_updates",
        "_compute_update",
        "_single_tensor_step",
        "__call__",
        "minimize",
        "optimize",
        "update_params",
        "update_weights",
        "_update",
        "fit",
        "_step",
        "optimise",
    }
)
MINIMISES = Lazy(
    r"(?:scipy|jax\.scipy)\.optimize\.(?:minimize|minimize_scalar|fmin\w*|least_squares|leastsq|curve_fit|differential_evolution|basinhopping|dual_annealing|shgo|brute|direct|nnls|lsq_linear)$"
    r"|jaxopt\.\w+$|cma\.(?:fmin2?|CMAEvolutionStrategy)$|nlopt\.opt$|torchmin\.minimize$|pyswarms\.\w+(?:\.\w+)*$|geneticalgorithm\.geneticalgorithm$|casadi\.nlpsol$|ipopt\.\w+$|cyipopt\.\w+$"
)
PROGRAMS = Lazy(
    r"scipy\.optimize\.(?:linprog|milp)$|cvxpy\.Problem$|cvxpy\.(?:Minimize|Maximize)$|pulp\.LpProblem$|pyomo\.\w+(?:\.\w+)*\.Objective$|pyomo\.environ\.SolverFactory$|gurobipy\.Model$|mip\.Model$|cvxopt\.solvers\.\w+$|quadprog\.solve_qp$|qpsolvers\.solve_qp$|osqp\.OSQP$|highspy\.Highs$"
    r"|ortools\.linear_solver\.pywraplp\.Solver(?:\.CreateSolver)?$"
)
UPDATES = Lazy(
    r"(?:^|_)(?:gradient_(?:descent|ascent)|sgd\w*|adam\w*|rmsprop|adagrad|adadelta|(?:sgd_|with_)momentum|momentum_(?:update|step)|nesterov|newton(?:_raphson|_step|s_method)?|lbfgs|bfgs|coordinate_descent|proximal\w*|backtracking\w*|line_search|update_(?:weights?|params?|parameters?|theta|coef\w*)|apply_gradients?|gd_step|optimi[sz]er?_step|weight_update|simulated_annealing|particle_swarm|evolution_strategy|hill_climb\w*|frank_wolfe|admm|levenberg\w*|gauss_newton)(?:_|$|\d)",
    re.IGNORECASE,
)
OPTIMIZERS = Lazy(
    r".*(?:Optimi[sz]er|GradientDescent|SGD|Adam|AdamW|RMS[Pp]rop|Adagrad|Adadelta|Momentum|Nesterov|NAG|Newton\w*|LBFGS|Lion|Sophia|Lookahead|SAM|ParticleSwarm\w*|GeneticAlgorithm|EvolutionStrateg\w+)$"
)
WEIGHT = Lazy(
    r"(?:.*\.)?_?(?:w|W|weights?|theta\w*|params?|parameters?|beta\w*|b|bias(?:es)?|coef\w*|intercept\w*|kernels?|[wWbB]_?\d|[Ww]_?[a-z]{1,2}|slope|phi)_?(?:\.data|\.value)?(?:\[\])*$"
)
PRODUCT = Lazy(r".*(?:^|\.)(?:dot|matmul|einsum|tensordot|outer|inner|mm|matvec|bmm)$")
BUILT_IN = Lazy(
    r"torch\.optim\.\w+$|(?:tensorflow\.)?(?:tf_)?keras\.optimizers\.\w+$|optax\.\w+$|tensorflow\.(?:compat\.v1\.)?train\.\w*Optimizer$"
)


def own_optimizer(project: Project) -> Iterator[Finding]:
    """Find update steps written by hand, own optimisers, and solvers given an objective of the project's own.

    Bad: `model.fit(x, y)`, `torch.optim.Adam(model.parameters())`. Good: `weights -= rate * gradient`,
    `class Lion(Optimizer)`, `minimize(cost, start)`, `cvxpy.Problem(cvxpy.Minimize(risk))`.
    """
    code = code_of(project)
    taken: set[tuple[str, int]] = set()
    for place in code.classes():
        if _own_class(code, place):
            taken |= {(place.path, index) for index, _ in methods(code.files[place.path], place.index)}
            yield at_place("own-optimizer", "class", place, f"{place.definition.name} takes update steps of its own")
    for place in _stepping(code):
        if (place.path, place.index) not in taken:
            yield at_place("own-optimizer", "step", place, f"{place.definition.name}() updates parameters by hand")
    yield from first_of_each_scope(_solved(code))


def _own_class(code: Code, place: Place) -> bool:
    body = place.definition
    named = OPTIMIZERS.match(body.name)
    if SCHEDULE.search(body.name) or not (named or any("ptim" in base or "Optim" in base for base in body.bases)):
        return False
    by_base = any(BASES.match(name) and not SCHEDULE.search(name) for name in code.project.ancestors(place.path, body))
    if not by_base and not (named and code.imports(place.path) & ARRAYS):
        return False
    for index, method in methods(code.files[place.path], place.index):
        if method.name in STEPS and method.statements and (method.parameters or by_base):
            said = code.body(place.path, index)
            signs = {sign for sign, _ in said.operations}
            moved = any(
                call.name.rpartition(".")[2] in ("add_", "sub_", "addcdiv_", "assign_sub", "assign_add", "mul_")
                for call in said.calls
            )
            if (signs & {"-=", "-", "+="} and signs & {"*", "/", "**"}) or (by_base and moved):
                return True
    return False


def _stepping(code: Code) -> Iterator[Place]:
    """Yield the functions that take a step against a gradient: by their name, or by what they subtract from weights."""
    found = {
        (place.path, place.index): place
        for place in code.functions_named(UPDATES)
        if _steps(code.body(place.path, place.index)) and code.imports(place.path) & (ARRAYS | {"math", "random"})
    }
    for path in sorted(path for path in code.files if code.imports(path) & ARRAYS):
        known = code.files[path]
        lines = _subtracting(path, code)
        for assign in known.assigns if lines else ():
            if assign.value is None and (assign.line, assign.scope) in lines and WEIGHT.fullmatch(assign.target):
                place = code.place(path, assign.scope)
                if place is not None and place.definition.kind != "class":
                    found[path, assign.scope] = place
    yield from (place for _, place in sorted(found.items()))


def _subtracting(path: str, code: Code) -> set[tuple[int, int]]:
    """Return the lines and scopes that subtract a product: `w -= rate * gradient`."""
    signs: dict[tuple[int, int], set[str]] = defaultdict(set)
    for sign, line, scope in code.files[path].operations:
        signs[line, scope].add(sign)
    return {place for place, found in signs.items() if "-=" in found and "*" in found}


def _steps(said: Body) -> bool:
    signs: dict[int, set[str]] = defaultdict(set)
    for sign, line in said.operations:
        signs[line].add(sign)
    return any(
        ("-" in found or "-=" in found) and ("*" in found or "/" in found or "@" in found) for found in signs.values()
    )


def _solved(code: Code) -> Iterator[Finding]:
    for site in code.library(
        (
            "scipy",
            "jax",
            "jaxopt",
            "cma",
            "nlopt",
            "torchmin",
            "pyswarms",
            "geneticalgorithm",
            "casadi",
            "ipopt",
            "cyipopt",
        ),
        MINIMISES,
    ):
        given = [*site.call.arguments[:1], *(value for key, value in site.call.keywords if key in ("fun", "f", "func"))]
        library = (
            given
            and isinstance(given[0], str)
            and given[0].startswith("=")
            and code.project.definition(code.project.resolve(site.path, given[0][1:])) is None
            and not given[0].startswith(("=?", "=~"))
        )
        if not library or given[0] is None:
            yield at_call(
                "own-optimizer",
                "solver",
                site,
                f"{site.name.rpartition('.')[2]} solves for an objective of the project's own",
            )
    for site in code.library(
        (
            "scipy",
            "cvxpy",
            "pulp",
            "pyomo",
            "gurobipy",
            "mip",
            "cvxopt",
            "quadprog",
            "qpsolvers",
            "osqp",
            "highspy",
            "ortools",
        ),
        PROGRAMS,
    ):
        yield at_call(
            "own-optimizer", "program", site, f"{site.name.rpartition('.')[2]} states a program of the project's own"
        )


LEARNS = frozenset(
    {
        "fit",
        "train",
        "partial_fit",
        "backward",
        "backprop",
        "backward_pass",
        "learn",
        "update",
        "train_step",
        "_fit",
        "em",
        "run_em",
        "gradient_descent",
        "_backward",
        "update_weights",
        "fit_predict",
        "back_propagation",
        "backpropagate",
        "train_on_batch",
    }
)
ANSWERS = frozenset(
    {
        "predict",
        "forward",
        "predict_proba",
        "__call__",
        "decision_function",
        "score_samples",
        "forward_pass",
        "feedforward",
        "feed_forward",
        "_forward",
        "hypothesis",
        "fit_predict",
        "predict_one",
        "forward_propagation",
        "sample",
        "predict_",
        "_predict",
        "loss",
    }
)
WRAPPED = Lazy(
    r"(?:sklearn|cuml)\.(?!metrics|model_selection|datasets|utils|base|preprocessing|exceptions)\w+\.(?:\w+\.)?[A-Z]\w+$|(?:xgboost|lightgbm|catboost|statsmodels|implicit|surprise|transformers|prophet|pmdarima|autogluon|fasttext|gensim|hmmlearn|annoy|faiss|spacy|onnxruntime|joblib|sentence_transformers|stable_baselines3)\."
    r"|torch\.nn\.(?!functional|init|utils|Parameter)\w+|(?:tensorflow\.)?(?:tf_)?keras\.|flax\.|haiku\.|torch\.load$|.*\.(?:from_pretrained|zero_grad|eval)$|tensorflow\.(?:compat\.v\d\.)?(?:Session|train|placeholder|layers|estimator|InteractiveSession)\b|tensorflow\.contrib\.|torchvision\.models\.|timm\.|mxnet\.gluon\.|paddle\.nn\."
)
NETWORKS = Lazy(
    r"torch\.nn\.|(?:tensorflow\.)?(?:tf_)?keras\.|flax\.|equinox\.|haiku\.|pytorch_lightning\.|lightning\.|mxnet\.gluon|paddle\.nn|transformers\.|sklearn\.(?!base|utils)|chainer\.|xgboost\.|lightgbm\.|gym\b|torch\.optim"
)
NUMERIC = Lazy(
    r"(?:numpy|cupy|jax|torch|tensorflow|autograd|mlx|scipy)\.(?!load|save|array$|zeros$|ones$|random\.seed|cuda|device|no_grad|manual_seed|tensor$|asarray$|float|int|full$|empty$|nn\.Module|nn\.\w+$|utils)"
    r"|.*\.(?:dot|sum|mean|argmax|argmin|argsort|T|reshape|transpose|matmul|max|min|std|var|any|all|astype|clip|copy)$"
)


def numpy_model(project: Project) -> Iterator[Finding]:
    """Find learners in plain arrays: fit and predict, forward and backward, without a library's estimators or layers.

    Bad: `def fit(self, x, y): self.forest.fit(x, y)`, a network of nn.Linear. Good: a class whose fit computes
    weights from products of arrays.
    """
    code = code_of(project)
    for place in code.classes():
        if _learner(code, place):
            yield at_place("numpy-model", "class", place, f"{place.definition.name} learns and answers in plain arrays")
    for place in code.functions_named(TRAINS):
        if place.definition.parent == -1 and place.definition.parameters and _trains(code, place):
            yield at_place(
                "numpy-model", "function", place, f"{place.definition.name}() learns weights in plain arrays"
            )


TRAINS = Lazy(
    r"^_?(?:train|fit|learn|gradient_descent|sgd|logistic_regression|linear_regression|perceptron|backprop\w*|k_?means|em)(?:_|$)|_(?:regression|descent|perceptron)$",
    re.IGNORECASE,
)


def _learner(code: Code, place: Place) -> bool:
    if not code.imports(place.path) & ARRAYS:
        return False
    known = code.files[place.path]
    bodies = [(index, body) for index, body in methods(known, place.index) if body.statements]
    named = {body.name for _, body in bodies}
    if not named & LEARNS or not named & ANSWERS or len(named & (LEARNS | ANSWERS)) < 2:
        return False
    if any(NETWORKS.match(name) for name in code.project.ancestors(place.path, place.definition)):
        return False
    calls = [code.project.resolve(place.path, call.name) for call in code.calls_within(place.path, place.index)]
    if any(WRAPPED.match(name) for name in calls):
        return False
    own = re.compile(rf"(?:{re.escape(code.project.module_of(place.path))}\.|~)\w+(?:\(\))?\.fit$")
    if any(name.endswith(".fit") and not own.match(name) for name in calls):
        return False  # another learner does the work
    signs = {sign for index, _ in bodies for sign, _ in code.body(place.path, index).operations}
    product = "@" in signs or any(PRODUCT.match(name) or COUNTS.match(name) for name in calls)
    worked = sum(bool(NUMERIC.match(name)) for name in calls)
    return len(signs & {"-", "*", "/", "@", "+", "**", "-=", "+=", "/=", "*="}) >= 2 and worked >= 3 and product


COUNTS = Lazy(
    r"(?:numpy|jax\.numpy|cupy)\.(?:argmax|argmin|argsort|bincount|unique|log|exp|linalg\.\w+|sign|cumsum|outer|convolve|where|maximum|sqrt|var|cov|random\.\w+)$"
)


def _trains(code: Code, place: Place) -> bool:
    """Tell whether a function moves weights along products of arrays, or means to their rows, and builds on no library."""
    if not code.imports(place.path) & ARRAYS:
        return False
    said = code.body(place.path, place.index)
    signs = {sign for sign, _ in said.operations}
    names = [code.project.resolve(place.path, call.name) for call in code.calls_within(place.path, place.index)]
    if any(WRAPPED.match(name) or BUILT_IN.match(name) for name in names):
        return False
    product = "@" in signs or any(PRODUCT.match(name) for name in names)
    return product and bool(signs & {"-=", "-"}) and bool(signs & {"*", "/"}) and (_steps(said) or "-=" in signs)
