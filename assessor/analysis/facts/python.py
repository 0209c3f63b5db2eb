"""Read the facts of one Python module: one parse, one walk, then what its names stand for."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import Any

from assessor.analysis.facts.model import (
    Assertion,
    Assign,
    Call,
    Definition,
    Handler,
    Import,
    PythonFacts,
    Reference,
    Skipped,
)
from assessor.analysis.facts.names import Names
from assessor.analysis.facts.text import count
from assessor.analysis.facts.walk import Node, Scope, Walk, text_of, walk

__all__ = ["decoded", "parse_module", "read_python"]

COSTLY = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "utf-7"})
"""Codecs that no editor writes and whose time, or meaning, is not bounded by the bytes they read."""

TABLES = (ast.Dict, ast.Set, ast.List, ast.Tuple)
TABLED = re.compile(r"price|pricing|cost|(?:^|_)rates?(?:_|$)|usd|tariff|allow_?list|whitelist|allowed_", re.IGNORECASE)
"""Names of tables that are kept although their values are not: what a thing costs, what is allowed."""

KEPT_VALUES = (ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.UnaryOp)
SHOWN = frozenset({"format", "str", "repr", "type", "join", "format_exc", "exc_info"})
PRINTS = frozenset({"print", "print_exc", "pprint"})
LOG = ("log", "warn", "error", "exception", "critical", "debug", "info", "print", "capture_exception")


def read_python(path: str, data: bytes) -> PythonFacts | Skipped:
    """Return the facts of a module, or why there are none."""
    source = decoded(data)
    if source is None:
        return Skipped(path, "not text in the encoding it declares")
    return parse_module(path, source)


def decoded(data: bytes) -> str | None:
    """Return Python source as text, by its byte order mark or coding cookie; None where the bytes do not fit."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None
    if encoding.lower().replace("_", "-") in COSTLY:
        return None
    try:
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (UnicodeError, LookupError):
        return None


def parse_module(path: str, source: str, cells: tuple[tuple[int, int], ...] = ()) -> PythonFacts | Skipped:
    """Return the facts of source text; `cells` say which lines belong to which cell of a notebook."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        return Skipped(path, _complaint(error, source))
    except ValueError:
        return Skipped(path, "contains NUL bytes")
    except RecursionError:
        return Skipped(path, "nested too deeply to be parsed")
    except MemoryError:
        return Skipped(path, "too complex to be parsed")
    noted = walk(tree)
    return _Facts(noted, source, cells).made()


def _complaint(error: SyntaxError, source: str) -> str:
    line = error.lineno or 1
    text = source.splitlines()[line - 1].strip() if 0 < line <= source.count("\n") + 1 else ""
    message = error.msg or ""
    if _newer(text, message):
        return f"syntax newer than the running Python, line {line}"
    if _old(text, message):
        return f"Python 2 syntax, line {line}"
    return f"syntax error, line {line}"


def _newer(text: str, message: str) -> bool:
    # `except A, B:` catches two classes from Python 3.14 on and one under a name in Python 2; classes are capitalised.
    pair = re.fullmatch(r"except\s+[\w.]+(?:\s*,\s*([\w.]+))+\s*:.*", text)
    if pair:
        return pair[1].rpartition(".")[2][:1].isupper()
    return text.startswith(("type ", "except*")) or "f-string" in message or bool(re.match(r"(class|def) \w+\[", text))


def _old(text: str, message: str) -> bool:
    return (
        "Missing parentheses in call to" in message
        or "multiple exception types must be parenthesized" in message
        or "leading zeros in decimal" in message
        or "invalid decimal literal" in message
        or "invalid hexadecimal literal" in message
        or (text.startswith(("print ", "exec ", "raise ")) and "," in text)
        or "<>" in text
        or "`" in text
    )


def _decorator(node: Node) -> str:
    text = text_of(node)
    return text + "()" if type(node) is ast.Call and not text.endswith("()") else text


class _Facts:
    """Turn what a walk noted into facts."""

    def __init__(self, noted: Walk, source: str, cells: tuple[tuple[int, int], ...]) -> None:
        self._noted, self._source, self._cells = noted, source, cells
        self._names = Names(noted.scopes[0], noted.scopes)

    def made(self) -> PythonFacts:
        """Return the facts."""
        noted = self._noted
        return PythonFacts(
            definitions=tuple(self._definition(scope) for scope in noted.scopes[1:]),
            calls=tuple(self._call(*call) for call in sorted(noted.calls, key=_call_line)),
            imports=tuple(Import(name, alias, line, scope.index) for name, alias, line, scope in noted.imports),
            references=self._references(),
            assigns=tuple(
                Assign(target, self._names.value(value, scope, line), line, scope.index)
                for target, value, line, scope in noted.assigned
                if value is None or isinstance(value, KEPT_VALUES) or (type(value) in TABLES and TABLED.search(target))
            ),
            assertions=self._assertions(),
            handlers=tuple(self._handler(*handler) for handler in noted.handlers),
            operations=tuple(sorted({(sign, line, scope.index) for sign, line, scope in noted.operations})),
            raising=tuple(sorted(noted.raising)),
            named=tuple(noted.named),
            main_guard=noted.main_guard,
            script=_does_work(noted.scopes[0].node.body),
            text=count(self._source, noted),
            cells=self._cells,
        )

    def _definition(self, scope: Scope) -> Definition:
        node, parent = scope.node, scope.parent
        assert parent is not None
        resolve = self._names.resolve
        decorators = tuple((resolve(_decorator(one), parent, one.lineno), one.lineno) for one in node.decorator_list)
        if scope.is_class:
            bases = tuple(resolve(text_of(base), parent, node.lineno) for base in node.bases)
            keywords = {keyword.arg: text_of(keyword.value) for keyword in node.keywords}
            if keywords.get("metaclass"):
                bases += (resolve(keywords["metaclass"], parent, node.lineno),)
            lines, total = (node.lineno, node.end_lineno), _statements(node.body)
            return Definition(
                node.name, "class", *lines, parent.index, decorators, bases, 0, False, total, 1 + scope.decisions, ()
            )
        arguments = node.args
        named = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        own = named[1:] if scope.receiver and named else named
        annotated = node.returns is not None or any(one.annotation for one in own)
        extra = (arguments.vararg is not None) + (arguments.kwarg is not None)
        kind = "async" if type(node) is ast.AsyncFunctionDef else "function"
        total = _statements(node.body)
        return Definition(
            node.name, kind, node.lineno, node.end_lineno, parent.index, decorators, (), len(own) + extra, annotated, total,
            1 + scope.decisions, tuple([one.arg for one in own]),
        )  # fmt: skip

    def _call(self, text: str, node: Node, scope: Scope) -> Call:
        names, noted = self._names, self._noted
        line = node.lineno
        key = id(node)
        return Call(
            names.resolve(text, scope, line),
            line,
            node.end_lineno,
            scope.index,
            tuple([names.value(one, scope, line) for one in node.args]),
            tuple([(one.arg, names.value(one.value, scope, line)) for one in node.keywords if one.arg]),
            key in noted.awaited,
            key in noted.discarded,
        )

    def _references(self) -> tuple[Reference, ...]:
        found = [
            Reference(self._names.resolve(text, scope, line), line, scope.index)
            for scope in self._noted.scopes
            for text, line in scope.references.items()
        ]
        return tuple(one for one in found if not one.name.startswith("?"))

    def _assertions(self) -> tuple[Assertion, ...]:
        found = [
            Assertion(line, scope.index, self._subjects(node, scope, line))
            for line, scope, node in self._noted.asserted
        ]
        for text, node, scope in self._noted.calls:
            last = text.rpartition(".")[2]
            if last.startswith("assert") and last != "assert_":
                found.append(Assertion(node.lineno, scope.index, self._subjects(node, scope, node.lineno)))
        return tuple(sorted(found))

    def _subjects(self, node: Node, scope: Scope, line: int) -> tuple[str, ...]:
        """Return what an assertion speaks of: each name and call in it, resolved, without the assertion's own name."""
        parts: list[Any] = [node]
        if type(node) is ast.Call:
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
            if type(node.func) is ast.Attribute:
                parts.append(node.func.value)
        elif type(node) is ast.Assert:
            parts = [node.test]
        subjects: dict[str, None] = {}
        for part in parts:
            for one in ast.walk(part):
                if isinstance(one, ast.Name | ast.Attribute | ast.Call):
                    resolved = self._names.resolve(text_of(one.func if isinstance(one, ast.Call) else one), scope, line)
                    if not resolved.startswith("?"):
                        subjects[resolved] = None
        return tuple(subjects)

    def _handler(self, node: Node, scope: Scope, guards: int) -> Handler:
        caught = node.type.elts if type(node.type) is ast.Tuple else [node.type] if node.type else []
        catches = tuple(self._names.resolve(text_of(one), scope, node.lineno) for one in caught)
        return Handler(node.lineno, scope.index, catches, _action(node.body), guards)


def _call_line(call: tuple[str, Node, Scope]) -> tuple[int, int]:
    return call[1].lineno, call[1].col_offset


def _action(body: list[Node]) -> str:
    action = "pass"
    for statement in body:
        for node in ast.walk(statement):
            if type(node) is ast.Raise:
                return "raise"
            if type(node) is ast.Call:
                last = text_of(node.func).rpartition(".")[2]
                quiet = action in ("pass", "print")
                if last in PRINTS and quiet:
                    action = "print"
                elif not (last in SHOWN and quiet):  # what is printed may be put together first
                    action = "log" if last.startswith(LOG) or action == "log" else "other"
            elif type(node) in (ast.Return, ast.Assign, ast.AugAssign, ast.Yield) and action in ("pass", "print"):
                empty = type(node) is ast.Return and (node.value is None or type(node.value) is ast.Constant)
                action = action if empty else "other"
    return action


def _statements(body: list[Node]) -> int:
    """Count the statements of a body that do something: no docstring, pass, ellipsis or "not implemented"."""
    return sum(not _hollow(statement) for statement in body)


def _hollow(statement: Node) -> bool:
    if type(statement) is ast.Pass:
        return True
    if type(statement) is ast.Expr:
        return type(statement.value) is ast.Constant
    if type(statement) is ast.Raise and statement.exc is not None:
        return text_of(statement.exc).removesuffix("()") == "NotImplementedError"
    return False


def _does_work(body: list[Node]) -> bool:
    """Tell whether a module's body does more than import, define and set constants."""
    for statement in body:
        kind = type(statement)
        if kind is ast.Expr and type(statement.value) in (ast.Call, ast.Await):
            return True
        if kind in (ast.For, ast.While, ast.With, ast.AsyncFor, ast.AsyncWith):
            return True
    return False
