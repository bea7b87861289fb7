"""Where a name comes from: follows imports, aliases and plain assignments to the dotted name of the library."""

import ast
from collections.abc import Callable, Iterable, Iterator

Nodes = tuple[tuple[ast.AST, str], ...]


def _imported(nodes: Nodes, find_origin: Callable[[ast.ImportFrom], str]) -> dict[str, str]:
    """The names that imports bind, at the top or later → their dotted names."""
    known = {"__import__": "importlib.__import__"}
    for node, _ in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            origin = find_origin(node)
            known |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
    return known


def _resolve(node: ast.expr, known: dict[str, str]) -> str | None:
    """The dotted name of an expression, with `()` where it is a call; None for what no import leads to."""
    match node:
        case ast.Name(id=name) | ast.NamedExpr(target=ast.Name(id=name)):
            return known.get(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return known.get(f"self.{attr}")
        case ast.Attribute(value=value, attr=attr):
            base = _resolve(value, known)
            return base and f"{base}.{attr}"
        case ast.Call(func=func):
            base = _resolve(func, known)
            return base and f"{base}()"
    return None


def list_assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names (`x`, `self.x`) a node assigns, each with its value."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            pairs: Iterable[tuple[ast.expr, ast.expr]] = zip(targets, values, strict=False)
        case ast.Assign(targets=targets, value=value):
            pairs = ((target, value) for target in targets)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            pairs = ((target, value),)
        case _:
            return
    for target, value in pairs:
        match target:
            case ast.Name(id=name):
                yield name, value
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                yield f"self.{name}", value


def list_origins(nodes: Nodes, find_origin: Callable[[ast.ImportFrom], str]) -> Iterator[tuple[ast.expr, str, str]]:
    """Each name or attribute that is read: the node, the function around it, and its dotted name.

    `t` is `time.time` after `from time import time as t`, and after `t = time.time`; so is `self.t`. Scopes are not
    told apart.
    """
    known = _imported(nodes, find_origin)
    for node, _ in nodes:
        for name, value in list_assigned(node):
            if name not in known and (origin := _resolve(value, known)):
                known[name] = origin
    for node, function in nodes:
        is_read = isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
        if is_read and (origin := _resolve(node, known)):
            yield node, function, origin
