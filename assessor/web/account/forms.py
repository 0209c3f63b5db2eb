"""Forms of accounts: sign in, register, and what the settings page sends."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_security.forms import LoginForm, RegisterFormV2
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional

from assessor.services.errors import ServiceError
from assessor.services.rubric import plain
from assessor.web.context import unit
from assessor.web.forms import Form

__all__ = ["DeleteForm", "IdentityForm", "InviteForm", "PressForm", "RegisterForm", "SignInForm"]


class SignInForm(LoginForm):
    """Ask for address and password. There is no "remember me": a session lasts 30 days and can be revoked."""

    remember = None  # type: ignore[assignment]

    def validate(self, extra_validators: Any = None, **named: Any) -> bool:
        """Check both, and say the same whichever was wrong."""
        accepted: bool = super().validate(extra_validators=extra_validators, **named)
        if not accepted and self.email.data and self.password.data:
            told = [*self.email.errors, *self.password.errors, *self.form_errors]
            self.email.errors, self.password.errors = [], []
            self.form_errors = list(dict.fromkeys(map(str, told)))
        return accepted


class RegisterForm(RegisterFormV2):
    """Ask for name, address and password, and carry the token of an invitation."""

    name = StringField(
        "Name",
        description="As others see it; may stay empty.",
        validators=[Length(max=120)],
        filters=[lambda text: plain(text or "")],
    )
    invite = HiddenField()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if not self.invite.data:
            self.invite.data = request.args.get("invite", "")

    def validate(self, extra_validators: Any = None, **named: Any) -> bool:
        """Check the fields, and whether this address may register here."""
        accepted: bool = super().validate(extra_validators=extra_validators, **named)
        try:
            with unit() as u:
                u.account.check_registration(self.email.data or "", self.invite.data or None)
        except ServiceError as error:
            self.form_errors.append(f"{error.cause} {error.cure}")
            return False
        return accepted


class PressForm(Form):
    """Carry nothing but the proof that the button was pressed on our page."""


class IdentityForm(Form):
    """Ask for a git address."""

    email = EmailField(
        "Address in your commits",
        validators=[DataRequired("Write the address that git config user.email shows."), Length(max=254)],
    )


class InviteForm(Form):
    """Ask whom to invite, and as what."""

    role = SelectField(
        "Role",
        # The stubs know tuples alone, which WTForms deprecates.
        choices=["member", "manager", "panellist", "admin"],  # type: ignore[list-item]
    )
    email = EmailField("Address (optional)", validators=[Optional(), Length(max=254)])


class DeleteForm(Form):
    """Ask for the password once more before everything is deleted."""

    password = PasswordField("Password", validators=[DataRequired("Write your password.")])

    def refuse(self) -> None:
        """Say that the password was wrong."""
        self.password.errors = ["That is not your password."]
