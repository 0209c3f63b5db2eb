"""Forms that begin a review: of oneself, or by a colleague."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import SelectField
from wtforms.validators import DataRequired

from assessor.content.schema import Layer
from assessor.services.errors import ServiceError
from assessor.services.review import Peer
from assessor.web.forms import Form

__all__ = ["AskForm", "SelfForm"]


def _number(text: object) -> int:
    """Return the id that an option stands for; what is no id stands for nobody."""
    digits = str(text)
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0


def _offered(layers: Sequence[Layer]) -> dict[str, str]:
    return {"": "choose a layer", **{layer.key: f"{layer.id} {layer.name}" for layer in layers}}


class SelfForm(Form):
    """Ask for the layer to review oneself in; whether it exists, the service says."""

    layer = SelectField("Layer", validate_choice=False, validators=[DataRequired("Choose a layer.")])

    @classmethod
    def of(cls, layers: Sequence[Layer], chosen: str | None = None) -> SelfForm:
        """Make the form of the layers; `chosen` is the key of the one to begin with."""
        form = cls(prefix="self-", data={"layer": chosen})
        form.layer.choices = _offered(layers)
        return form

    def refuse(self, error: ServiceError) -> None:
        """Say why the review was not begun."""
        self.layer.errors = [f"{error.cause} {error.cure}".strip()]


class AskForm(Form):
    """Ask for a colleague and the layer they are to review; whether both exist, the service says.

    Nobody is chosen to begin with: asking lets the one who is asked see evidence.
    """

    reviewer = SelectField(
        "Colleague", coerce=_number, validate_choice=False, validators=[DataRequired("Choose a colleague.")]
    )
    layer = SelectField("Layer", validate_choice=False, validators=[DataRequired("Choose a layer.")])

    @classmethod
    def of(cls, layers: Sequence[Layer], peers: Sequence[Peer], chosen: str | None = None) -> AskForm:
        """Make the form of the layers and the colleagues who can be asked; `chosen` is the key of a layer."""
        form = cls(prefix="ask-", data={"layer": chosen})
        form.reviewer.choices = {"": "choose a colleague", **{str(peer.user_id): peer.name for peer in peers}}
        form.layer.choices = _offered(layers)
        return form

    def refuse(self, error: ServiceError) -> None:
        """Say why nobody was asked."""
        self.reviewer.errors = [f"{error.cause} {error.cure}".strip()]
