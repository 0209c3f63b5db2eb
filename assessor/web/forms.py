"""The form that all others are: CSRF protection by Flask-WTF, which has no types, behind two typed methods."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm

__all__ = ["Form"]


class Form(FlaskForm):
    """Read what a request sent, with its proof that it came from a page of ours."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)  # type: ignore[no-untyped-call]

    def sent(self) -> bool:
        """Tell whether the form was sent and everything in it is right; what is not is in the fields' errors."""
        right: bool = self.validate_on_submit()  # type: ignore[no-untyped-call]
        return right
