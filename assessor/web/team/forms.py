"""Forms of teams: a new one, its target, a member to add, and which layers a member shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from assessor.models.account import UserAccount
from assessor.web.forms import Form

__all__ = ["AddForm", "ShareForm", "TeamForm"]


class TeamForm(Form):
    """Ask for a name and the role that the team is compared with. Make one with `TeamForm.of`."""

    name = StringField("Name", validators=[DataRequired("Write a name."), Length(max=120)])
    role = SelectField("Compared with")

    @classmethod
    def of(cls, roles: Mapping[str, str], role: str | None = None) -> TeamForm:
        """Make the form for these roles, from key to name."""
        form = cls(role=role or next(iter(roles)))
        form.role.choices = dict(roles)
        return form


class AddForm(Form):
    """Ask for a colleague. Make one with `AddForm.of`."""

    user = SelectField("Colleague", coerce=int)

    @classmethod
    def of(cls, colleagues: Sequence[UserAccount]) -> AddForm:
        """Make the form for these users."""
        form = cls()
        form.user.choices = {str(one.id): f"{one.name} ({one.email})" if one.name else one.email for one in colleagues}
        return form


class ShareForm(Form):
    """Carry the layers that are shared, one `layers` field each."""

    @property
    def layers(self) -> list[str]:
        """Return the keys that were ticked."""
        return request.form.getlist("layers")
