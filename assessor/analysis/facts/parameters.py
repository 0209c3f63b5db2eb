"""Read numbers that configuration gives to training and to evaluation, with the keys they stand under; text, not trees."""

from __future__ import annotations

import re

from assessor.analysis.facts.configuration_model import ParametersFacts

__all__ = ["read_parameters"]

LARGEST = 200_000
MOST = 300
HINT = re.compile(
    rb"threshold|min_|max_|minimum|maximum|required_|target_|slo\b|sla\b|gate|weight_decay|dropout|smoothing|early_stop|patience|regulari[sz]ation|l[12]_|lambda"
    rb"|[\"']?\bl[12]\b",
    re.IGNORECASE,
)
"""What a file must contain somewhere to be looked at line by line."""

KEPT = re.compile(
    r"(?:^|[._-])(?:thresholds?|min|max|minimum|maximum|required|target|slos?|slas?|gates?|floor|ceiling|limits?)(?:[._-]|$)"
    r"|weight_?decay|(?:^|[._-])wd$|drop_?out|drop_?path|drop_?rate|label_?smoothing|early_?stop\w*|patience|regulari[sz]\w*"
    r"|(?:^|[._-])(?:l1|l2|l1_ratio|reg_lambda|reg_alpha|lambda_l[12]|l[12]_reg\w*|max_grad_norm|grad_clip\w*|gradient_clip\w*)$",
    re.IGNORECASE,
)
NUMBER = r"(-?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[ \t]*(?:%|ms|s)?"
LINE = re.compile(
    r"([ \t]*(?:-[ \t]+)?)[\"']?([A-Za-z_][\w.\-/@]*)[\"']?[ \t]*[:=][ \t]*"
    rf"(?:[\"']?{NUMBER}[\"']?[ \t]*,?[ \t]*(?:#.*)?$|(\{{?)[ \t]*$)"
)
SECTION = re.compile(r"\[+([\w.\-]+)\]+\s*$")


def read_parameters(data: bytes) -> ParametersFacts | None:
    """Return the numbers of a YAML, JSON, TOML or ini file that regularise or limit something, None where there are none."""
    if len(data) > LARGEST or not HINT.search(data):
        return None
    above: list[tuple[int, str]] = []
    section = ""
    found: list[tuple[str, float, int]] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        headed = SECTION.match(line)
        if headed:
            section, above = headed[1] + ".", []
            continue
        match = LINE.match(line)
        if match is None:
            continue
        depth = len(match[1].expandtabs(4))
        while above and above[-1][0] >= depth:
            above.pop()
        if match[3] is None:
            above.append((depth, match[2]))
            continue
        key = section + ".".join([*(name for _, name in above), match[2]])
        if KEPT.search(key):
            found.append((key[-160:], float(match[3].replace("_", "")), number))
            if len(found) == MOST:
                break
    return ParametersFacts(tuple(found)) if found else None
