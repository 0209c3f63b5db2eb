"""Put a model into use: one that reached every threshold and is no worse than the one in use; undo by one alias."""

import json
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import RestException

from forecast.evaluate import missed
from forecast.settings import params

NAME, IN_USE, BEFORE = "weekly-demand", "champion", "before"
TOLERATED = 0.005
"""By how much WAPE may be worse than in use: about two standard errors of a fold."""


def worse(found: dict[str, float], used: dict[str, float] | None) -> bool:
    """Tell whether a model forecasts worse than the one in use."""
    return used is not None and found["wape"] > used["wape"] + TOLERATED


def promote(model: Path, found: dict[str, float], client: MlflowClient) -> str:
    """Register a model under the alias that serving loads; return its version. Raises SystemExit when it may not."""
    if names := missed(found, params().thresholds):
        raise SystemExit(f"not promoted: {', '.join(names)} miss their thresholds")
    try:
        current = client.get_model_version_by_alias(NAME, IN_USE)
    except RestException:
        current = None
    used = {"wape": float(current.tags["wape"])} if current else None
    if worse(found, used):
        raise SystemExit(f"not promoted: WAPE {found['wape']:.3f} is worse than {used['wape']:.3f} in use")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(model), "model")
    version = client.create_model_version(NAME, f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.set_model_version_tag(NAME, version.version, "wape", str(found["wape"]))
    if current:
        client.set_registered_model_alias(NAME, BEFORE, current.version)
    client.set_registered_model_alias(NAME, IN_USE, version.version)
    return str(version.version)


def roll_back(client: MlflowClient) -> None:
    """Put the model from before into use again."""
    client.set_registered_model_alias(NAME, IN_USE, client.get_model_version_by_alias(NAME, BEFORE).version)


if __name__ == "__main__":
    print(promote(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), MlflowClient()))
