"""Read the rules of a Snakefile: what each takes in, writes and runs."""

from __future__ import annotations

import re

from assessor.analysis.facts.configuration_model import Lines, PipelineFacts, PipelineStage

__all__ = ["rules"]

RULE = re.compile(r"(?:rule|checkpoint)\s+(\w+)\s*:")
PART = re.compile(
    r"\s+(input|output|shell|script|run|params|threads|resources|log|conda|benchmark|message|wildcard_constraints)\s*:(.*)"
)
TEXT = re.compile(r"[rf]?\"((?:[^\"\\\n]|\\.){1,400})\"|[rf]?'((?:[^'\\\n]|\\.){1,400})'")
MOST = 500


def rules(source: str) -> PipelineFacts | None:
    """Return the rules of a Snakefile as stages, None where there are none."""
    stages: list[PipelineStage] = []
    name, start, part = "", 0, ""
    held: dict[str, list[tuple[str, int]]] = {}
    for number, line in enumerate([*source.splitlines(), "rule _end:"], 1):
        if line.lstrip().startswith("#"):
            continue
        rule = RULE.match(line)
        if rule or (line[:1].strip() and name):
            if name and len(stages) < MOST:
                stages.append(_stage(name, start, held))
            name, start, part, held = (rule[1] if rule else ""), number, "", {}
            continue
        found = PART.match(line) if name else None
        rest = line
        if found:
            part, rest = found[1], found[2]
        if name and part:
            held.setdefault(part, []).extend((one[1] or one[2], number) for one in TEXT.finditer(rest))
    return PipelineFacts("snakemake", tuple(stages)) if stages else None


def _stage(name: str, line: int, held: dict[str, list[tuple[str, int]]]) -> PipelineStage:
    shell = held.get("shell", ())
    run: Lines = ((" ".join(text for text, _ in shell), shell[0][1]),) if shell else ()
    run += tuple((f"python {text}" if text.endswith(".py") else text, at) for text, at in held.get("script", ()))
    needs, outputs = (tuple(text for text, _ in held.get(part, ())) for part in ("input", "output"))
    return PipelineStage(name, line, run, needs, outputs, ())
