"""Layer 2: how far a score can be believed, calibration and uncertainty that the project computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import (
    Body,
    Code,
    Place,
    at_call,
    at_place,
    code_of,
    first_of_each_scope,
    methods,
)

__all__ = ["calibration"]

ROOTS = (
    "sklearn",
    "netcal",
    "uncertainty_toolbox",
    "mapie",
    "nonconformist",
    "crepes",
    "torchcp",
    "deel",
    "betacal",
    "venn_abers",
    "torchmetrics",
    "tensorflow_probability",
    "laplace",
    "properscoring",
    "scoringrules",
    "conformal_tights",
    "cuml",
    "calibration",
    "pycalib",
    "edward",
    "dalex",
)
LIBRARY = Lazy(
    r"sklearn\.calibration\.(?:CalibratedClassifierCV|calibration_curve|CalibrationDisplay\.\w+)$|sklearn\.metrics\.brier_score_loss$"
    r"|netcal\.\w+(?:\.\w+)*$|uncertainty_toolbox\.\w+(?:\.\w+)*$|mapie\.(?:\w+\.)*Mapie\w+$|mapie\.(?:\w+\.)*\w*(?:Conformal|Jackknife)\w+$"
    r"|nonconformist\.\w+\.\w+$|crepes\.(?:\w+\.)*\w+$|torchcp\.(?:\w+\.)*\w+$|deel\.puncc\.(?:\w+\.)*\w+$|betacal\.\w+$|venn_abers\.\w+$"
    r"|torchmetrics\.(?:\w+\.)*(?:\w*CalibrationError|calibration_error)(?:\(\))?$|tensorflow_probability\.stats\.(?:brier_score|expected_calibration_error\w*)$"
    r"|laplace\.Laplace$|properscoring\.\w+$|scoringrules\.\w+$|pycalib\.(?:\w+\.)*\w+$|calibration\.(?:get_calibration_error|get_ece|Platt\w+|Histogram\w+)$"
)
WITH_SPREAD = Lazy(
    r"sklearn\.gaussian_process\.\w+\(\)\.predict$|sklearn\..*BayesianRidge\(\)\.predict$|\?.*\.predict$"
)
MEASURES = Lazy(
    r"(?:^|_)(?:ece|mce|ace|adaptive_ece|classwise_ece|expected_calibration\w*|calibration_(?:error|curve|gap|loss|report|plot)\w*|reliability_(?:curve|diagram|plot)\w*"
    r"|brier(?:_score|_loss)?|temperature_scal\w+|platt_scal\w+|calibrate_(?:temperature|prob\w*|scores?|classifier|model|logits)|fit_temperature|set_temperature|tune_temperature"
    r"|conformal\w*|nonconformity\w*|mc_dropout\w*|monte_carlo_dropout\w*|enable_dropout|predictive_(?:entropy|variance|uncertainty|interval)\w*|epistemic\w*|aleatoric\w*"
    r"|ensemble_(?:variance|std|uncertainty|spread)|(?:prediction|credible|quantile)_intervals?|bald|uncertainty(?:_score|_estimate|_estimation|_from\w*)?|(?:compute|estimate|get|predict_with|calc\w*)_uncertainty\w*|pit_histogram|crps)"
    r"(?:_|$|s$|\d)",
    re.IGNORECASE,
)
CLASSES = Lazy(
    r"_?(?:ECE|MCE)(?:Loss|Metric)?$|.*(?:TemperatureScal|PlattScal|ModelWithTemperature|Conformal|MCDropout|McDropout|MonteCarloDropout|BrierScore|CalibrationError|IsotonicCalib|ProbabilityCalib|CalibratedModel|CalibratedClassifier)\w*$"
)
FOREIGN = frozenset(
    {"cv2", "tensorrt", "pycuda", "serial", "smbus", "rospy", "rclpy", "picamera", "openvino", "neural_compressor"}
)
"""What a camera, a sensor or an integer engine is calibrated with."""

ARRAYS = frozenset(
    {
        "numpy",
        "torch",
        "tensorflow",
        "keras",
        "jax",
        "scipy",
        "sklearn",
        "pandas",
        "polars",
        "mxnet",
        "paddle",
        "statistics",
        "cupy",
    }
)
WORK = frozenset({"-", "/", "*", "**", "==", "-=", "+=", "/=", "*="})
ALONG = frozenset({"axis", "dim"})
SPREAD = Lazy(r".*(?:^|\.)(?:std|var|reduce_std|reduce_variance|nanstd|nanvar|percentile|quantile|nanpercentile)$")
PREDICTS = Lazy(r".*\.(?:predict|predict_proba|predict_on_batch|forward|predict_step)$")
CALLED_SPREAD = Lazy(
    r"uncert|std|sigma|spread|interval|lower|upper|variance|varian|confidence|(?:^|_)var(?:_|$)", re.IGNORECASE
)


def calibration(project: Project) -> Iterator[Finding]:
    """Find calibration or uncertainty that is computed: of probabilities, of predictions, of an ensemble.

    Bad: `model.predict_proba(rows)` alone, `cv2.calibrateCamera(...)`, the temperature that a text is sampled with.
    Good: `CalibratedClassifierCV(model)`, an own expected calibration error, the spread of predictions under dropout.
    """
    code = code_of(project)
    yield from first_of_each_scope(_library(code))
    for place in code.classes():
        if CLASSES.match(place.definition.name) and _works(code, place):
            yield at_place("calibration", "class", place, f"{place.definition.name} calibrates or measures calibration")
    for place in code.functions_named(MEASURES):
        if _measures(code, place, code.body(place.path, place.index)):
            message = f"{place.definition.name}() computes how far scores can be believed"
            yield at_place("calibration", "own", place, message)
    yield from first_of_each_scope(_spreads(code))


def _spreads(code: Code) -> Iterator[Finding]:
    """Find the spread of predictions that are made several times, or by several models, along the first axis."""
    for site in code.ending(
        "std", "var", "reduce_std", "reduce_variance", "nanstd", "nanvar", "percentile", "quantile"
    ):
        call = site.call
        along = any(name in ALONG and value == 0 for name, value in call.keywords)
        along = along or (call.name.endswith((".std", ".var")) and call.arguments in ((0,), (None, 0)))
        if along and _predicts_again(code.body(site.path, call.scope)):
            yield at_call("calibration", "spread", site, "takes the spread of several predictions")


def _library(code: Code) -> Iterator[Finding]:
    for site in code.library(ROOTS, LIBRARY):
        what = site.name.partition("(")[0].rpartition(".")[2]
        yield at_call("calibration", "library", site, f"{what} calibrates or measures how far scores can be believed")
    for site in code.ending("predict"):
        if ("return_std", True) in site.call.keywords and WITH_SPREAD.match(site.name):
            yield at_call("calibration", "deviation", site, "predictions come with their standard deviation")
    for site in code.ending("IsotonicRegression"):
        known = code.files[site.path]
        around = known.definitions[site.call.scope].name if site.call.scope >= 0 else ""
        said = code.body(site.path, site.call.scope)
        scored = any(call.name.endswith(".predict_proba") for call in said.calls)
        if site.name.startswith("sklearn.") and (scored or "calib" in around.lower()):
            yield at_call("calibration", "isotonic", site, "scores are calibrated by an isotonic regression")


def _works(code: Code, place: Place) -> bool:
    """Tell whether a class does numerical work on tensors or arrays, and is none of a camera or an integer engine."""
    imported = code.imports(place.path)
    if not imported & ARRAYS or imported & FOREIGN:
        return False
    known = code.files[place.path]
    return any(code.body(place.path, index).operations for index, _ in methods(known, place.index)) or any(
        "fit" in call.name or call.name.endswith((".quantile", ".minimize", ".step", ".div"))
        for call in code.calls_within(place.path, place.index)
    )


def _measures(code: Code, place: Place, said: Body) -> bool:
    imported = code.imports(place.path)
    if (
        not place.definition.parameters
        or not place.definition.statements
        or not imported & ARRAYS
        or imported & FOREIGN
    ):
        return False
    if (
        place.definition.name.lower().startswith(("plot", "log_", "test", "print", "save", "load"))
        and not said.operations
    ):
        return False
    if place.definition.name == "enable_dropout":
        return any(call.name.endswith(".train") for call in said.calls)
    counted = bool({sign for sign, _ in said.operations} & WORK)
    return counted or any(
        SPREAD.match(call.name) or call.name.endswith((".log", ".square", ".entropy")) for call in said.calls
    )


def _predicts_again(said: Body) -> bool:
    names = [call.name for call in said.calls]
    passes = any(PREDICTS.match(name) for name in names) or any(
        ("training", True) in call.keywords for call in said.calls
    )
    learns = any(name.endswith(".GradientTape") for name in names)
    return passes and not learns and any(CALLED_SPREAD.search(one.target) for one in said.assigns)
