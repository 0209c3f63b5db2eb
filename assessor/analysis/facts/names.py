"""Say what the dotted texts of one file stand for, as far as the file itself tells: imports, assignments, annotations."""

from __future__ import annotations

import ast
import builtins
import re
from typing import Any

from assessor.analysis.facts.walk import Bound, Node, Scope, text_of

__all__ = ["Names"]

BUILTINS = frozenset(dir(builtins))
DEPTH = 8
"""Assignments that are followed in a row; longer chains stay unknown."""

LENGTH = 200


AFTER = re.compile(r"[.(\[]")
"""What ends the first name of a text."""


class Names:
    """Resolve the texts of one module; answers are kept, since most names are asked for many times."""

    def __init__(self, module: Scope, scopes: list[Scope]) -> None:
        self._module = module
        self._by_name = {scope.name: scope for scope in reversed(scopes)}
        self._known: dict[tuple[str, Scope], str] = {}

    def resolve(self, text: str, scope: Scope, line: int) -> str:
        """Return what a text stands for in a scope; "?" and the text where that is not known."""
        if not text:
            return "?"
        key = (text, scope)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._text(text, scope, line, DEPTH)[:LENGTH]
        return known

    def value(self, node: Node, scope: Scope, line: int) -> Any:
        """Return a literal as it is, a name as "=" with what it stands for, "={}" for a filled dict, None for all else."""
        kind = type(node)
        if kind is ast.Constant:
            literal = node.value
            if isinstance(literal, str):
                return literal[:LENGTH]
            exact = isinstance(literal, bool | float) or (type(literal) is int and abs(literal) < 2**53)
            return literal if exact else None
        if kind is ast.Name or kind is ast.Attribute:
            resolved = self.resolve(text_of(node), scope, line)
            # What a local name is called says more than the calls that its value came from.
            computed = kind is ast.Name and ("(" in resolved or "[" in resolved)
            return "=?" + node.id if computed else "=" + resolved
        if kind is ast.UnaryOp and type(node.op) is ast.USub and type(node.operand) is ast.Constant:
            number = node.operand.value
            return -number if isinstance(number, int | float) else None
        if kind is ast.Call:
            return "=" + self.resolve(text_of(node), scope, line)
        if kind is ast.JoinedStr:
            parts = [one.value if type(one) is ast.Constant else "{}" for one in node.values]
            pattern = "".join(map(str, parts))
            return pattern[-LENGTH:] if len(pattern) > len(parts) * 2 and pattern[0] != "=" else None
        return "={}" if kind is ast.Dict and node.keys else None

    def _text(self, text: str, scope: Scope, line: int, depth: int) -> str:
        root, rest = _split(text)
        if not root:
            return "?" + text
        found = self._root(root, scope, line, depth)
        if found is None:
            return text if root in BUILTINS else "?" + text
        if not rest:
            return found
        if found.startswith("~") and rest.startswith("."):
            return self._member(found, rest, depth)
        return found + rest

    def _root(self, root: str, scope: Scope, line: int, depth: int) -> str | None:
        """Return what a first name stands for, None where it is bound nowhere in the file."""
        place: Scope | None = scope
        while place is not None:
            bounds = place.binds.get(root)
            if bounds and (place is scope or not place.is_class):
                return self._bound(_latest(bounds, line if place is scope else None), root, place, depth)
            place = place.parent
        return None

    def _bound(self, bound: Bound, root: str, scope: Scope, depth: int) -> str:
        line, how, value = bound
        if how == "name":
            return str(value)
        if value is None or depth == 0:
            return "?" + root
        if how == "typed":
            text = annotation_text(value)
            resolved = self._text(text, scope.parent or scope, line, depth - 1) if text else "?"
            return "?" + root if resolved.startswith("?") else resolved + "()"
        text = text_of(value)
        if not text or text == root:
            return "?" + root
        resolved = self._text(text, scope, line, depth - 1)
        if resolved.startswith("?"):
            return "?" + root
        return resolved + "[]" if how == "element" else resolved

    def _member(self, found: str, rest: str, depth: int) -> str:
        """Follow an attribute of something defined here: a method, or what a method assigned to self."""
        first, after = _split(rest[1:])
        owner = self._by_name.get(found.removesuffix("()"))
        if owner is None or not owner.is_class:
            return found + rest
        plain = owner.name
        if first in owner.binds:
            how = owner.binds[first][-1]
            resolved = f"{plain}.{first}" if how[1] == "name" else self._bound(how, first, owner, depth)
        elif first in owner.attributes and depth:
            scope, bound = owner.attributes[first][0]
            resolved = self._bound(bound, first, scope, depth - 1)
        else:
            return found + rest
        if resolved.startswith("?"):
            return found + rest
        if after and resolved.startswith("~") and after.startswith(".") and depth:
            return self._member(resolved, after, depth - 1)
        return resolved + after


def annotation_text(node: Node) -> str:
    """Return the dotted text of the class that an annotation names: Optional[X], "X", X | None and list[X] too."""
    kind = type(node)
    if kind is ast.Constant and isinstance(node.value, str):
        text: str = node.value.partition("[")[0].partition("|")[0].strip()
        return text if text.replace(".", "").replace("_", "").isalnum() else ""
    if kind is ast.Subscript:
        outer = text_of(node.value)
        if outer.rpartition(".")[2] in ("Optional", "Annotated", "Final", "ClassVar", "Union"):
            inner = node.slice
            return annotation_text(inner.elts[0] if type(inner) is ast.Tuple and inner.elts else inner)
        return outer
    if kind is ast.BinOp:
        return annotation_text(node.left) or annotation_text(node.right)
    return text_of(node) if kind in (ast.Name, ast.Attribute) else ""


def _latest(bounds: list[Bound], line: int | None) -> Bound:
    """Return the binding that holds at a line: the last one before it, else the first; without a line the last of all."""
    if line is None or len(bounds) == 1:
        return bounds[-1]
    before = [bound for bound in bounds if bound[0] < line]
    return max(before, key=lambda bound: bound[0]) if before else bounds[0]


def _split(text: str) -> tuple[str, str]:
    """Return the first name of a text and what follows it."""
    found = AFTER.search(text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")
