"""Forms of the quiz: what to begin, and what is answered to one question."""

from __future__ import annotations

from typing import Any

from flask import request
from wtforms import HiddenField, IntegerField, RadioField, SelectField, SubmitField
from wtforms.validators import InputRequired, NumberRange, Optional

from assessor.services.errors import ServiceError
from assessor.services.quiz import Said
from assessor.services.quiz_page import CONFIDENCE, IndexPage
from assessor.web.forms import Form

__all__ = ["AnswerForm", "StartForm"]

EVERYTHING = ""


class StartForm(Form):
    """Ask for the scope of a quiz and for the one domain that stands for layer 8. Make one with `StartForm.of`."""

    mode = HiddenField()
    layer = SelectField("Layers", default="")
    domain = SelectField("Your domain, for layer 8", default="")

    @classmethod
    def of(cls, page: IndexPage, mode: str, **given: Any) -> StartForm:
        """Make the form of what can begin; practice is of one layer."""
        form = cls(mode=mode, **given)
        layers = {layer.key: f"{layer.id} {layer.name}" for layer in page.layers}
        everything = {} if mode == "practice" else {EVERYTHING: "All ten layers"}
        form.layer.choices = {**everything, **layers}
        form.domain.choices = {"": "none of these", **{topic.key: topic.name for topic in page.domains}}
        for field in (form.layer, form.domain):  # two such forms stand on one page
            field.id = f"{mode}-{field.name}"
        return form

    def refuse(self, error: ServiceError) -> None:
        """Say why it cannot begin, at the field that it is about."""
        field = self.domain if "domain" in getattr(error, "fields", {}) else self.layer
        field.errors = [f"{error.cause} {error.cure}".strip()]


class AnswerForm(Form):
    """Carry an answer. Options, numbers and the places of lines all come as `answer`, one or many."""

    place = IntegerField(validators=[InputRequired(), NumberRange(min=1, max=1000)])
    version = IntegerField(validators=[InputRequired(), NumberRange(min=1)])
    confidence = RadioField(
        "How sure are you?",
        choices=[str(one) for one in CONFIDENCE],  # type: ignore[misc]
        validators=[Optional()],
        validate_choice=False,
    )
    unknown = SubmitField("I do not know")

    @property
    def values(self) -> list[str]:
        """Return what was answered, as it was sent."""
        return request.form.getlist("answer")

    def said(self) -> Said:
        """Return the answer."""
        sure = self.confidence.data or ""
        confidence = int(sure) if sure in {str(one) for one in CONFIDENCE} else None
        return Said(self.values, bool(self.unknown.data), confidence)
