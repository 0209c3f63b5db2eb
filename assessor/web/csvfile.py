"""Tables as CSV files whose cells no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

__all__ = ["csv_response"]

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell of text must not begin with: spreadsheets would compute it, and could send data away by it."""

Cell = str | int | float | None


def csv_response(filename: str, rows: Iterable[Sequence[Cell]]) -> Response:
    """Hand out rows, the heading first, as a CSV file in UTF-8. None is an empty cell.

    Numbers stay numbers. Text that a spreadsheet could take for a formula is led by an apostrophe, and its line breaks
    become spaces.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    answer = Response(text.getvalue(), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=filename)
    return answer


def _cell(value: Cell) -> str | int | float | None:
    if not isinstance(value, str):
        return value
    harmless = f"'{value}" if value.lstrip(" ").startswith(FORMULA) else value
    return " ".join(harmless.splitlines())
