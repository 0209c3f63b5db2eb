"""Forms of the portfolio: a repository by its address, or as an uploaded archive."""

from __future__ import annotations

from flask_wtf.file import FileField, FileRequired
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from assessor.services.errors import Conflict, Invalid
from assessor.web.forms import Form

__all__ = ["AddressForm", "ArchiveForm"]


class AddressForm(Form):
    """Ask for the address of a repository, and for the revision where it is not the newest."""

    source = StringField(
        "Address",
        validators=[
            DataRequired("Write the address of a repository, such as https://github.com/owner/name."),
            Length(max=500, message="This address is longer than 500 characters."),
        ],
        filters=[lambda text: (text or "").strip()],
    )
    rev = StringField(
        "Revision (optional)",
        validators=[
            Optional(),
            Length(max=200, message="A revision has at most 200 characters."),
            Regexp(
                r"[A-Za-z0-9][\w./+-]*\Z", message="Write a branch, a tag or a commit, such as main, v1.2 or 3f2a91c."
            ),
        ],
        filters=[lambda text: (text or "").strip()],
    )

    def refuse(self, error: Invalid | Conflict) -> None:
        """Say beside the address why it was not added."""
        self.source.errors = [f"{error.cause} {error.cure}".strip()]


class ArchiveForm(Form):
    """Ask for a zip archive."""

    archive = FileField("Zip archive", validators=[FileRequired("Choose a zip archive.")])

    def refuse(self, error: Invalid | Conflict) -> None:
        """Say beside the file why it was not added."""
        self.archive.errors = [f"{error.cause} {error.cure}".strip()]
