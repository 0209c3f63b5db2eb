"""Walk one syntax tree once, without recursion, and note what names.py resolves and text.py counts.

This is where the time of an analysis goes, so the walk asks for each node's type once and keeps the frequent types
first. It never enters code that cannot run: the body of `if False:`, what follows a `return`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

Node = Any
"""A node of ast. The walk knows by the type which fields there are; a cast at each access would cost more than the access."""

Bound = tuple[int, str, Node]
"""(line, how, value): from this line on a name stands for an expression ("expr"), one element of it ("element"), an
instance of what an annotation names ("typed"), a resolved name ("name", str), or something unknown ("?")."""

MAX_LINKS = 24
"""A longer chain a.b().c[0] stays unknown: the texts of its parts would grow with the square of its length."""

OBJECT = re.compile(r"(?:ext://)?[A-Za-z_]\w{0,60}(?:\.\w{1,60}){1,6}")
"""A text that names an object of a module, as configuration in a dict does: "pythonjsonlogger.json.JsonFormatter"."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LITERALS: dict[type, str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
}
_OPERATORS: dict[type, str] = {
    ast.MatMult: "@",
    ast.Div: "/",
    ast.Mult: "*",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Pow: "**",
    ast.RShift: ">>",
    ast.LShift: "<<",
}


@dataclass(slots=True, eq=False)
class Scope:
    """Collect what is noted in a module, class or function body, without the definitions inside it."""

    node: Node
    index: int
    parent: Scope | None
    name: str
    """ "" for the module, "~Net.forward" for a method."""
    is_class: bool = False
    receiver: str | None = None
    binds: dict[str, list[Bound]] = field(default_factory=dict)
    attributes: dict[str, list[tuple[Scope, Bound]]] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    returned: Node = None
    shared: set[str] = field(default_factory=set)
    decisions: int = 0
    operators: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Walk:
    """Hold what the walk noted."""

    scopes: list[Scope] = field(default_factory=list)
    calls: list[tuple[str, Node, Scope]] = field(default_factory=list)
    awaited: set[int] = field(default_factory=set)
    discarded: set[int] = field(default_factory=set)
    imports: list[tuple[str, str, int, Scope]] = field(default_factory=list)
    assigned: list[tuple[str, Node, int, Scope]] = field(default_factory=list)
    asserted: list[tuple[int, Scope, Node]] = field(default_factory=list)
    handlers: list[tuple[Node, Scope, int]] = field(default_factory=list)
    operations: list[tuple[str, int, Scope]] = field(default_factory=list)
    strings: list[tuple[int, int]] = field(default_factory=list)
    raising: set[int] = field(default_factory=set)
    named: dict[str, None] = field(default_factory=dict)
    main_guard: int | None = None
    working: bool = False
    statements: int = 0
    operators: int = 0
    operands: int = 0
    operators_seen: set[type] = field(default_factory=set)
    operands_seen: set[Any] = field(default_factory=set)


def text_of(node: Node) -> str:
    """Return the dotted text of a chain of names, calls and subscripts, "np.load()[].mean"; "" starts an unknown one."""
    if type(node) is ast.Name:
        name: str = node.id
        return name
    if type(node) is ast.Attribute and type(node.value) is ast.Name:
        return f"{node.value.id}.{node.attr}"
    links: list[str] = []
    while len(links) < MAX_LINKS:
        kind = type(node)
        if kind is ast.Name:
            links.append(node.id)
            links.reverse()
            return "".join(links)
        if kind is ast.Attribute:
            links.append("." + node.attr)
            node = node.value
        elif kind is ast.Call:
            links.append("()")
            node = node.func
        elif kind is ast.Subscript:
            links.append("[]")
            node = node.value
        elif kind is ast.Await or kind is ast.NamedExpr or kind is ast.Starred:
            node = node.value
        else:
            links.append(type(node.value).__name__ if kind is ast.Constant else _LITERALS.get(kind, ""))
            links.reverse()
            return "".join(links)
    return ""


def walk(tree: ast.Module) -> Walk:
    """Visit every node of a module that can run, once."""
    noted = Walk()
    waiting: list[tuple[Node, Scope | None]] = [(tree, None)]
    while waiting:
        node, parent = waiting.pop()
        inner: list[Node] = []
        scope = _enter(noted, node, parent)
        _visit(noted, scope, _living(node.body, noted), inner)
        waiting += [(found, scope) for found in sorted(inner, key=_line, reverse=True)]
    return noted


def _line(node: Node) -> int:
    line: int = node.lineno
    return line


def _enter(noted: Walk, node: Node, parent: Scope | None) -> Scope:
    if parent is None:
        scope = Scope(node, -1, None, "")
    else:
        name = f"{parent.name}.{node.name}" if parent.name else "~" + node.name
        scope = Scope(node, len(noted.scopes) - 1, parent, name, type(node) is ast.ClassDef)
        if not scope.is_class:
            _parameters(scope, node)
    noted.scopes.append(scope)
    return scope


def _parameters(scope: Scope, node: Node) -> None:
    arguments, line = node.args, node.lineno
    positional = arguments.posonlyargs + arguments.args
    for parameter in positional + arguments.kwonlyargs:
        annotation = parameter.annotation
        scope.binds[parameter.arg] = [(line, "typed" if annotation else "?", annotation)]
    for parameter in (arguments.vararg, arguments.kwarg):
        if parameter:
            scope.binds[parameter.arg] = [(line, "?", None)]
    parent = scope.parent
    if parent is not None and parent.is_class and positional:
        decorators = {text_of(decorator) for decorator in node.decorator_list}
        if "staticmethod" not in decorators:
            first = positional[0].arg
            of_class = "classmethod" in decorators or node.name in ("__new__", "__init_subclass__")
            scope.binds[first] = [(line, "name", parent.name if of_class else parent.name + "()")]
            scope.receiver = first


def _living(body: list[Node], noted: Walk) -> list[Node]:
    """Return the statements of a body that can run: none after a return, raise, continue or break."""
    noted.statements += len(body)
    for place, statement in enumerate(body):
        if isinstance(statement, ENDS):
            return body[: place + 1]
    return body


def _visit(noted: Walk, scope: Scope, body: list[Node], inner: list[Node]) -> None:
    stack: list[Node] = body[::-1]
    pop, push = stack.pop, stack.append
    references, calls = scope.references, noted.calls
    while stack:
        node = pop()
        kind = type(node)
        if kind is ast.Name:
            references.setdefault(node.id, node.lineno)
        elif kind is ast.Constant:
            continue
        elif kind is ast.Attribute:
            text, base = node.attr, node.value
            while type(base) is ast.Attribute:
                text = f"{base.attr}.{text}"
                base = base.value
            if type(base) is ast.Name:
                references.setdefault(f"{base.id}.{text}", node.lineno)
            else:
                chain = text_of(node)
                if chain and chain[0] != ".":
                    references.setdefault(chain, node.lineno)
                push(base)
        elif kind is ast.Call:
            calls.append((text_of(node.func), node, scope))
            function = node.func
            while type(function) is ast.Attribute:
                function = function.value
            if type(function) is not ast.Name:
                push(function)
            stack += node.args
            for keyword in node.keywords:
                push(keyword.value)
        elif kind is ast.Expr:
            value = node.value
            if type(value) is ast.Constant:
                if type(value.value) is str:
                    noted.strings.append((value.lineno, value.end_lineno or value.lineno))
                continue
            noted.discarded.add(id(value.value if type(value) is ast.Await else value))
            push(value)
        elif kind is ast.Await:
            noted.awaited.add(id(node.value))
            push(node.value)
        else:
            _OTHERS.get(kind, _children)(noted, scope, node, stack, inner)


def _children(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    for name in node._fields:
        value = getattr(node, name)
        if isinstance(value, list):
            stack += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            stack.append(value)


def _definition(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    name = f"{scope.name}.{node.name}" if scope.name else "~" + node.name
    _bind(scope, node.name, node.lineno, "name", name)
    inner.append(node)
    stack += node.decorator_list
    if type(node) is ast.ClassDef:
        stack += node.bases
        stack += [keyword.value for keyword in node.keywords]
    else:
        arguments = node.args
        stack += arguments.defaults
        stack += [default for default in arguments.kw_defaults if default is not None]
        for parameter in arguments.posonlyargs + arguments.args + arguments.kwonlyargs:
            if parameter.annotation is not None:
                stack.append(parameter.annotation)
        if node.returns is not None:
            stack.append(node.returns)


def _bind(scope: Scope, name: str, line: int, how: str, value: Node) -> None:
    if name in scope.shared:
        while scope.parent is not None:
            scope = scope.parent
    scope.binds.setdefault(name, []).append((line, how, value))


def _target(noted: Walk, scope: Scope, target: Node, how: str, value: Node, stack: list[Node]) -> None:
    kind = type(target)
    if kind is ast.Name:
        _bind(scope, target.id, target.lineno, how, value)
        if how == "expr":
            noted.assigned.append((target.id, value, target.lineno, scope))
    elif kind is ast.Attribute:
        base = target.value
        owner = scope
        if type(base) is ast.Name and scope.receiver == base.id and scope.parent is not None:
            owner = scope.parent
            owner.attributes.setdefault(target.attr, []).append((scope, (target.lineno, how, value)))
        if how == "expr":
            noted.assigned.append((text_of(target), value, target.lineno, scope))
        stack.append(base)
    elif kind is ast.Tuple or kind is ast.List:
        values = value.elts if how == "expr" and type(value) is kind and len(value.elts) == len(target.elts) else None
        for place, part in enumerate(target.elts):
            if values is not None:
                _target(noted, scope, part, how, values[place], stack)
            else:
                _target(noted, scope, part, "element" if how in ("expr", "element") else "?", value, stack)
    elif kind is ast.Starred:
        _target(noted, scope, target.value, "?", None, stack)
    else:
        if kind is ast.Subscript and how == "expr":
            noted.assigned.append((text_of(target), value, target.lineno, scope))
        stack.append(target)


def _assign(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    for target in node.targets:
        _target(noted, scope, target, "expr", node.value, stack)
    stack.append(node.value)


def _annotated(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    if node.value is not None:
        _target(noted, scope, node.target, "expr", node.value, stack)
        stack.append(node.value)
    else:
        _target(noted, scope, node.target, "typed", node.annotation, stack)
    stack.append(node.annotation)


def _augmented(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    _count(noted, type(node.op), (node.target, node.value))
    sign = _OPERATORS.get(type(node.op))
    if sign:
        noted.operations.append((sign + "=", node.lineno, scope))
    noted.assigned.append((text_of(node.target), None, node.lineno, scope))
    stack += (node.value, node.target)


def _walrus(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    _target(noted, scope, node.target, "expr", node.value, stack)
    stack.append(node.value)


def _import(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    for one in node.names:
        alias = one.asname or one.name
        noted.imports.append((one.name, alias, node.lineno, scope))
        first = one.name.partition(".")[0]
        _bind(scope, one.asname or first, node.lineno, "name", one.name if one.asname else first)


def _import_from(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    base = "." * node.level + (node.module or "")
    for one in node.names:
        name = f"{base}{one.name}" if base.endswith(".") or not base else f"{base}.{one.name}"
        noted.imports.append((name, one.asname or one.name, node.lineno, scope))
        if one.name != "*":
            _bind(scope, one.asname or one.name, node.lineno, "name", name)


def _if(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.decisions += 1
    body, other = node.body, node.orelse
    if type(node.test) is ast.Constant:
        body, other = (body, []) if node.test.value else ([], other)
    if scope.parent is None and _is_main(node.test):
        noted.main_guard = node.lineno
    stack += _living(other, noted)[::-1]
    stack += _living(body, noted)[::-1]
    stack.append(node.test)


def _is_main(test: Node) -> bool:
    return (
        type(test) is ast.Compare
        and type(test.left) is ast.Name
        and test.left.id == "__name__"
        and type(test.comparators[0]) is ast.Constant
        and test.comparators[0].value == "__main__"
    )


def _loop(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.decisions += 1 + bool(node.orelse)
    never = False
    if type(node) is ast.While:
        never = type(node.test) is ast.Constant and not node.test.value
        stack.append(node.test)
    else:
        _target(noted, scope, node.target, "element", node.iter, stack)
        stack.append(node.iter)
    stack += _living(node.orelse, noted)[::-1]
    stack += [] if never else _living(node.body, noted)[::-1]


def _with(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    stack += _living(node.body, noted)[::-1]
    for item in node.items:
        if item.optional_vars is not None:
            _target(noted, scope, item.optional_vars, "expr", item.context_expr, stack)
        else:
            noted.discarded.add(id(item.context_expr))
        stack.append(item.context_expr)
        if _asserting(item.context_expr):
            noted.asserted.append((node.lineno, scope, node))


def _asserting(node: Node) -> bool:
    return type(node) is ast.Call and text_of(node.func).rpartition(".")[2] in RAISES


RAISES = frozenset({"raises", "warns", "assertRaises", "assertRaisesRegex", "assertWarns", "assertLogs"})


def _try(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.decisions += len(node.handlers) + bool(node.orelse)
    noted.handlers += [(handler, scope, node.lineno) for handler in node.handlers]
    stack += _living(node.finalbody, noted)[::-1]
    stack += _living(node.orelse, noted)[::-1]
    for handler in reversed(node.handlers):
        stack += _living(handler.body, noted)[::-1]
        if handler.type is not None:
            stack.append(handler.type)
        if handler.name:
            _bind(scope, handler.name, handler.lineno, "typed", handler.type)
    stack += _living(node.body, noted)[::-1]


def _assert(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:
    noted.asserted.append((node.lineno, scope, node))
    before = scope.decisions
    _visit(noted, scope, [node.test], inner)
    scope.decisions = before  # radon does not look into assertions
    if node.msg is not None:
        stack.append(node.msg)


def _boolean(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.decisions += len(node.values) - 1
    _count(noted, type(node.op), node.values)
    stack += node.values


def _binary(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    sign = _OPERATORS.get(type(node.op))
    if sign:
        noted.operations.append((sign, node.lineno, scope))
    _count(noted, type(node.op), (node.left, node.right))
    stack += (node.right, node.left)


def _unary(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    _count(noted, type(node.op), (node.operand,))
    stack.append(node.operand)


def _compare(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    operands = [node.left, *node.comparators]
    for operator in node.ops:
        noted.operators += 1
        noted.operators_seen.add(type(operator))
        if type(operator) is ast.Eq:
            noted.operations.append(("==", node.lineno, scope))
    noted.operands += len(operands)
    noted.operands_seen.update(map(_operand, operands))
    stack += operands


def _count(noted: Walk, operator: type, operands: Any) -> None:
    noted.operators += 1
    noted.operators_seen.add(operator)
    noted.operands += len(operands)
    noted.operands_seen.update(map(_operand, operands))


def _operand(node: Node) -> Any:
    kind = type(node)
    if kind is ast.Name:
        return node.id
    if kind is ast.Attribute:
        return node.attr
    return repr(node.value) if kind is ast.Constant else id(node)


def _choice(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.decisions += 1
    stack += (node.orelse, node.body, node.test)


def _comprehension(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    for generator in node.generators:
        scope.decisions += 1 + len(generator.ifs)
        _target(noted, scope, generator.target, "element", generator.iter, stack)
        stack.append(generator.iter)
        stack += generator.ifs
    if type(node) is ast.DictComp:
        stack += (node.value, node.key)
    else:
        stack.append(node.elt)


def _match(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    wild = any(getattr(case.pattern, "pattern", False) is None for case in node.cases)
    scope.decisions += max(0, len(node.cases) - wild)
    for case in reversed(node.cases):
        stack += _living(case.body, noted)[::-1]
        if case.guard is not None:
            stack.append(case.guard)
        stack.append(case.pattern)
    stack.append(node.subject)


def _lambda(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    stack.append(node.body)


def _return(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    if node.value is not None:
        value = node.value
        if scope.returned is None:
            scope.returned = value
        if type(value) is ast.Tuple and len(value.elts) > 1 and getattr(value.elts[1], "value", None) in (401, 403):
            noted.operations.append(("refuse", node.lineno, scope))  # `return {"error": ...}, 401`
        stack.append(value)


def _raise(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    if node.exc is not None and not text_of(node.exc).startswith("NotImplementedError"):
        noted.raising.add(scope.index)
    stack += [part for part in (node.cause, node.exc) if part is not None]


def _dict(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    for value in node.values:
        if type(value) is ast.Constant and type(value.value) is str and OBJECT.fullmatch(value.value):
            noted.named[value.value] = None
    stack += node.values
    stack += [key for key in node.keys if key is not None]


def _global(noted: Walk, scope: Scope, node: Node, stack: list[Node], inner: list[Node]) -> None:  # noqa: ARG001
    scope.shared.update(node.names)


_OTHERS: dict[type, Any] = {
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.NamedExpr: _walrus,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Assert: _assert,
    ast.BoolOp: _boolean,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Match: _match,
    ast.Lambda: _lambda,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Dict: _dict,
    ast.Global: _global,
}
if hasattr(ast, "TryStar"):
    _OTHERS[ast.TryStar] = _try
