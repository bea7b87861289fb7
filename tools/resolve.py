"""Asks mypy what every attribute and every call in the tree refers to; the rename script reads the answer."""

import pickle
import sys
from functools import cache
from pathlib import Path
from typing import Any

from mypy import build
from mypy.find_sources import create_source_list
from mypy.fscache import FileSystemCache
from mypy.nodes import (
    AwaitExpr,
    CallExpr,
    ClassDef,
    Decorator,
    FuncDef,
    MemberExpr,
    MypyFile,
    Node,
    RefExpr,
    TypeInfo,
    Var,
)  # fmt: skip
from mypy.options import Options
from mypy.subtypes import is_subtype
from mypy.typeops import tuple_fallback
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    LiteralType,
    TupleType,
    TypeType,
    TypeVarLikeType,
    UnionType,
    get_proper_type,
)  # fmt: skip

PACKAGES = ["backend", "bot", "notify", "storage", "sandbox", "tests", "bench"]


def infos_of(t: Any) -> tuple[list[TypeInfo], bool]:
    """The classes a value of this type may be an instance (or the object) of, and whether it may be anything."""
    t = get_proper_type(t)
    if t is None or isinstance(t, AnyType):
        return [], True
    if isinstance(t, Instance):
        return [t.type], False
    if isinstance(t, UnionType):
        found, anything = [], False
        for item in t.items:
            more, any_ = infos_of(item)
            found += more
            anything |= any_
        return found, anything
    if isinstance(t, TypeVarLikeType):
        return infos_of(t.upper_bound)
    if isinstance(t, TypeType):
        return infos_of(t.item)
    if isinstance(t, TupleType):
        return [tuple_fallback(t).type], False
    if isinstance(t, LiteralType):
        return [t.fallback.type], False
    if isinstance(t, FunctionLike) and t.is_type_obj():
        return [t.type_object()], False
    return [], False


SKIP = {
    "node",
    "info",
    "type",
    "unanalyzed_type",
    "names",
    "alias_deps",
    "original_def",
    "analyzed",
    "imports",
    "type_guard",
    "type_is",
}


@cache
def attrs_of(cls: type) -> tuple[str, ...]:
    found: list[str] = []
    for c in cls.__mro__:
        found += getattr(c, "__mypyc_attrs__", ())
    return tuple(dict.fromkeys(found))


class Collector:
    def __init__(self, types: dict[Any, Any], path: str) -> None:
        self.types = types
        self.path = path
        self.attrs: dict[tuple[int, int, int, int], tuple[str, list[str], bool]] = {}
        self.calls: dict[tuple[int, int, int, int], list[str]] = {}
        self.inner: list[ClassDef] = []
        self.keep: list[Any] = []
        self.replaces: dict[tuple[int, int, int, int], list[str]] = {}

    def walk(self, root: Any) -> None:
        stack: list[Any] = [root]
        seen: set[int] = set()
        while stack:
            n = stack.pop()
            if isinstance(n, (list, tuple)):
                stack.extend(n)
                continue
            if (
                not isinstance(n, Node)
                or isinstance(n, (TypeInfo, Var))
                or id(n) in seen
                or (isinstance(n, MypyFile) and n is not root)
            ):
                continue
            seen.add(id(n))
            self.keep.append(n)
            if isinstance(n, MemberExpr):
                self.visit_member_expr(n)
            elif isinstance(n, CallExpr):
                self.visit_call_expr(n)
            elif isinstance(n, ClassDef):
                self.inner.append(n)
            for a in attrs_of(type(n)):
                if a in SKIP:
                    continue
                try:
                    v = getattr(n, a)
                except AttributeError:
                    continue
                if isinstance(v, (list, tuple, Node)):
                    stack.append(v)

    def type_of(self, e: Any, depth: int = 0) -> Any:
        """The type mypy gave an expression, or what its parts say where mypy kept none."""
        known = self.types.get(e)
        if known is not None or depth > 6:
            return known
        if isinstance(e, RefExpr) and isinstance(e.node, Var) and e.node.type is not None:
            return e.node.type
        if isinstance(e, CallExpr):
            if isinstance(e.callee, RefExpr) and isinstance(e.callee.node, TypeInfo):
                return Instance(e.callee.node, [])
            called = get_proper_type(self.member_type(e.callee, depth + 1))
            if isinstance(called, CallableType):
                return called.ret_type
        if isinstance(e, AwaitExpr):
            t = get_proper_type(self.type_of(e.expr, depth + 1))
            if isinstance(t, Instance) and t.args:
                return t.args[-1]
        return self.member_type(e, depth + 1)

    def member_type(self, e: Any, depth: int) -> Any:
        if isinstance(e, RefExpr) and isinstance(e.node, (FuncDef, Var, Decorator)):
            return e.node.type if not isinstance(e.node, Decorator) else e.node.var.type
        if isinstance(e, MemberExpr):
            infos, _ = infos_of(self.type_of(e.expr, depth + 1))
            for info in infos:
                symbol = info.get(e.name)
                node = symbol.node if symbol is not None else None
                if isinstance(node, Decorator):
                    return node.var.type
                if isinstance(node, (FuncDef, Var)):
                    return node.type
        return None

    def visit_member_expr(self, e: MemberExpr) -> None:
        infos, anything = infos_of(self.type_of(e.expr))
        owners = []
        for info in infos:
            owner = next((c for c in info.mro if e.name in c.names), None)
            owners.append(owner.fullname if owner is not None else info.fullname)
        if isinstance(e.expr, RefExpr) and isinstance(e.expr.node, TypeInfo):
            info = e.expr.node
            owner = next((c for c in info.mro if e.name in c.names), info)
            owners.append(owner.fullname)
        self.attrs[e.line, e.column, e.end_line or 0, e.end_column or 0] = (e.name, sorted(set(owners)), anything)

    def visit_call_expr(self, e: CallExpr) -> None:
        if not any(e.arg_names):
            return
        found: list[str] = []
        callee = e.callee
        node = callee.node if isinstance(callee, RefExpr) else None
        if isinstance(node, Decorator):
            node = node.func
        if isinstance(node, FuncDef):
            found.append("F:" + node.fullname)
        elif isinstance(node, TypeInfo):
            found.append("C:" + node.fullname)
        elif isinstance(callee, MemberExpr):
            infos, _ = infos_of(self.types.get(callee.expr))
            for info in infos:
                owner = next((c for c in info.mro if callee.name in c.names), None)
                if owner is not None:
                    found.append(f"F:{owner.fullname}.{callee.name}")
        else:
            t = get_proper_type(self.types.get(callee))
            if isinstance(t, FunctionLike) and t.is_type_obj():
                found.append("C:" + t.type_object().fullname)
        if isinstance(callee, RefExpr) and (callee.fullname in ("dataclasses.replace", "copy.replace")) and e.args:
            infos, _ = infos_of(self.types.get(e.args[0]))
            found += ["C:" + i.fullname for i in infos]
        if (
            isinstance(callee, RefExpr)
            and callee.fullname in ("functools.partial",)
            and e.args
            and isinstance(e.args[0], RefExpr)
            and e.args[0].node is not None
        ):
            n = e.args[0].node
            found.append(("C:" if isinstance(n, TypeInfo) else "F:") + n.fullname)
        if isinstance(callee, MemberExpr) and callee.name == "_replace":
            infos, _ = infos_of(self.types.get(callee.expr))
            found += ["C:" + i.fullname for i in infos]
        self.calls[e.line, e.column, e.end_line or 0, e.end_column or 0] = found


def main(out: str) -> None:
    o = Options()
    o.incremental = False
    o.export_types = True
    o.preserve_asts = True
    o.check_untyped_defs = True
    o.ignore_missing_imports = True
    o.python_version = sys.version_info[:2]
    o.allow_redefinition = False
    o.follow_imports = "normal"
    o.namespace_packages = True
    fscache = FileSystemCache()
    sources = create_source_list(PACKAGES, o, fscache)
    result = build.build(sources, o, fscache=fscache)
    files: dict[str, Any] = {}
    classes: dict[str, Any] = {}
    infos: list[TypeInfo] = []

    def walk(names: Any, prefix: str) -> None:
        for name, symbol in list(names.items()):
            node = symbol.node
            if isinstance(node, TypeInfo) and node.fullname.startswith(prefix) and node not in seen:
                seen.add(node)
                infos.append(node)
                walk(node.names, node.fullname + ".")

    seen: set[TypeInfo] = set()
    for name, tree in result.files.items():
        if name.split(".")[0] not in PACKAGES or tree.path is None:
            continue
        c = Collector(result.types, tree.path)
        c.walk(tree)
        files[str(Path(tree.path))] = (name, c.attrs, c.calls)
        walk(tree.names, name + ".")
        for d in c.inner:
            if d.info not in seen and isinstance(d.info, TypeInfo):
                seen.add(d.info)
                infos.append(d.info)
    for info in infos:
        classes[info.fullname] = {
            "mro": [c.fullname for c in info.mro],
            "own": sorted(info.names),
            "all": sorted({n for c in info.mro if c.fullname.split(".")[0] in PACKAGES for n in c.names}),
            "protocol": info.is_protocol,
            "line": info.line,
        }
    protocols = [i for i in infos if i.is_protocol]
    implements: set[tuple[str, str]] = set()
    for p in protocols:
        members = {n for c in p.mro if c.fullname.split(".")[0] in PACKAGES for n in c.names}
        if not members:
            continue
        for i in infos:
            if i is p:
                continue
            mine = set(classes[i.fullname]["all"])
            if not members <= mine:
                continue
            ok = len(members) >= 3
            if not ok:
                try:
                    from mypy.typevars import fill_typevars

                    a, b = fill_typevars(i), fill_typevars(p)
                    ok = is_subtype(a, b, ignore_type_params=True)
                except Exception as error:
                    print("subtype?", i.fullname, p.fullname, error)
            if ok:
                implements.add((i.fullname, p.fullname))
    Path(out).write_bytes(pickle.dumps({"files": files, "classes": classes, "implements": sorted(implements)}))
    print(
        len(files), "files", len(classes), "classes", len(implements), "implementations", len(result.errors), "errors"
    )


if __name__ == "__main__":
    main(sys.argv[1])
