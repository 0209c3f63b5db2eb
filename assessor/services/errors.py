"""What can go wrong in a use case, said so that a user can act on it; web/errors.py turns these into pages once."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Conflict", "Forbidden", "Gone", "Invalid", "NotFound", "ServiceError", "SignInNeeded"]


class ServiceError(Exception):
    """Name the cause and, where there is one, the cure; both are sentences for the user."""

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure


class NotFound(ServiceError):
    """Say that a thing does not exist, or not for whoever asks."""


class Forbidden(ServiceError):
    """Say that whoever asks may not do this."""


class SignInNeeded(Forbidden):
    """Say that nobody is signed in and somebody has to be."""


class Conflict(ServiceError):
    """Say that the present state does not allow this, for example because it exists already."""


class Gone(ServiceError):
    """Say that a link or token was valid once and is no longer."""


class Invalid(ServiceError):
    """Say what is wrong with which field; `fields` maps the name of a field to a sentence."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
