"""Forms of hiring: requisitions, panels, candidates and their repositories, consent, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from assessor.content.schema import Catalogue
from assessor.models.hiring import Verdict
from assessor.services.candidacy import NAME_LENGTH
from assessor.services.errors import Invalid, ServiceError
from assessor.services.hiring import CONTACT_LENGTH, TITLE_LENGTH
from assessor.services.panel import REASON_LENGTH
from assessor.web.forms import Form

__all__ = [
    "CandidateForm",
    "ConsentForm",
    "DecisionForm",
    "InvitationForm",
    "PanelForm",
    "RepositoryForm",
    "RequisitionForm",
]


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _number(text: object) -> int:
    """Return the id that an option stands for; what is no id stands for nobody."""
    digits = str(text)
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0


def _source() -> StringField:
    return StringField(
        "Repository",
        validators=[
            DataRequired("Write the address of a repository, such as https://github.com/owner/name."),
            Length(max=500, message="This address is longer than 500 characters."),
        ],
        filters=[_stripped],
    )


def _email() -> StringField:
    return StringField(
        "Address they commit with (optional)",
        validators=[Optional(), Length(max=254, message="An address has at most 254 characters.")],
        filters=[_stripped],
    )


def _contact() -> StringField:
    return StringField(
        "Contact (optional)",
        validators=[Length(max=CONTACT_LENGTH, message=f"A contact has at most {CONTACT_LENGTH} characters.")],
        filters=[_stripped],
    )


class Refusing(Form):
    """Say beside the fields what a service refused, and above the form what belongs to none."""

    def refuse(self, error: ServiceError) -> None:
        """Take over what is wrong."""
        told = error.fields if isinstance(error, Invalid) else {"": f"{error.cause} {error.cure}".strip()}
        for name, sentence in told.items():
            field: Field | None = self._fields.get(name)
            if field is None:
                self.form_errors.append(sentence)
            else:
                field.errors = [sentence]


class RequisitionForm(Refusing):
    """Ask for a title, a role, and the layers that the panel reviews. Make one with `RequisitionForm.of`."""

    title = StringField(
        "Title",
        validators=[
            DataRequired("Write a title, such as ML engineer, Berlin."),
            Length(max=TITLE_LENGTH, message=f"A title has at most {TITLE_LENGTH} characters."),
        ],
        filters=[_stripped],
    )
    role = SelectField("Role", validate_choice=False)
    layers = SelectMultipleField("Layers that the panel reviews", validate_choice=False)

    @classmethod
    def of(cls, catalogue: Catalogue) -> RequisitionForm:
        """Make the form of a catalogue's roles and layers."""
        form = cls()
        form.role.choices = {role.key: role.name for role in catalogue.roles.values()}
        form.layers.choices = {layer.key: f"{layer.id} {layer.name}" for layer in catalogue.framework.layers}
        return form


class PanelForm(Refusing):
    """Ask for somebody to put on the panel; whether they may be, the service says."""

    user = SelectField("Colleague", coerce=_number, validate_choice=False)

    @classmethod
    def of(cls, colleagues: Sequence[tuple[int, str]]) -> PanelForm:
        """Make the form of the colleagues, as id and name."""
        form = cls(prefix="panel-")
        form.offer(colleagues)
        return form

    def offer(self, colleagues: Sequence[tuple[int, str]]) -> None:
        """Let one of these be chosen."""
        self.user.choices = {str(user_id): name for user_id, name in colleagues}

    def refuse(self, error: ServiceError) -> None:
        """Say beside the name why they were not added."""
        self.user.errors = [f"{error.cause} {error.cure}".strip()]


class CandidateForm(Refusing):
    """Ask for a candidate by a repository."""

    source = _source()
    email = _email()
    contact = _contact()


class InvitationForm(Refusing):
    """Ask for nothing but how the candidate can be reached, if that is to be noted."""

    contact = _contact()

    @classmethod
    def of(cls) -> InvitationForm:
        """Make the form, which stands beside another one that asks for a contact."""
        return cls(prefix="invite-")


class RepositoryForm(Refusing):
    """Ask for another repository of a candidate."""

    source = _source()
    email = _email()


class ConsentForm(Refusing):
    """Ask a candidate for consent, and for a name if they like."""

    name = StringField(
        "Your name (optional)",
        validators=[Length(max=NAME_LENGTH, message=f"A name has at most {NAME_LENGTH} characters.")],
        filters=[_stripped],
    )
    consent = BooleanField("I agree that this is stored and shown to the panel as said above.")


class DecisionForm(Refusing):
    """Ask for a verdict and the reason of it."""

    verdict = RadioField(
        "Verdict",
        choices=list(get_args(Verdict)),
        validators=[InputRequired("Choose one of the five.")],
    )
    reason = TextAreaField(
        "Reason",
        validators=[
            DataRequired("Say why; a decision without a reason is none."),
            Length(max=REASON_LENGTH, message=f"A reason has at most {REASON_LENGTH:,} characters."),
        ],
    )
