"""Carries out the rename map: python tools/rename.py RESOLVED.pickle [--only PREFIX ...] [--dry].

RESOLVED is what tools/resolve.py wrote for the tree as it stands. The map is tools/names/*.tsv: kind, old, new, why.
"""

import ast
import io
import keyword
import pickle
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("backend", "bot", "notify", "storage", "sandbox", "tests", "bench")
TEXTS = (".md", ".toml", ".mmd", ".html", ".js", ".css", ".yml", ".typ", ".jsonl", ".json", ".mako", "")
#: words of the private language inside local names, parameters and members: what they become
WORDS: dict[str, str] = dict(
    line.split() for line in (Path(__file__).parent / "words.tsv").read_text().splitlines() if line
)
NEVER = {"tests/house"}


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


@dataclass
class Module:
    name: str
    path: Path
    source: str
    tree: ast.Module
    package: bool
    table: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # name → ("m", module) | ("s", module, name) | ("d",)


@dataclass
class Scope:
    kind: str  # module, class, function, comprehension
    node: ast.AST
    bound: set[str]
    qual: str
    imports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    renames: dict[str, str] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)


def bound_in(node: ast.AST, body: list[ast.AST]) -> tuple[set[str], set[str], list[ast.stmt]]:
    """Names bound directly in this scope, names declared global or nonlocal, and its import statements."""
    names: set[str] = set()
    outer: set[str] = set()
    imports: list[ast.stmt] = []

    def visit(n: ast.AST, comp: bool) -> None:
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(n.name)
            for d in n.decorator_list:
                visit(d, comp)
            if isinstance(n, ast.ClassDef):
                for b in n.bases:
                    visit(b, comp)
            else:
                for d in (*n.args.defaults, *(x for x in n.args.kw_defaults if x)):
                    visit(d, comp)
            return
        if isinstance(n, ast.Lambda):
            return
        if isinstance(n, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            for sub in ast.walk(n):
                if isinstance(sub, ast.NamedExpr):
                    names.add(sub.target.id)
            return
        if isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del)):
            names.add(n.id)
        elif isinstance(n, (ast.Import, ast.ImportFrom)):
            imports.append(n)
            for a in n.names:
                names.add(a.asname or a.name.split(".")[0])
        elif isinstance(n, ast.ExceptHandler) and n.name:
            names.add(n.name)
        elif isinstance(n, (ast.MatchAs, ast.MatchStar)) and n.name:
            names.add(n.name)
        elif isinstance(n, ast.MatchMapping) and n.rest:
            names.add(n.rest)
        elif isinstance(n, (ast.Global, ast.Nonlocal)):
            outer.update(n.names)
        for child in ast.iter_child_nodes(n):
            visit(child, comp)

    for b in body:
        visit(b, False)
    return names - outer, outer, imports


class Renamer:
    def __init__(self, resolved: Any, only: tuple[str, ...]) -> None:
        self.files = resolved["files"]
        self.classes = resolved["classes"]
        self.implements = [tuple(x) for x in resolved["implements"]]
        self.only = only
        self.mods: dict[str, str] = {}
        self.syms: dict[tuple[str, str], str] = {}
        self.attr: dict[tuple[str, str], str] = {}
        self.params: dict[tuple[str, str], str] = {}
        self.locals: dict[tuple[str, str], str] = {}
        self.logs: dict[str, str] = {}
        self.fixtures: dict[str, str] = {}
        self.keep: set[str] = set()
        self.problems: list[str] = []
        self.modules: dict[str, Module] = {}
        self.edits: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self.forced: dict[str, str] = {}

    # -- loading

    def load_tree(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for name in listed:
            path = ROOT / name
            if name.split("/")[0] not in PACKAGES or not path.exists():
                continue
            source = path.read_text("utf-8")
            self.modules[module_of(path)] = Module(
                module_of(path), path, source, ast.parse(source), path.name == "__init__.py"
            )
        for m in self.modules.values():
            names, _, imports = bound_in(m.tree, list(m.tree.body))
            for n in names:
                m.table[n] = ("d",)
            for statement in imports:
                m.table.update(self.bindings(m, statement))

    def bindings(self, m: Module, statement: ast.stmt) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        if isinstance(statement, ast.Import):
            for a in statement.names:
                found[a.asname or a.name.split(".")[0]] = ("m", a.name if a.asname else a.name.split(".")[0])
        elif isinstance(statement, ast.ImportFrom):
            base = self.base_of(m, statement)
            for a in statement.names:
                dotted = f"{base}.{a.name}"
                found[a.asname or a.name] = ("m", dotted) if dotted in self.modules else ("s", base, a.name)
        return found

    def base_of(self, m: Module, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module or ""
        parts = m.name.split(".")
        if not m.package:
            parts = parts[:-1]
        parts = parts[: len(parts) - (statement.level - 1)]
        return ".".join([*parts, *([statement.module] if statement.module else [])])

    def resolve(self, module: str, name: str, depth: int = 0) -> tuple[str, ...] | None:
        """("m", module) or ("s", defining module, name), or None."""
        m = self.modules.get(module)
        if m is None or depth > 8:
            return None
        what = m.table.get(name)
        if what is None:
            dotted = f"{module}.{name}"
            return ("m", dotted) if dotted in self.modules else None
        if what[0] == "d":
            return ("s", module, name)
        if what[0] == "m":
            return what
        return self.resolve(what[1], what[2], depth + 1)

    def load_map(self, entries: list[tuple[str, str, str]]) -> None:
        def chosen(old: str) -> bool:
            return not self.only or any(old == o or old.startswith(o + ".") for o in self.only)

        for kind, old, new in entries:
            if kind == "log":
                self.logs[old] = new
            elif kind == "fixture":
                self.fixtures[old] = new
            elif kind == "force":
                self.forced[old] = new
            elif kind == "keep":
                self.keep.add(old)
            elif not chosen(old):
                continue
            elif kind == "mod":
                if old in self.modules:
                    self.mods[old] = new
                else:
                    self.problems.append(f"mod {old}: no such module")
            elif kind == "sym":
                module, _, name = old.rpartition(".")
                where = self.modules.get(module)
                if where is None or name not in where.table:
                    self.problems.append(f"sym {old}: not found")
                else:
                    self.syms[module, name] = new
            elif kind == "attr":
                cls, _, name = old.rpartition(".")
                if cls not in self.classes or name not in self.classes[cls]["all"]:
                    self.problems.append(f"attr {old}: not found")
                else:
                    self.attr[cls, name] = new
            elif kind == "param":
                func, _, name = old.rpartition(".")
                self.params[func, name] = new
            elif kind == "local":
                func, _, name = old.rpartition(".")
                self.locals[func, name] = new

    # -- words inside names

    def by_words(self, name: str) -> str | None:
        """The name with the retired words in it replaced, or None if there are none."""
        parts = name.split("_")
        after = [WORDS.get(p, p) for p in parts]
        return "_".join(after) if after != parts else None

    @staticmethod
    def by_click(node: ast.AST) -> bool:
        return any(
            "click" in ast.unparse(d) or "command" in ast.unparse(d) for d in getattr(node, "decorator_list", ())
        )

    def words_in_params(self) -> None:
        """Parameters named with retired words, wherever the script can follow their callers."""
        for m in self.modules.values():
            if m.name.startswith("tests"):
                continue

            def walk(node: ast.AST, qual: str) -> None:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        inner = f"{qual}.{child.name}"
                        if not self.by_click(child):
                            used = {n.id for n in ast.walk(child) if isinstance(n, ast.Name)} | {
                                a.arg for a in all_args(child.args)
                            }
                            for a in all_args(child.args):
                                new = self.by_words(a.arg)
                                if new and new not in used:
                                    self.params.setdefault((inner, a.arg), new)
                        walk(child, inner)
                    elif isinstance(child, ast.ClassDef):
                        walk(child, f"{qual}.{child.name}")
                    else:
                        walk(child, qual)

            walk(m.tree, m.name)

    def words_in_members(self) -> list[tuple[str, str, str]]:
        """Members named with retired words that the map does not name."""
        found = []
        for cls, info in self.classes.items():
            if any(b.startswith("pydantic") for b in info["mro"]) or cls in self.keep:
                continue
            for name in info["own"]:
                if (cls, name) in self.attr or f"{cls}.{name}" in self.keep or name.startswith("__"):
                    continue
                new = self.by_words(name)
                if new:
                    found.append((cls, name, new))
        return found

    # -- families of members

    def spread(self) -> None:
        """Members that override or implement each other are renamed together."""
        edges: dict[str, set[str]] = defaultdict(set)
        for name, c in self.classes.items():
            for base in c["mro"][1:]:
                if base in self.classes:
                    edges[name].add(base)
                    edges[base].add(name)
        for one, protocol in self.implements:
            edges[one].add(protocol)
            edges[protocol].add(one)
        methods: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for (func, param), new in list(self.params.items()):
            cls, _, method = func.rpartition(".")
            if cls in self.classes:
                methods[cls, method][param] = new
        for (cls, method), params in methods.items():
            todo, group = [cls], {cls}
            while todo:
                for near in edges[todo.pop()]:
                    if near not in group and method in self.classes[near]["all"]:
                        group.add(near)
                        todo.append(near)
            for c in group - {cls}:
                for param, new in params.items():
                    self.params.setdefault((f"{c}.{method}", param), new)
        by_member: dict[str, set[str]] = defaultdict(set)
        for (cls, name), _ in self.attr.items():
            by_member[name].add(cls)
        for name, starts in by_member.items():
            having = {c for c, info in self.classes.items() if name in info["all"]}
            done: set[str] = set()
            for start in sorted(starts):
                if start in done:
                    continue
                todo, group = [start], {start}
                while todo:
                    for near in edges[todo.pop()]:
                        if near in having and near not in group:
                            group.add(near)
                            todo.append(near)
                done |= group
                wanted = {self.attr[c, name] for c in group if (c, name) in self.attr}
                if len(wanted) > 1:
                    self.problems.append(
                        f"attr {name}: {sorted(wanted)} wanted in one family {sorted(c for c in group if (c, name) in self.attr)}"
                    )
                new = sorted(wanted)[0]
                for c in group:
                    self.attr[c, name] = new
                    others = set(self.classes[c]["all"])
                    if new in others and (c, new) not in self.attr:
                        self.problems.append(f"attr {c}.{name} -> {new}: {new} is there already")

    # -- one file

    def name_new(self, what: tuple[str, ...] | None, local: str) -> str | None:
        """The new local name of a module-level binding called `local`."""
        if what is None:
            return None
        if what[0] == "s":
            new = self.syms.get((what[1], what[2]))
            return new if new and local == what[2] else None
        new = self.mods.get(what[1])
        stem = what[1].rpartition(".")[2]
        return new.rpartition(".")[2] if new and local == stem and new.rpartition(".")[2] != stem else None


class FileVisitor:
    def __init__(self, r: Renamer, m: Module) -> None:
        self.r = r
        self.m = m
        self.lines = m.source.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        _, self.attrs, self.calls = r.files.get(str(m.path.relative_to(ROOT)), ("", {}, {}))
        self.edits: list[tuple[int, int, str]] = []
        self.scopes: list[Scope] = []
        self.in_tests = m.name.startswith("tests")

    def at(self, line: int, col: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:col].decode())

    def edit(self, start: int, end: int, text: str) -> None:
        if self.m.source[start:end] != text:
            self.edits.append((start, end, text))

    def edit_name(self, node: Any, old: str, new: str) -> None:
        start = self.at(node.lineno, node.col_offset)
        assert self.m.source[start : start + len(old)] == old, (
            self.m.path,
            node.lineno,
            old,
            self.m.source[start : start + 20],
        )
        self.edit(start, start + len(old), new)

    def run(self) -> None:
        names, _, _ = bound_in(self.m.tree, list(self.m.tree.body))
        self.scopes = [Scope("module", self.m.tree, names, self.m.name)]
        self.check_collisions()
        for s in self.m.tree.body:
            self.visit(s)

    def check_collisions(self) -> None:
        """Two module-level names that would become one."""
        new: dict[str, str] = {}
        for name in self.m.table:
            after = self.r.name_new(self.r.resolve(self.m.name, name), name) or name
            if after in new and new[after] != name:
                self.r.problems.append(
                    f"{self.m.path.relative_to(ROOT)}: {name} and {new[after]} would both be {after}"
                )
            new[after] = name

    # -- scopes

    def lookup(self, name: str) -> tuple[Scope | None, tuple[str, ...] | None]:
        """The scope that binds the name, and what it is when it is an import or module-level."""
        first = True
        for scope in reversed(self.scopes):
            if scope.kind == "class" and not first:
                continue
            if name in scope.bound:
                if scope.kind == "module":
                    return scope, self.r.resolve(self.m.name, name)
                if name in scope.imports:
                    what = scope.imports[name]
                    return scope, what if what[0] == "m" else self.r.resolve(what[1], what[2])
                return scope, None
            if scope.kind != "comprehension":
                first = False
        return None, None

    def enter(self, kind: str, node: Any, body: list[ast.AST], args: ast.arguments | None, qual: str) -> Scope:
        names, outer, imports = bound_in(node, body)
        scope = Scope(kind, node, set(names), qual, globals=outer)
        if args is not None:
            for a in all_args(args):
                scope.bound.add(a.arg)
        for i in imports:
            scope.imports.update(self.r.bindings(self.m, i))
        if kind in ("function", "comprehension"):
            self.decide(scope, args)
        return scope

    def decide(self, scope: Scope, args: ast.arguments | None) -> None:
        used = {n.id for n in ast.walk(scope.node) if isinstance(n, ast.Name)} | {
            a.arg for a in ast.walk(scope.node) if isinstance(a, ast.arg)
        }
        arg_names = {a.arg for a in all_args(args)} if args is not None else set()
        wanted: dict[str, str] = {}
        for name in sorted(scope.bound):
            if name in scope.imports:
                new = self.r.name_new(self.lookup_import(scope, name), name)
                if new:
                    scope.renames[name] = new
                continue
            new = self.r.params.get((scope.qual, name)) if name in arg_names else self.r.locals.get((scope.qual, name))
            if self.in_tests and name in arg_names and name in self.r.fixtures and self.is_fixture_user(scope.node):
                new = self.r.fixtures[name]
            if not new and not (name in arg_names and (self.in_tests or self.r.by_click(scope.node))):
                new = self.r.by_words(name)
            if new:
                wanted[name] = new
        for name, new in wanted.items():
            if (
                (new in used and new not in wanted)
                or sum(n == new for n in wanted.values()) > 1
                or keyword.iskeyword(new)
            ):
                self.r.problems.append(
                    f"{self.m.path.relative_to(ROOT)}:{getattr(scope.node, 'lineno', 0)} {scope.qual}: {name} -> {new} collides"
                )
                continue
            scope.renames[name] = new

    def is_fixture_user(self, node: ast.AST) -> bool:
        return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
            node.name.startswith("test_") or any("fixture" in ast.unparse(d) for d in node.decorator_list)
        )

    def lookup_import(self, scope: Scope, name: str) -> tuple[str, ...] | None:
        what = scope.imports[name]
        return what if what[0] == "m" else self.r.resolve(what[1], what[2])

    # -- visiting

    def visit(self, n: ast.AST | None) -> None:
        if n is None:
            return
        method = getattr(self, "visit_" + type(n).__name__, None)
        if method is not None:
            method(n)
        else:
            for child in ast.iter_child_nodes(n):
                self.visit(child)

    def visit_all(self, nodes: Any) -> None:
        for n in nodes:
            self.visit(n)

    def def_name(self, n: Any, word: str) -> None:
        """Rename the name of a definition."""
        new = self.binding_new(n.name)
        if new:
            start = self.at(n.lineno, n.col_offset)
            at = re.compile(rf"{word}\s+{re.escape(n.name)}\b").search(self.m.source, start)
            assert at is not None
            self.edit(at.end() - len(n.name), at.end(), new)

    def binding_new(self, name: str) -> str | None:
        scope = self.scopes[-1]
        if name in scope.globals:
            what_scope, what = self.lookup(name)
            return self.r.name_new(what, name) if what_scope and what_scope.kind == "module" else None
        if scope.kind == "module":
            fixture = self.r.fixtures.get(name) if self.in_tests else None
            return fixture or self.r.name_new(self.r.resolve(self.m.name, name), name)
        if scope.kind == "class":
            return self.r.attr.get((scope.qual, name))
        return scope.renames.get(name)

    def visit_FunctionDef(self, n: Any) -> None:
        self.visit_all(n.decorator_list)
        self.def_name(n, "def")
        for a in all_args(n.args):
            self.annotation(a.annotation)
        self.annotation(n.returns)
        self.visit_all(n.args.defaults)
        self.visit_all(n.args.kw_defaults)
        qual = f"{self.scopes[-1].qual}.{n.name}"
        scope = self.enter("function", n, n.body, n.args, qual)
        self.scopes.append(scope)
        for a in all_args(n.args):
            if a.arg in scope.renames:
                self.edit_name(a, a.arg, scope.renames[a.arg])
        self.visit_all(n.body)
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, n: ast.Lambda) -> None:
        self.visit_all(n.args.defaults)
        self.visit_all(n.args.kw_defaults)
        scope = self.enter("function", n, [n.body], n.args, self.scopes[-1].qual)
        self.scopes.append(scope)
        for a in all_args(n.args):
            if a.arg in scope.renames:
                self.edit_name(a, a.arg, scope.renames[a.arg])
        self.visit(n.body)
        self.scopes.pop()

    def visit_ClassDef(self, n: ast.ClassDef) -> None:
        self.visit_all(n.decorator_list)
        self.def_name(n, "class")
        self.visit_all(n.bases)
        for k in n.keywords:
            self.visit(k.value)
        names, outer, imports = bound_in(n, list(n.body))
        scope = Scope("class", n, names, f"{self.scopes[-1].qual}.{n.name}", globals=outer)
        for c in (scope.qual, f"{scope.qual}@{n.lineno}"):
            if c in self.r.classes:
                scope.qual = c
                break
        self.scopes.append(scope)
        self.visit_all(n.body)
        self.scopes.pop()

    def comprehension(self, n: Any, parts: list[ast.AST]) -> None:
        self.visit(n.generators[0].iter)
        names: set[str] = set()
        for g in n.generators:
            names |= {x.id for x in ast.walk(g.target) if isinstance(x, ast.Name)}
        scope = Scope("comprehension", n, names, self.scopes[-1].qual)
        self.decide(scope, None)
        self.scopes.append(scope)
        for i, g in enumerate(n.generators):
            self.visit(g.target)
            if i:
                self.visit(g.iter)
            self.visit_all(g.ifs)
        self.visit_all(parts)
        self.scopes.pop()

    def visit_ListComp(self, n: Any) -> None:
        self.comprehension(n, [n.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, n: Any) -> None:
        self.comprehension(n, [n.key, n.value])

    def visit_Name(self, n: ast.Name) -> None:
        scope, what = self.lookup(n.id)
        new = None
        if scope is None:
            return
        if scope.kind == "module":
            new = self.r.name_new(what, n.id)
        elif scope.kind == "class":
            new = self.r.attr.get((scope.qual, n.id))
        else:
            new = scope.renames.get(n.id)
        if new:
            self.edit_name(n, n.id, new)

    def visit_AnnAssign(self, n: ast.AnnAssign) -> None:
        self.visit(n.target)
        self.annotation(n.annotation)
        self.visit(n.value)

    def visit_Assign(self, n: ast.Assign) -> None:
        for t in n.targets:
            if isinstance(t, ast.Name) and t.id == "__all__":
                self.exports(n.value)
            if isinstance(t, ast.Name) and t.id == "__slots__":
                for c in ast.walk(n.value):
                    if isinstance(c, ast.Constant) and (new := self.r.attr.get((self.scopes[-1].qual, c.value))):
                        self.edit(self.at(c.lineno, c.col_offset) + 1, self.at(c.end_lineno, c.end_col_offset) - 1, new)
        if isinstance(n.value, ast.Subscript) and ast.unparse(n.value.value).split(".")[-1] in (
            "Callable",
            "Sequence",
            "Mapping",
            "Awaitable",
        ):
            self.annotation(n.value)
            self.visit_all(n.targets)
            return
        self.visit_all(n.targets)
        self.visit(n.value)

    def exports(self, value: ast.expr) -> None:
        for c in ast.walk(value):
            if isinstance(c, ast.Constant) and isinstance(c.value, str):
                new = self.r.name_new(self.r.resolve(self.m.name, c.value), c.value)
                if new:
                    self.edit(self.at(c.lineno, c.col_offset) + 1, self.at(c.end_lineno, c.end_col_offset) - 1, new)

    def annotation(self, n: ast.expr | None) -> None:
        if n is None:
            return
        literal = {
            id(c)
            for s in ast.walk(n)
            if isinstance(s, ast.Subscript) and ast.unparse(s.value).endswith("Literal")
            for c in ast.walk(s.slice)
        }
        for c in ast.walk(n):
            if isinstance(c, ast.Constant) and isinstance(c.value, str) and id(c) not in literal:
                self.string_type(c)
        self.visit(n)

    def string_type(self, c: ast.Constant) -> None:
        start, end = self.at(c.lineno, c.col_offset), self.at(c.end_lineno or 0, c.end_col_offset or 0)
        text = self.m.source[start:end]

        def swap(found: re.Match[str]) -> str:
            scope, what = self.lookup(found[0])
            return (self.r.name_new(what, found[0]) if scope is not None else None) or found[0]

        self.edit(start, end, re.sub(r"\b[A-Za-z_]\w*\b", swap, text))

    def visit_Attribute(self, n: ast.Attribute) -> None:
        self.visit(n.value)
        new = self.attribute_new(n)
        if new:
            end = self.at(n.end_lineno or 0, n.end_col_offset or 0)
            assert self.m.source[end - len(n.attr) : end] == n.attr
            self.edit(end - len(n.attr), end, new)

    def module_at(self, n: ast.expr) -> str | None:
        """The module an expression names, if it names one."""
        if isinstance(n, ast.Name):
            scope, what = self.lookup(n.id)
            return what[1] if what and what[0] == "m" else None
        if isinstance(n, ast.Attribute):
            base = self.module_at(n.value)
            return f"{base}.{n.attr}" if base and f"{base}.{n.attr}" in self.r.modules else None
        return None

    def attribute_new(self, n: ast.Attribute) -> str | None:
        module = self.module_at(n.value)
        if module is not None and module in self.r.modules:
            what = self.r.resolve(module, n.attr)
            return self.r.name_new(what, n.attr)
        if module is not None and module.split(".")[0] not in PACKAGES:
            return None
        if (
            isinstance(n.value, ast.Name)
            and self.m.table.get(n.value.id, ("",))[0] == "s"
            and self.m.table[n.value.id][1].split(".")[0] not in PACKAGES
        ):
            return None
        key = (n.lineno, n.col_offset, n.end_lineno or 0, n.end_col_offset or 0)
        name, owners, anything = self.attrs.get(key, (n.attr, [], True))
        wanted = {self.r.attr[o, n.attr] for o in owners if (o, n.attr) in self.r.attr}
        if len(wanted) == 1:
            if any((o, n.attr) not in self.r.attr and o in self.r.classes for o in owners):
                self.r.problems.append(
                    f"{self.m.path.relative_to(ROOT)}:{n.lineno} .{n.attr}: some of {owners} keep it"
                )
            return wanted.pop()
        if len(wanted) > 1:
            self.r.problems.append(f"{self.m.path.relative_to(ROOT)}:{n.lineno} .{n.attr}: {sorted(wanted)}")
            return None
        if anything and not [o for o in owners if o in self.r.classes]:
            if isinstance(n.value, ast.Name) and n.value.id in ("self", "cls"):
                for scope in reversed(self.scopes):
                    if scope.kind == "class":
                        got = self.own(scope.qual, n.attr)
                        if got:
                            return got
                        break
            sure = self.r.sure.get(n.attr)
            if sure and self.m.name.split(".")[0] in ("tests", "bench"):
                return sure
            if n.attr in self.r.names_in_map:
                self.r.unsure[n.attr].append(f"{self.m.path.relative_to(ROOT)}:{n.lineno} {ast.unparse(n)[:60]}")
        return None

    def own(self, cls: str, name: str) -> str | None:
        info = self.r.classes.get(cls)
        for base in info["mro"] if info else [cls]:
            if (base, name) in self.r.attr:
                return self.r.attr[base, name]
        return None

    def visit_Call(self, n: ast.Call) -> None:
        self.visit(n.func)
        self.visit_all(n.args)
        key = (n.lineno, n.col_offset, n.end_lineno or 0, n.end_col_offset or 0)
        callees = self.calls.get(key, [])
        for k in n.keywords:
            if k.arg:
                new = self.keyword_new(callees, k.arg)
                if new:
                    self.edit_name(k, k.arg, new)
            self.visit(k.value)
        unparsed = ast.unparse(n.func)
        if unparsed in ("cast", "typing.cast") and n.args and isinstance(n.args[0], ast.Constant):
            self.string_type(n.args[0])
        if unparsed in (
            "getattr",
            "setattr",
            "hasattr",
            "delattr",
            "attrgetter",
            "monkeypatch.setattr",
        ) or unparsed.endswith("attrgetter"):
            for a in n.args:
                if isinstance(a, ast.Constant) and a.value in self.r.names_in_map:
                    self.r.problems.append(f"{self.m.path.relative_to(ROOT)}:{n.lineno} by name: {ast.unparse(n)[:90]}")
        if (
            (
                unparsed.startswith("log.")
                or "log.bind" in unparsed
                or unparsed.endswith(("get_logger", "_log.info", "log.info"))
            )
            and n.args
            and isinstance(n.args[0], ast.Constant)
        ):
            new = self.r.logs.get(n.args[0].value)
            if new:
                self.edit(
                    self.at(n.args[0].lineno, n.args[0].col_offset) + 1,
                    self.at(n.args[0].end_lineno, n.args[0].end_col_offset) - 1,
                    new,
                )

    def keyword_new(self, callees: list[str], name: str) -> str | None:
        wanted = set()
        for c in callees:
            kind, full = c[0], c[2:]
            if kind == "F":
                new = self.r.params.get((full, name))
            else:
                new = None
                info = self.r.classes.get(full)
                for base in info["mro"] if info else [full]:
                    if (f"{base}.__init__", name) in self.r.params:
                        new = self.r.params[f"{base}.__init__", name]
                        break
                    if (
                        base in self.r.classes
                        and "__init__" in self.r.classes[base]["own"]
                        and (base, name) not in self.r.attr
                    ):
                        break
                    if (base, name) in self.r.attr:
                        new = self.r.attr[base, name]
                        break
            if new:
                wanted.add(new)
        if len(wanted) > 1:
            self.r.problems.append(f"{self.m.path.relative_to(ROOT)} keyword {name}: {wanted}")
        return sorted(wanted)[0] if wanted else None

    def visit_MatchClass(self, n: ast.MatchClass) -> None:
        self.visit(n.cls)
        what = None
        if isinstance(n.cls, ast.Name):
            _, what = self.lookup(n.cls.id)
        elif isinstance(n.cls, ast.Attribute) and (module := self.module_at(n.cls.value)):
            what = self.r.resolve(module, n.cls.attr)
        start, end = self.at(n.lineno, n.col_offset), self.at(n.end_lineno, n.end_col_offset)
        if what and what[0] == "s":
            for a in n.kwd_attrs:
                new = self.own(f"{what[1]}.{what[2]}", a)
                if new:
                    found = re.compile(rf"[(,]\s*{re.escape(a)}\s*=").search(self.m.source, start, end)
                    if found:
                        at = self.m.source.index(a, found.start())
                        self.edit(at, at + len(a), new)
        self.visit_all(n.patterns)
        self.visit_all(n.kwd_patterns)

    def visit_MatchAs(self, n: ast.MatchAs) -> None:
        self.visit(n.pattern)
        if n.name:
            new = self.binding_new(n.name)
            if new:
                end = self.at(n.end_lineno, n.end_col_offset)
                self.edit(end - len(n.name), end, new)

    def visit_ExceptHandler(self, n: ast.ExceptHandler) -> None:
        self.visit(n.type)
        if n.name and (new := self.binding_new(n.name)):
            start = self.at(n.lineno, n.col_offset)
            found = re.compile(rf"\bas\s+{re.escape(n.name)}\s*:").search(self.m.source, start)
            if found:
                at = self.m.source.index(n.name, found.start() + 2)
                self.edit(at, at + len(n.name), new)
        self.visit_all(n.body)

    def visit_Import(self, n: ast.Import) -> None:
        for a in n.names:
            if a.name in self.r.mods:
                if not a.asname:
                    self.r.problems.append(f"{self.m.path.relative_to(ROOT)}:{n.lineno} import {a.name}")
                self.edit_name(a, a.name, self.r.mods[a.name])

    def visit_ImportFrom(self, n: ast.ImportFrom) -> None:
        base = self.r.base_of(self.m, n)
        if base.split(".")[0] not in PACKAGES:
            return
        if n.level:
            self.r.problems.append(f"{self.m.path.relative_to(ROOT)}:{n.lineno} relative import")
            return
        groups: dict[str, list[str]] = defaultdict(list)
        changed = False
        for a in n.names:
            dotted = f"{base}.{a.name}"
            name, module = a.name, self.r.mods.get(base, base)
            if (
                dotted in self.r.modules and a.name not in self.r.modules[base].table
                if base in self.r.modules
                else dotted in self.r.modules
            ):
                target = self.r.mods.get(dotted, dotted)
                module, _, name = target.rpartition(".")
            elif base in self.r.modules:
                what = self.r.resolve(base, a.name)
                if what and what[0] == "s" and (what[1], what[2]) in self.r.syms and what[2] == a.name:
                    name = self.r.syms[what[1], what[2]]
                elif what and what[0] == "m":
                    name = self.r.name_new(what, a.name) or a.name
            local = a.asname
            groups[module].append(f"{name} as {local}" if local and local != name else name)
            changed |= (module, name) != (base, a.name)
        if not changed:
            return
        start, end = self.at(n.lineno, n.col_offset), self.at(n.end_lineno, n.end_col_offset)
        indent = " " * n.col_offset
        comments = re.findall(r"#.*", self.m.source[start:end])
        text = f"\n{indent}".join(
            f"from {module} import {', '.join(names)}"
            if sum(map(len, names)) < 70
            else f"from {module} import (\n{indent}    " + f",\n{indent}    ".join(names) + f",\n{indent})"
            for module, names in groups.items()
        )
        if comments:
            text += "  " + comments[0]
        self.edit(start, end, text)


def all_args(args: ast.arguments) -> list[ast.arg]:
    return [
        *args.posonlyargs,
        *args.args,
        *([args.vararg] if args.vararg else []),
        *args.kwonlyargs,
        *([args.kwarg] if args.kwarg else []),
    ]


def text_pattern(
    mods: dict[str, str], syms: dict[tuple[str, str], str], packages: dict[str, str]
) -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern of every old path and dotted name, and what each becomes."""
    table: dict[str, str] = {}
    for old, new in {**packages, **mods}.items():
        table[old] = new
        table[old.replace(".", "/") + ".py"] = new.replace(".", "/") + ".py"
        table[old.replace(".", "/")] = new.replace(".", "/")
    alternatives = "|".join(re.escape(k) for k in sorted(table, key=len, reverse=True))
    return re.compile(rf"(?<![\w./])({alternatives})(?!\w|\.\w|/\w)") if table else re.compile(r"(?!x)x"), table


def apply(source: str, edits: list[tuple[int, int, str]]) -> str:
    out, last = [], 0
    for start, end, text in sorted(set(edits)):
        assert start >= last, ("overlap", source[start:end], text)
        out += [source[last:start], text]
        last = end
    return "".join([*out, source[last:]])


def backticks(text: str, words: dict[str, str]) -> str:
    """Renamed class names inside backticks, and CamelCase ones anywhere in prose."""

    def swap(found: re.Match[str]) -> str:
        return re.sub(r"[A-Za-z_]\w*", lambda w: words.get(w[0], w[0]), found[0])

    return re.sub(r"`[^`\n]+`", swap, text)


def main() -> None:
    args = sys.argv[1:]
    dry = "--dry" in args
    args = [a for a in args if a != "--dry"]
    resolved = pickle.loads(Path(args[0]).read_bytes())
    only = tuple(args[args.index("--only") + 1 :]) if "--only" in args else ()
    r = Renamer(resolved, only)
    r.load_tree()
    entries = []
    for file in [ROOT / "tools" / "names.tsv"]:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            cells = line.split("\t")
            if not line.strip() or line.startswith("#"):
                continue
            if len(cells) < 3:
                r.problems.append(f"{file.name}:{number}: {line[:80]}")
                continue
            entries.append((cells[0].strip(), cells[1].strip(), cells[2].strip()))
    r.load_map(entries)
    r.words_in_params()
    r.spread()
    extra = r.words_in_members()
    Path("/tmp/rename_members.txt").write_text("".join(f"{c}.{n}\t{w}\n" for c, n, w in extra))
    for c, n, w in extra:
        if not r.only or any(c == o or c.startswith(o + ".") for o in r.only):
            r.attr[c, n] = w
    r.spread()
    new_by_name: dict[str, set[str]] = defaultdict(set)
    for (_, name), new in r.attr.items():
        new_by_name[name].add(new)
    r.names_in_map = set(new_by_name)
    r.unsure = defaultdict(list)
    keeps = {n for c, info in r.classes.items() for n in info["own"] if (c, n) not in r.attr}
    r.sure = {n: next(iter(v)) for n, v in new_by_name.items() if len(v) == 1 and n not in keeps} | r.forced
    visitors = []
    for m in r.modules.values():
        v = FileVisitor(r, m)
        v.run()
        visitors.append(v)
    report = Path("/tmp/rename_report.txt")
    with report.open("w") as out:
        print("PROBLEMS", len(r.problems), file=out)
        print("\n".join(sorted(set(r.problems))), file=out)
        print("\nUNSURE", sum(map(len, r.unsure.values())), file=out)
        for n, places in sorted(r.unsure.items()):
            print(n, new_by_name[n], len(places), *places[:40], sep="\n    ", file=out)
    print(
        "problems",
        len(set(r.problems)),
        "unsure",
        sum(map(len, r.unsure.values())),
        "edits",
        sum(len(v.edits) for v in visitors),
    )
    if dry:
        return
    pattern, table = text_pattern(r.mods, r.syms, {})
    class_words = {old: new for (module, old), new in r.syms.items() if old[:1].isupper() and not old.isupper()}
    clash = defaultdict(set)
    for (module, old), new in r.syms.items():
        clash[old].add(new)
    class_words = {k: v for k, v in class_words.items() if len(clash[k]) == 1}
    for v in visitors:
        edits = list(v.edits)
        taken = sorted((s, e) for s, e, _ in edits)
        source = v.m.source
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in (tokenize.STRING, tokenize.COMMENT) and token.type != getattr(
                tokenize, "FSTRING_MIDDLE", -1
            ):
                continue
            start = v.starts[token.start[0] - 1] + token.start[1]
            end = v.starts[token.end[0] - 1] + token.end[1]
            text = re.sub(
                r"\b([a-z_.]+):([a-z_]+)\b",
                lambda f: f"{f[1]}:{r.syms.get((f[1], f[2]), f[2])}" if f[1] in r.modules else f[0],
                source[start:end],
            )
            text = pattern.sub(lambda f: table[f[1]], text)
            if token.type == tokenize.COMMENT or source[start:end].startswith(('"""', 'r"""')):
                text = backticks(text, class_words)
            if text != source[start:end] and not any(s < end and start < e for s, e in taken):
                edits.append((start, end, text))
        after = apply(source, edits)
        if after != source:
            v.m.path.write_text(after, "utf-8")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in listed:
        path = ROOT / name
        if (
            not name
            or name.startswith("tools/")
            or path.suffix not in TEXTS
            or path.suffix == ".py"
            or not path.is_file()
        ):
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        after = pattern.sub(lambda f: table[f[1]], text)
        if path.suffix == ".md":
            after = backticks(after, class_words)
        if after != text:
            path.write_text(after, "utf-8")
    for old, new in r.mods.items():
        source = r.modules[old].path
        package = r.modules[old].package and (
            any(f.is_file() and f.suffix != ".py" for f in source.parent.iterdir())
            or any(n.startswith(new + ".") for n in [*r.mods.values(), *r.modules])
        )
        target = ROOT / (new.replace(".", "/") + ("/__init__.py" if package else ".py"))
        if source == target:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise SystemExit(f"{target} exists already ({old})")
        if package:
            for data in [f for f in source.parent.iterdir() if f.is_file() and f.suffix != ".py"]:
                subprocess.run(["git", "mv", str(data), str(target.parent / data.name)], cwd=ROOT, check=True)
        subprocess.run(["git", "mv", str(source), str(target)], cwd=ROOT, check=True)
    for line in (ROOT / "tools" / "packages.tsv").read_text("utf-8").splitlines():
        name, _, sign = line.partition("\t")
        folder = ROOT / name.replace(".", "/")
        if folder.is_dir() and any(folder.glob("*.py")) and not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text(f'"""{sign}"""\n', "utf-8")
    print("done")


if __name__ == "__main__":
    main()
