"""Serve predictions, with the figures an operator needs."""

import os
import time

import structlog
import torch
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, Field

from churn.data import MONTHS
from churn.model import ChurnModel

structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
log = structlog.get_logger()
app = FastAPI(title="churn")

PREDICTIONS = Counter("churn_predictions_total", "Predictions by outcome", ["leaves"])
LATENCY = Histogram("churn_latency_seconds", "Time to predict")


class Customer(BaseModel):
    """Twelve months of spending, oldest first."""

    customer: str
    spend: list[float] = Field(min_length=MONTHS, max_length=MONTHS)


class Prediction(BaseModel):
    """The probability of leaving within 30 days."""

    customer: str
    probability: float


def load_model() -> ChurnModel:
    """Return the trained model, or an untrained one where none is mounted."""
    model = ChurnModel()
    path = os.environ.get("MODEL_PATH", "models/churn.pt")
    if os.path.exists(path):
        model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


model = load_model()


@app.post("/predict")
def predict(customer: Customer) -> Prediction:
    """Predict for one customer."""
    started = time.perf_counter()
    with torch.no_grad():
        logit = model(torch.log1p(torch.tensor([customer.spend])))
    probability = float(torch.sigmoid(logit)[0])
    LATENCY.observe(time.perf_counter() - started)
    PREDICTIONS.labels(leaves=str(probability > 0.5)).inc()
    log.info("predicted", customer=customer.customer, probability=round(probability, 4))
    return Prediction(customer=customer.customer, probability=probability)


@app.get("/metrics")
def metrics() -> Response:
    """Expose the counters."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
