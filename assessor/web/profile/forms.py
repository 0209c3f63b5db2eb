"""Forms of the profile: ten ratings against anchors, and the role that somebody aims at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from wtforms import Field, RadioField, SelectField, StringField
from wtforms.validators import ValidationError

from assessor.content.schema import Catalogue
from assessor.services.errors import Invalid
from assessor.services.sources import named_source
from assessor.web.context import settings
from assessor.web.forms import Form

__all__ = ["NOT_RATED", "PRESET", "StartForm", "TargetForm"]

PRESET = "ml-engineer"
"""The role that is chosen before somebody chooses, where the catalogue has it."""

NOT_RATED = ""
RATINGS = (NOT_RATED, *(f"{half / 2:g}" for half in range(11)))
"""What a rating may be; the page offers whole levels, and a half where one was given before."""


class StartForm(Form):
    """Ask for a role, ten ratings and, if there is one, a repository. Make one with `StartForm.of`."""

    role = RadioField("The role you aim at")
    source = StringField("Repository", filters=[lambda text: (text or "").strip()])

    @classmethod
    def of(cls, catalogue: Catalogue, answers: Mapping[str, Any] | None = None) -> StartForm:
        """Make the form of a catalogue's layers and roles, filled with answers in the form of a draft."""
        answers = answers or {}
        layers = [layer.key for layer in catalogue.framework.layers]
        offered: Any = list(RATINGS)  # the types of WTForms still ask for pairs, which it deprecates
        fields = {_name(key): RadioField(choices=offered, default=NOT_RATED) for key in layers}
        given = {_name(key): _text(level) for key, level in (answers.get("ratings") or {}).items() if key in layers}
        preset = PRESET if PRESET in catalogue.roles else next(iter(catalogue.roles))
        role = answers.get("role") if answers.get("role") in catalogue.roles else preset
        made = type("StartForm", (cls,), fields)(data={**given, "role": role, "source": answers.get("source", "")})
        made.role.choices = list(catalogue.roles)
        return cast(StartForm, made)

    def rating(self, layer_key: str) -> Field:
        """Return the field of a layer."""
        return self[_name(layer_key)]

    def answers(self) -> dict[str, Any]:
        """Return what was answered, in the form of a draft."""
        prefix = _name("")
        ratings = {
            name.removeprefix(prefix): None if field.data == NOT_RATED else float(field.data)
            for name, field in self._fields.items()
            if name.startswith(prefix)
        }
        source = {"source": self.source.data} if self.source.data else {}
        return {"role": self.role.data, "ratings": ratings, **source}

    def refuse(self, cause: str) -> None:
        """Say why the repository cannot be added."""
        self.source.errors = [cause]

    def validate_source(self, field: Field) -> None:
        """Check the address as the portfolio will."""
        if field.data:
            try:
                named_source(field.data, settings())
            except Invalid as error:
                raise ValidationError(error.cause) from error


class TargetForm(Form):
    """Ask for another role to compare with."""

    role = SelectField("Role you aim at")


def _name(layer_key: str) -> str:
    return f"layer-{layer_key}"


def _text(level: float | None) -> str:
    return NOT_RATED if level is None else f"{level:g}"
