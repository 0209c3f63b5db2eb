"""The form of a review, made from its rubric: shared by reviews of oneself and of colleagues and by those of panels."""

from __future__ import annotations

from typing import Any, cast

from wtforms import Field, HiddenField, RadioField, TextAreaField
from wtforms.validators import Length

from assessor.services.errors import Invalid
from assessor.services.review import REASON_LENGTH
from assessor.services.rubric import NOTE_LENGTH, RATINGS, Rubric, plain
from assessor.web.forms import Form

__all__ = ["RubricForm"]

OPEN = ""
"""What stands for "cannot judge" in the form."""


def _plain(text: str | None) -> str:
    # Browsers send each line end as two characters and count it as one.
    return plain(text or "")


class RubricForm(Form):
    """Ask for a rating and a note on every topic of a rubric. Make one with `RubricForm.of`.

    `stamp` names the state that the form was opened on; `reason` is asked for by amendments alone.
    """

    stamp = HiddenField()
    reason = TextAreaField(
        "Why it is amended",
        validators=[Length(max=REASON_LENGTH, message=f"A reason has at most {REASON_LENGTH} characters.")],
        filters=[_plain],
    )

    @classmethod
    def of(cls, rubric: Rubric) -> RubricForm:
        """Make the form of a rubric, filled with what was sent, else with what stands in the review."""
        offered: Any = [OPEN, *(_text(rating) for rating in RATINGS)]  # the types of WTForms still ask for pairs
        long = Length(max=NOTE_LENGTH, message=f"A note has at most {NOTE_LENGTH:,} characters.")
        fields: dict[str, Any] = {}
        kept: dict[str, str] = {}
        for line in rubric.topics:
            rating, note = _rating(line.topic.key), _note(line.topic.key)
            fields[rating] = RadioField(choices=offered, default=OPEN)
            fields[note] = TextAreaField(validators=[long], filters=[_plain])
            kept |= {rating: _text(line.rating), note: line.note}
        return cast(RubricForm, type("RubricForm", (cls,), fields)(data={**kept, "stamp": rubric.stamp}))

    def rating(self, topic_key: str) -> Field:
        """Return the field of a topic's rating."""
        return self[_rating(topic_key)]

    def note(self, topic_key: str) -> Field:
        """Return the field of a topic's note."""
        return self[_note(topic_key)]

    def ratings(self) -> dict[str, float | None]:
        """Return the ratings by topic; None says "cannot judge"."""
        prefix = _rating("")
        given = {
            name.removeprefix(prefix): field.data for name, field in self._fields.items() if name.startswith(prefix)
        }
        return {key: None if text == OPEN else float(text) for key, text in given.items()}

    def notes(self) -> dict[str, str]:
        """Return the notes by topic."""
        prefix = _note("")
        return {
            name.removeprefix(prefix): field.data for name, field in self._fields.items() if name.startswith(prefix)
        }

    def refuse(self, error: Invalid) -> None:
        """Say beside the fields what is wrong, and above the form what no field is wrong for."""
        for name, told in error.fields.items():
            field = self._fields.get(name) or self._fields.get(_rating(name))
            if field is not None:
                field.errors = [told]
            else:
                self.form_errors.append(told)


def _rating(topic_key: str) -> str:
    return f"topic-{topic_key}"


def _note(topic_key: str) -> str:
    return f"note-{topic_key}"


def _text(rating: float | None) -> str:
    return OPEN if rating is None else f"{rating:g}"
