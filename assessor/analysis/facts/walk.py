"""Walk one syntax tree once and note what names.py resolves afterwards: calls, names, bindings, counts for radon's figures.

The walk keeps its own stack, so that no nesting the parser accepts can exhaust Python's, and asks for each node's type
once: this is where the time of an analysis goes. It visits statements from the last to the first, therefore the line of
a name that is written last is its first. Bodies of definitions wait until the body around them is done.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

Node = Any
"""A node of ast. The walk knows by the type which fields there are; a cast at each access would cost more than the access."""

Bound = tuple[int, str, Node]
"""(line, how, value): from this line on a name is the value of an expression or the resolved name `value` ("is"), an
element of it ("of"), an instance of what an annotation names ("as"), or unknown ("")."""

Group = tuple[list[Node], "int | None", bool, bool]
"""Nodes that wait for the end of the body: (nodes, line of the assertion they are the subject of, do operators count,
do decisions count)."""

_MAX_LINKS = 24  # a.b().c[0]: a longer chain stays unknown, the texts of its parts would grow with the square of its length


@dataclass(slots=True, eq=False)
class Scope:
    """Collect what is noted in a module, class or function body, without the definitions inside it."""

    node: Node
    index: int
    parent: Scope | None
    name: str  # "" for the module, "~Net.forward" for a method
    context: str | None  # the function around: radon keeps operands apart by its name
    is_class: bool = False
    receiver: str | None = None  # what a method calls its instance
    binds: dict[str, list[Bound]] = field(default_factory=dict)  # the last in the file comes first
    attributes: dict[str, list[Bound]] = field(default_factory=dict)  # of a class: what its methods assign to self
    references: dict[str, int] = field(default_factory=dict)  # dotted text -> line of a mention
    returned: list[Node] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)  # names that `global` takes from the module
    decisions: int = 0


@dataclass(slots=True)
class Walk:
    """Hold what the walk noted, in the order of visits."""

    scopes: list[Scope] = field(default_factory=list)  # the module, then the definitions in the order of the file
    calls: list[tuple[str, Node, Scope]] = field(default_factory=list)  # dotted text, node
    awaited: set[Node] = field(default_factory=set)
    discarded: set[Node] = field(default_factory=set)
    imports: list[tuple[str, str, int, Scope]] = field(default_factory=list)  # name, alias, line
    assigned: list[tuple[str, str, Node, int, Scope]] = field(default_factory=list)  # target, how, value, line
    asserted: list[tuple[int, Scope, tuple[str, ...]]] = field(default_factory=list)  # line, scope, dotted texts in it
    handlers: list[tuple[Node, Scope]] = field(default_factory=list)
    operations: list[tuple[str, int, Scope]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)  # simple statements over several lines: first, last
    headers: list[tuple[int, int]] = field(default_factory=list)  # line of a compound statement, of its first statement
    colons: list[int] = field(default_factory=list)  # lines of slices, dictionaries and lambdas
    main_guard: int | None = None
    logical: int = 0  # statements, clauses and decorators
    operators: int = 0
    operands: int = 0
    others: int = 0  # operands that are neither a name nor a constant: radon sees each as distinct
    operators_seen: set[type] = field(default_factory=set)
    operands_seen: dict[str | None, set[Any]] = field(default_factory=dict)


def walk(tree: ast.Module) -> Walk:
    """Visit every node of a module once."""
    visitor = Visitor()
    waiting: list[tuple[Node, Scope | None]] = [(tree, None)]
    while waiting:
        node, parent = waiting.pop()
        scope = visitor.enter(node, parent)
        visitor.nested.sort(key=lambda found: found.lineno, reverse=True)
        waiting += [(found, scope) for found in visitor.nested]
    return visitor.walk


def text_of(node: Node) -> str:
    """Return the dotted text of a chain of names, calls and subscripts: "np.load()[].mean"; "" starts an unknown one."""
    links: list[str] = []
    while len(links) < _MAX_LINKS:
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
        elif kind is ast.Await or kind is ast.NamedExpr:
            node = node.value
        else:
            links.append(type(node.value).__name__ if kind is ast.Constant else _LITERALS.get(kind, ""))
            links.reverse()
            return "".join(links)
    return ""


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


class Visitor:
    """Visit one scope after the other. What is frequent is handled in `drain`, the rest by one function for each type."""

    __slots__ = ("binds", "decisions", "groups", "nested", "operands_seen", "references", "scope", "stack", "walk")

    def __init__(self) -> None:
        self.walk = Walk()
        self.stack: list[Node] = []

    def enter(self, node: Node, parent: Scope | None) -> Scope:
        """Visit the body of a module, class or function, then what was put aside in it."""
        noted = self.walk
        is_class = type(node) is ast.ClassDef
        name, context = "", None
        if parent:
            name = f"{parent.name}.{node.name}" if parent.name else "~" + node.name
            context = parent.context if is_class else node.name
        scope = self.scope = Scope(node, len(noted.scopes) - 1, parent, name, context, is_class)
        noted.scopes.append(scope)
        self.binds, self.references = scope.binds, scope.references
        self.operands_seen = noted.operands_seen.setdefault(context, set())
        self.nested: list[Node] = []
        self.groups: list[Group] = []
        self.decisions = 0
        if parent and not is_class:
            self.parameters(node.args)
        self.block(node.body)
        self.drain()
        while self.groups:
            self.visit_group(self.groups.pop())
        scope.decisions = self.decisions
        for shared in scope.shared:
            if shared in scope.binds:
                noted.scopes[0].binds.setdefault(shared, []).extend(scope.binds.pop(shared))
        return scope

    def visit_group(self, group: Group) -> None:
        """Visit what was put aside: headers, whose operators radon does not see, and assertions, whose names are subjects."""
        nodes, line, operators, decisions = group
        noted = self.walk
        before = self.decisions
        if not operators:
            kept = noted.operators, noted.operands, noted.others, noted.operators_seen, self.operands_seen
            noted.operators_seen, self.operands_seen = set(), set()
        if line is not None:
            outer, first = self.references, len(noted.calls)
            self.references = {}
        self.stack += nodes
        self.drain()
        if line is not None:
            texts = [text for text, call, _ in noted.calls[first:] if call is not nodes[0]]
            noted.asserted.append((line, self.scope, (*texts, *self.references)))
            for text, mentioned in self.references.items():
                outer.setdefault(text, mentioned)
            self.references = outer
        if not operators:
            noted.operators, noted.operands, noted.others, noted.operators_seen, self.operands_seen = kept
        if not decisions:
            self.decisions = before

    def drain(self) -> None:
        """Visit the nodes on the stack and all below them, up to the bodies of definitions."""
        stack, scope = self.stack, self.scope
        references, calls = self.references, self.walk.calls
        pop, push, handlers = stack.pop, stack.append, HANDLERS
        name_type, constant, attribute, call = ast.Name, ast.Constant, ast.Attribute, ast.Call
        while stack:
            node = pop()
            kind = type(node)
            if kind is name_type:
                references[node.id] = node.lineno
            elif kind is attribute:
                text, line, node = node.attr, node.lineno, node.value
                while (kind := type(node)) is attribute:
                    text = f"{node.attr}.{text}"
                    node = node.value
                if kind is name_type:
                    references[f"{node.id}.{text}"] = line
                else:
                    push(node)
            elif kind is call:
                function = node.func
                if (kind := type(function)) is name_type:
                    calls.append((function.id, node, scope))
                else:
                    text = ""
                    base = function
                    while kind is attribute:
                        text = f".{base.attr}{text}"
                        base = base.value
                        kind = type(base)
                    if kind is name_type:
                        calls.append((base.id + text, node, scope))
                    else:
                        calls.append((text_of(function), node, scope))
                        push(base)
                        if kind is ast.Compare:
                            note_equality(self, text[1:], base)
                for argument in node.args:
                    if (kind := type(argument)) is name_type:
                        references[argument.id] = argument.lineno
                    elif kind is not constant:
                        push(argument)
                for keyword in node.keywords:
                    argument = keyword.value
                    if (kind := type(argument)) is name_type:
                        references[argument.id] = argument.lineno
                    elif kind is not constant:
                        push(argument)
            elif kind is not constant:
                handlers.get(kind, visit_fields)(self, node)

    def block(self, body: list[Node]) -> None:
        """Push the statements of a body."""
        self.stack += body
        self.walk.logical += len(body)

    def clause(self, body: list[Node]) -> None:
        """Push the statements under else or finally, which is a line of its own."""
        if body:
            self.stack += body
            self.walk.logical += len(body) + 1

    def bind(self, name: str, line: int, how: str, value: Node) -> None:
        """Note what a name stands for."""
        if name in self.binds:
            self.binds[name].append((line, how, value))
        else:
            self.binds[name] = [(line, how, value)]

    def parameters(self, arguments: Node) -> None:
        """Bind the parameters of a function; the first one of a method is its instance or its class."""
        scope = self.scope
        node, binds = scope.node, scope.binds
        line = node.lineno
        positional = arguments.posonlyargs + arguments.args if arguments.posonlyargs else arguments.args
        for parameter in positional + arguments.kwonlyargs:
            annotation = parameter.annotation
            binds[parameter.arg] = [(line, "as" if annotation else "", annotation)]
        for parameter in (arguments.vararg, arguments.kwarg):
            if parameter:
                binds[parameter.arg] = [(line, "", None)]
        if scope.parent and scope.parent.is_class and positional:
            decorators = {text_of(decorator) for decorator in node.decorator_list}
            if "staticmethod" not in decorators:
                first = positional[0].arg
                of_class = "classmethod" in decorators or node.name in ("__new__", "__init_subclass__")
                binds[first] = [(line, "is", scope.parent.name if of_class else scope.parent.name + "()")]
                scope.receiver = first
