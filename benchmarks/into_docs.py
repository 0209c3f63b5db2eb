"""Run benchmarks/measurement.py and write its table into docs/scoring.md, between two markers.

    python benchmarks/into_docs.py [--quick]

Everything the benchmark prints is shown as it comes. With --quick, whose figures judge nothing, nothing is written. The
exit code is that of the benchmark: a table with a figure that falls short is written too, and says so.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "scoring.md"
BEGIN = "<!-- written by make bench-measurement: begin -->"
END = "<!-- written by make bench-measurement: end -->"


def main() -> int:
    """Run the benchmark and write what it found."""
    command = [sys.executable, "-u", str(ROOT / "benchmarks" / "measurement.py"), "--markdown", *sys.argv[1:]]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip("\n"))
    code = process.wait()
    table = [line for line in lines if line.startswith("|")]
    if "--quick" not in sys.argv and len(table) > 2:
        told = f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}."
        DOCUMENT.write_text(between(DOCUMENT.read_text(), [told, "", *table]))
        print(f"written into {DOCUMENT.relative_to(ROOT)}", file=sys.stderr)
    return code


def between(text: str, lines: list[str]) -> str:
    """Return a text with these lines between the markers. Raises ValueError where a marker is missing or there twice."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"{DOCUMENT} must have each marker once, in order: {BEGIN} {END}")
    before, _, rest = text.partition(BEGIN)
    return "\n".join([before + BEGIN, "", *lines, "", END]) + rest.partition(END)[2]


if __name__ == "__main__":
    sys.exit(main())
