"""What can be set: the file config/router.yaml for what is reviewed, the environment for what is secret."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Price(BaseModel):
    """Dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Thresholds(BaseModel):
    """What an evaluation has to reach before a change is merged."""

    macro_f1: float
    attacks_stopped: float
    dollars_per_1000: float


class Policy(BaseModel):
    """What config/router.yaml says."""

    model: str
    timeout_seconds: float = Field(gt=0)
    attempts: int = Field(ge=1, le=5)
    passages: int = Field(ge=0, le=10)
    queues: list[str]
    least_confidence: float = Field(ge=0, le=1)
    prices: dict[str, Price]
    budget_per_day: float
    thresholds: Thresholds


class Secrets(BaseSettings):
    """What the environment says."""

    model_config = SettingsConfigDict(env_prefix="ROUTER_")

    model_url: str = "http://localhost:11434/v1"
    model_key: SecretStr
    clients: dict[str, SecretStr]
    data: Path = Path("/var/lib/router")


@cache
def policy(path: Path = Path("config/router.yaml")) -> Policy:
    """Return the policy, checked once."""
    return Policy.model_validate(yaml.safe_load(path.read_text()))


@cache
def secrets() -> Secrets:
    """Return the secrets; a missing one stops the start with its name."""
    return Secrets()
