"""Find committed credentials in the bytes of any text file; a value is masked where it is found and goes nowhere else."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assessor.analysis.facts.model import Secret
from assessor.analysis.facts.shell import words_of
from assessor.analysis.paths import Kind, Role, kind_of, role_of

__all__ = ["secrets_in"]

MOST = 20
LONGEST_LINE = 400
"""Bytes on either side of a hit that are looked at."""

ISSUED = re.compile(
    rb"(?<![A-Za-z0-9+/_-])(?:"
    rb"(?P<aws>(?:AKIA|ASIA)[0-9A-Z]{16})"
    rb"|(?P<github>gh[pousr]_[A-Za-z0-9]{36,80}|github_pat_[A-Za-z0-9_]{50,100})"
    rb"|(?P<gitlab>glpat-[A-Za-z0-9_-]{20,60})"
    rb"|(?P<slack>xox[abeoprs]-[0-9A-Za-z-]{20,120}|hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,32})"
    rb"|(?P<stripe>[rs]k_live_[0-9A-Za-z]{20,120})"
    rb"|(?P<anthropic>sk-ant-[A-Za-z0-9_-]{24,140})"
    rb"|(?P<openai>sk-(?:proj-|svcacct-|admin-)[A-Za-z0-9_-]{32,200}|sk-[A-Za-z0-9]{40,64})"
    rb"|(?P<huggingface>hf_[A-Za-z0-9]{30,40})"
    rb"|(?P<google>AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{28}|ya29\.[0-9A-Za-z_-]{40,200})"
    rb"|(?P<npm>npm_[A-Za-z0-9]{36})"
    rb"|(?P<pypi>pypi-AgEI[A-Za-z0-9_-]{50,250})"
    rb"|(?P<sendgrid>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"
    rb")(?![A-Za-z0-9_])"
)
"""Tokens whose form their issuers publish."""

HINTS = (b"AIza", b"glpat-", b"sk-ant-", b"ya29.", b"GOCSPX")
"""What those begin with that may hold no long run of letters and digits."""

KEY_BLOCK = re.compile(
    rb"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|PGP) )?PRIVATE KEY(?: BLOCK)?-----(?:[\s\"'+,;]|\\[nr])*(?P<body>(?:[A-Za-z0-9+/=]{40,}(?:[\s\"'+,;]|\\[nr]){1,40}){2})"
)
ADDRESS = re.compile(
    rb"://(?P<user>[^\s:/@\"'<>{}$\\]{0,64}):(?P<value>[^\s/@\"'<>\\]{6,128})@(?P<host>[\w.\-]{1,100})"
)

SIGN = rb"[\w-]{0,11}(?:\\?[\"']|\]|\)){0,3}[ \t]{0,20}(?:,?[ \t]*\n?[ \t]{0,40}\\?[\"']?value\\?[\"']?[ \t]{0,8}:|:=|=>|[:=](?!=))[ \t]{0,20}"
"""What stands between a name and its value: "=", ":", or the value: of a name: in a manifest."""
PASSWORDS = ("password", "passwd", "passphrase", "pwd")
WORDS = words_of(
    "secret token apikey api-key accesskey credential api_key access_key auth_key private_key account_key signing_key encryption_key"
    " license_key subscription_key master_key"
)


def _named(words: Sequence[str], flags: int = 0) -> re.Pattern[bytes]:
    return re.compile(rb"(?P<word>" + "|".join(words).encode() + rb")(?P<rest>" + SIGN + rb")", flags)


NAMES = {word.encode(): _named([word]) for word in (*PASSWORDS, *WORDS)}
PASSWORD_BYTES = tuple(word.encode() for word in PASSWORDS)
OFTEN = (*PASSWORD_BYTES, b"secret")
"""Names whose values may hold no long run of letters and digits."""
NEAR = _named([*PASSWORDS, *WORDS], re.IGNORECASE)
SUFFIX = re.compile(rb"(?i)(?:s|[_-]?(?:access[_-]?)?key|_?value|_?\d+|_(?:prod|live|dev|id_rsa))?(?=\W|$)")
VALUE = re.compile(
    rb"(?P<quote>\\?[\"'])(?P<value>[^\s\"'`\\]{8,200})(?P<after>\\?[\"'])|(?P<bare>[^\s\"'`,;(){}<>\\\[\]]{8,200})(?![\"'(){}\[\]])"
)
RUN = b"a" * 16
RUNS = bytes(
    ord("a") if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "+/") else ord(" ") for code in range(256)
)
WINDOW, TRIED = 100, 2_000
"""Bytes before a long run in which its name may stand, and runs of one file that are looked at."""
LOOSE = frozenset(
    {Kind.ENV, Kind.YAML, Kind.COMPOSE, Kind.WORKFLOW, Kind.SETUP, Kind.SHELL, Kind.DOCKERFILE, Kind.OTHER}
)
"""Kinds in which a value needs no quotes."""

ASIDE = re.compile(
    rb"(?i)(?:public|hash|digest|sha\d|md5|checksum|salt_rounds|csrf|next|page|cursor|continuation|pad|eos|bos|unk|sep|cls|mask|max|min|num|site"
    rb"|sort|cache|foreign|primary|partition|object|dict|model|label)[_-]?$"
)
"""What a name that only looks like a credential's begins with."""

PLACEHOLDER = re.compile(
    rb"(?i)example|sample|dummy|fake|placeholder|change|your|my[_-]|x{4}|test|todo|insert|replace|redacted|\*{3}|\.{3}|12345|abcdef|password|passwd|secret"
    rb"|token|foo|bar\b|qwerty|deadbeef|null|none|default|local|development|insecure|enter|here\b|random|some|string|admin|mock|hunter2|lorem|api[_-]?key"
    rb"|<\w|\w>|\$\{|^\$|\$\(\w+\)|\{\{|%\(\w+\)|%s|\{\w*\}|environ|getenv|process\.|config[.\[]|settings\.|self\.|args\.|vault|ENC\[|arn:|kms:|ssm:|/run/"
)
ISSUED_PLACEHOLDER = re.compile(
    rb"(?i)example|x{5}|your|placeholder|dummy|fake|redacted|replace|12345678|abcdefgh|0{6}|\.{3}|test(?:key|token)"
)
SEALED = re.compile(rb"SealedSecret|^sops:|ANSIBLE_VAULT|encryptedData:", re.MULTILINE)


class _Hit(NamedTuple):
    rule: str
    place: int
    value: bytes


def secrets_in(path: str, data: bytes) -> tuple[Secret, ...]:
    """Return the credentials in a file, masked; tests hold made-up ones, vendored and generated files are not looked at."""
    if role_of(path) in (Role.TEST, Role.VENDORED, Role.GENERATED) or b"\0" in data[:4096]:
        return ()
    found: dict[tuple[str, bytes], _Hit] = {}
    taken: set[bytes] = set()
    for hit in _hits(path, data):
        if hit.value not in taken:
            taken.add(hit.value)
            found[hit.rule, hit.value] = hit
        if len(found) >= MOST:
            break
    hits = sorted(found.values(), key=lambda hit: hit.place)
    return tuple(Secret(hit.rule, data.count(b"\n", 0, hit.place) + 1, _masked(hit.value)) for hit in hits)


def _masked(value: bytes) -> str:
    return value[:4].decode("ascii", "replace") + "…"


def _hits(path: str, data: bytes) -> Iterator[_Hit]:
    own = role_of(path) is Role.OWN and kind_of(path) is not Kind.MARKDOWN
    loose = kind_of(path) in LOOSE
    if any(hint in data for hint in HINTS):
        yield from _issued(data, 0, len(data))
    for start, end in _runs(data):
        yield from _issued(data, max(0, start - 40), end + 200)
        for match in NEAR.finditer(data, max(0, start - WINDOW), start) if own else ():
            yield from _value_after(data, match, loose)
    if b"PRIVATE KEY" in data:
        for block in KEY_BLOCK.finditer(data):
            if entropy(block["body"][:200]) > 4 and not _shown_as_example(data, block.start()):
                yield _Hit("private-key", block.start(), block[0])
    if b"://" in data and b"@" in data:
        for address in ADDRESS.finditer(data):
            if address["value"] != address["user"] and not _idle_host(address["host"]) and _likely(address["value"], 8):
                yield _Hit("address", address.start("value"), address["value"])
    if own:
        low = data.lower()
        for word in NAMES if loose else OFTEN:
            if word in low:
                for match in NAMES[word].finditer(low):
                    yield from _value_after(data, match, loose)


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield long runs of letters mixed with digits: nearly every credential has one, and nothing else is asked of most text."""
    flat = data.translate(RUNS)
    place, tried = flat.find(RUN), 0
    while place >= 0 and tried < TRIED:
        end = flat.find(b" ", place)
        end = len(flat) if end < 0 else end
        found = data[place : min(end, place + 400)]
        if not found.isalpha() and not found.isdigit() and not found.translate(None, b"+/").isalpha():
            tried += 1
            yield place, end
        place = flat.find(RUN, end)


def _issued(data: bytes, start: int, end: int) -> Iterator[_Hit]:
    for match in ISSUED.finditer(data, start, end):
        value = match[0]
        body = value[4:]
        if not ISSUED_PLACEHOLDER.search(value) and entropy(body) > 3 and any(48 <= sign < 58 for sign in body):
            yield _Hit(str(match.lastgroup), match.start(), value)


def _shown_as_example(data: bytes, place: int) -> bool:
    return b"example" in data[max(0, place - 200) : place].lower()


def _idle_host(host: bytes) -> bool:
    return host in (b"localhost", b"127.0.0.1", b"0.0.0.0", b"host") or b"example" in host


def _value_after(data: bytes, match: re.Match[bytes], loose: bool) -> Iterator[_Hit]:
    """Yield the value that a name is given, nothing where it is none or no credential."""
    start = match.start()
    if not SUFFIX.match(match["rest"]) or ASIDE.search(data, max(0, start - 24), start):
        return
    value = VALUE.match(data, match.end())
    if value is None or (value["quote"] is None and not loose):
        return
    name = "value" if value["quote"] else "bare"
    human = match["word"].lower() in PASSWORD_BYTES
    if _likely(value[name], 8 if human else 16) and not SEALED.search(data):
        yield _Hit("assigned", value.start(name), value[name])


def _likely(value: bytes, shortest: int) -> bool:
    """Tell whether a value looks made by chance: long enough, mixed, and neither words, a path, nor a stand-in."""
    if (
        len(value) < shortest
        or PLACEHOLDER.search(value)
        or value.startswith((b"/", b"./", b"~", b"@", b"pk_", b"pk.", b"$"))
    ):
        return False
    if (
        not re.search(rb"\d", value)
        or not re.search(rb"[A-Za-z]", value)
        or re.search(rb"\.\w{2,5}$|^https?:|\]$", value)
    ):
        return False
    parts = [part for part in re.split(rb"[-_./:@]", value) if part]
    if all(re.fullmatch(rb"[A-Za-z]+\d{0,2}|v?\d{1,4}", part) for part in parts):
        return False
    plain = _unpacked(value)
    if plain is not None and PLACEHOLDER.search(plain):
        return False
    if len(value) < 16:
        classes = sum(bool(re.search(kind, value)) for kind in (rb"[a-z]", rb"[A-Z]", rb"\d", rb"[^A-Za-z0-9]"))
        return classes >= 3 and entropy(value) > 2.5
    return entropy(value) > 3.2 or (bool(re.fullmatch(rb"[0-9a-f]{20,}", value)) and entropy(value) > 2.8)


def _unpacked(value: bytes) -> bytes | None:
    try:
        plain = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return plain if plain.isascii() else None


def entropy(value: bytes) -> float:
    """Return Shannon's entropy in bits per byte."""
    counts = Counter(value)
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0
