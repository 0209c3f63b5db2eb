"""Train, measure on customers that were held out, and record the run."""

import sys
from pathlib import Path

import mlflow
import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

from churn.data import load, series
from churn.model import ChurnModel

LEAST_AUC = 0.70


def fit(spend: np.ndarray, left: np.ndarray, *, epochs: int = 20) -> ChurnModel:
    """Fit the model with weight decay; log the loss of every epoch."""
    model = ChurnModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    loss_of = torch.nn.BCEWithLogitsLoss()
    inputs, targets = torch.from_numpy(spend), torch.from_numpy(left.astype(np.float32))
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()
        mlflow.log_metric("loss", loss.item(), step=epoch)
    return model


def evaluate(model: ChurnModel, spend: np.ndarray, left: np.ndarray) -> dict[str, float]:
    """Return ranking metrics on held-out customers."""
    with torch.no_grad():
        scores = model(torch.from_numpy(spend)).numpy()
    return {
        "auc": float(roc_auc_score(left, scores)),
        "average_precision": float(average_precision_score(left, scores)),
    }


def main() -> None:
    """Train on the file that is named and save the model if it is good enough."""
    customers = load(Path(sys.argv[1]))
    spend, left = series(customers), customers["left"].to_numpy()
    train, held = train_test_split(np.arange(len(left)), test_size=0.25, stratify=left, random_state=0)
    with mlflow.start_run():
        model = fit(spend[train], left[train])
        metrics = evaluate(model, spend[held], left[held])
        mlflow.log_metrics(metrics)
    if metrics["auc"] < LEAST_AUC:
        raise SystemExit(f"AUC {metrics['auc']:.3f} is below {LEAST_AUC}; the model is not saved")
    torch.save(model.state_dict(), "models/churn.pt")


if __name__ == "__main__":
    main()
