"""The report of one repository at one commit, and the five forms it is written in."""

from assessor.analysis.report.model import Quality, Report, SignalReport, best_evidence, next_steps
from assessor.analysis.report.plain import to_text
from assessor.analysis.report.serial import from_json, to_json, to_stored

__all__ = [
    "Quality",
    "Report",
    "SignalReport",
    "best_evidence",
    "from_json",
    "next_steps",
    "to_json",
    "to_stored",
    "to_text",
]
