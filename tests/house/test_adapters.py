"""Adapters translate and forward: which state, grade or role may do what is decided below them."""

import ast
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from jinja2 import Environment, nodes

from backend.domain.ticket_enums import Grade, Outcome, Role, State
from tests.house.source import ROOT, Breach, Source, name_of, only_exceptions, sources

ENGINE = Environment(autoescape=True)
ENGINE.tests |= dict.fromkeys(("urgent", "unsigned", "late", "void"), bool)
ADAPTERS = ("bot", "backend/web", "backend/cli", "backend/rehearsal")
KINDS = (State, Grade, Role)
MEMBERS = tuple(f"backend.domain.ticket_enums.{kind.__name__}." for kind in KINDS)
VALUES = {word for kind in KINDS for value in kind for word in (str(value), value.name)}
#: How a field of these kinds is called, and what has states of its own.
FIELDS = frozenset(("state", "grade", "role"))
OTHER_STATES = frozenset(("project",))
#: What reads a part of the word, or the word behind it.
SAME_WORD = frozenset(("value", "name", "lower", "strip", "casefold"))
PARTS = frozenset(("startswith", "endswith"))
#: Tests of templates that compare.
COMPARING = frozenset(("eq", "equalto", "==", "ne", "!=", "in", "sameas"))


def _names(node: ast.AST) -> list[str]:
    """The names of an expression: `request`, `actor`, `role` of `request.actor.role`, of `str(…)` around it too."""
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return [name]
        case ast.Attribute(value=value, attr=attr) if attr in SAME_WORD and _names(value)[-1] in FIELDS:
            return _names(value)
        case ast.Attribute(value=value, attr=attr):
            return [*_names(value), attr]
        case ast.Subscript(value=value, slice=part):
            return [*_names(value), *_names(part)]
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[part, *_]):
            return [*_names(value), *_names(part)]
        case ast.Call(args=[part]) | ast.Call(func=part):
            return _names(part)
    return [""]


def _is_field(node: ast.AST, aliases: Iterable[str] = ()) -> bool:
    names = _names(node)
    is_named = names[-1] in FIELDS or (isinstance(node, ast.Name) and node.id in aliases)
    return is_named and not isinstance(node, ast.Constant) and not OTHER_STATES & {*names[:-1]}


def _constants(node: ast.AST) -> set[object]:
    """The constants of an expression, or of a collection of them."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return {part.value for part in parts if isinstance(part, ast.Constant)}


@cache
def _is_collection(origin: str) -> bool:
    """Whether this dotted name of ours is a collection of states, grades or roles, or a table by them."""
    try:
        found = pkgutil.resolve_name(origin) if origin.startswith(("backend.", "bot.")) else None
    except (ImportError, AttributeError, ValueError):
        return False
    return isinstance(found, (frozenset, set, tuple, list, dict)) and any(isinstance(one, KINDS) for one in found)


def judged(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files compare a state, a grade or a role, look one up, or list those for which something holds."""
    for code in codes:
        members, collections = set(), set()
        for node, _, origin in code.origins:
            if origin.startswith(MEMBERS):
                members.add(id(node))
            elif _is_collection(origin):
                collections.add(id(node))
        aliases = {
            target.id
            for node, _ in code.nodes
            if isinstance(node, (ast.Assign, ast.NamedExpr)) and _is_field(node.value)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node, function in code.nodes:
            if id(node) in collections or _judges(node, members, aliases):
                yield code.breach(node, function, ast.unparse(node).partition("\n")[0])


def _judges(node: ast.AST, members: set[int], aliases: set[str]) -> bool:
    """Whether this node is a judgement, given the nodes that are members of the kinds, and other names of fields."""

    def is_member(one: ast.AST | None) -> bool:
        return one is not None and any(id(part) in members for part in ast.walk(one))

    match node:
        case ast.Compare(left=left, comparators=others, ops=ops):
            sides = [left, *others]
            words = set().union(*map(_constants, sides))
            is_listed = isinstance(ops[0], (ast.In, ast.NotIn)) and not words
            is_asked = any(_is_field(side, aliases) for side in sides) and (words & VALUES or is_listed)
            return bool(is_asked) or any(map(is_member, sides))
        case ast.Match(subject=subject, cases=cases):
            values = [part for one in cases for part in ast.walk(one.pattern) if isinstance(part, ast.MatchValue)]
            is_field = _is_field(subject, aliases)
            return any(is_member(one.value) or (_constants(one.value) & VALUES and is_field) for one in values)
        case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(keys=parts):
            return any(map(is_member, parts))
        case ast.Subscript(slice=key) | ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
            return is_member(key) or _is_field(key, aliases)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in PARTS:
            return _is_field(value, aliases)
        case ast.Call(args=args):  # operator.eq and its like
            return any(map(is_member, args)) and any(_is_field(one, aliases) for one in args)
    return False


def judged_in_templates(templates: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these templates (name, text) compare the state, grade, role or outcome of a ticket with a word of the domain."""
    words = VALUES | {str(value) for value in Outcome}
    for name, text in templates:
        tree = ENGINE.parse(text)
        aliases = {
            one.target.name
            for one in tree.find_all(nodes.Assign)
            if isinstance(one.target, nodes.Name) and _field_of(one.node) is not None
        }
        for node in tree.find_all((nodes.Compare, nodes.Test, nodes.Getitem, nodes.Call, nodes.Filter)):
            sides, said = _compared(node)
            field = next((found for side in sides if (found := _field_of(side, aliases))), None)
            if field is not None and (said is None or said & words):
                yield Breach(name, "<template>", node.lineno, f"{field} against {sorted(map(str, said or ()))}")


def same_person_in_templates(templates: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these templates compare who is signed in with somebody: who may be the second person, the service says."""
    for name, text in templates:
        for node in ENGINE.parse(text).find_all((nodes.Compare, nodes.Test)):
            for one in node.find_all((nodes.Getattr, nodes.Getitem)):
                attr = one.attr if isinstance(one, nodes.Getattr) else getattr(one.arg, "value", None)
                if attr == "code" and isinstance(one.node, nodes.Name) and one.node.name == "actor":
                    yield Breach(name, "<template>", node.lineno, "actor.code is compared")


def _compared(node: nodes.Node) -> tuple[list[nodes.Expr], set[object] | None]:
    """What is compared, and the words it is compared with (None: any)."""
    said: set[object] = {constant.value for constant in node.find_all(nodes.Const)}
    said |= {one.attr for one in node.find_all(nodes.Getattr) if one.attr.isupper()}
    match node:
        case nodes.Compare():
            return [node.expr, *(one.expr for one in node.ops)], said
        case nodes.Test() if node.name in COMPARING:
            return [node.node, *node.args], said
        case nodes.Filter(name="selectattr" | "rejectattr"):
            return [nodes.Name(one.value, "load") for one in node.args if isinstance(one, nodes.Const)], said
        case nodes.Getitem():
            return [node.arg], None
        case nodes.Call(node=nodes.Getattr(attr=attr)) if attr in PARTS:
            return [node.node.node], None
    return [], said


def _field_of(node: nodes.Expr, aliases: Iterable[str] = ()) -> str | None:
    """The name of the field an expression reads, through filters; None if it reads none."""
    while isinstance(node, nodes.Filter) and node.name in ("string", "lower", "trim") and node.node is not None:
        node = node.node
    names = {part.name for part in node.find_all(nodes.Name)}
    match node:
        case nodes.Getattr(attr=last) | nodes.Getitem(arg=nodes.Const(value=last)) | nodes.Name(name=last):
            is_field = last in (*FIELDS, "outcome") or (isinstance(node, nodes.Name) and last in aliases)
            return str(last) if is_field and not OTHER_STATES & names else None
    return None


def _templates() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "backend" / "web").rglob("*.html")):
        yield name_of(file), file.read_text("utf-8")


def test_adapters_do_not_judge_a_state_a_grade_or_a_role() -> None:
    found = [
        *judged(sources(*ADAPTERS)), *judged_in_templates(_templates()), *same_person_in_templates(_templates()),
    ]  # fmt: skip
    only_exceptions("adapters", found, "ask the service below, or let it refuse")


HEAD = "from backend.domain import move_table, ticket_enums\nfrom backend.domain.ticket_enums import Grade as G, Role, State\n"


@pytest.mark.parametrize(
    "text",
    [
        "x = ticket.state.name == 'CLOSED'\n",
        "import operator as o\nx = o.eq(view.state, State.CLOSED)\n",
        "x = view.ticket.state is State.CLOSED\n",
        "x = G.URGENT == grade\n",
        "x = actor.role != ticket_enums.Role.ADMIN\n",
        "x = actor.role in (Role.ADMIN, None)\n",
        "x = role not in {Role.ADMIN}\n",
        "ALLOWED = frozenset({Role.ADMIN})\n",
        "x = [Role.ADMIN, Role.AUDITOR]\n",
        "x = Role.ADMIN, Role.AUDITOR\n",
        "x = actor.role in tickets.EDITORS\n",
        "x = role in EDITORS\n",
        "x = role in tuple(Role)\n",
        "x = state not in row.from_states\n",
        "x = not move_table.HANDLING.isdisjoint(states)\n",
        "from backend.domain.move_table import NEW as FRESH\nx = FRESH & {a.state}\n",
        "x = [a for a in assignments if a.state in HANDLING]\n",
        "x = item.ticket.grade == 'urgent'\n",
        "x = 'admin' != str(actor.role)\n",
        "x = actor.role.value == 'admin'\n",
        "x = ticket.state.startswith('revisit')\n",
        "word = a.state\nx = word == 'pending_sign' or word == 'dispatched'\n",
        "x = (word := a.state) and word in ('closed', 'archived')\n",
        "x = row['state'] in ('closed', 'archived')\n",
        "x = row.get('grade') == 'urgent'\n",
        "x = {Role.ADMIN: 1}[actor.role]\n",
        "x = {'admin': 1}.get(actor.role, 0)\n",
        "x = FORMS[snap.ticket.state]\n",
        "x = counts.get(State.CLOSED.value, 0)\n",
        "x = counts[State.CLOSED]\n",
        "match snap.ticket.state:\n    case State.CLOSED | State.MERGED:\n        x = 1\n",
        "match actor.role:\n    case 'admin':\n        x = 1\n",
        "match snap:\n    case Snapshot(state=State.CLOSED):\n        x = 1\n",
    ],
)
def test_a_judgement_is_found(text: str) -> None:
    assert list(judged([Source("bot/actions/plant.py", HEAD + text)]))


@pytest.mark.parametrize(
    "text",
    [
        "x = service.list(State.CLOSED)\n",
        "x = Actor('operator', Role.ADMIN)\n",
        "x = list(State)\n",
        "x = move_table.is_allowed(actor.role, 'sign')\n",
        "x = row['state'], query.get('role')\n",
        "x = delivery.state == 'pending'\n",
        "x = project.state == 'closed'\n",
        "x = actor.role is None\n",
        "x = role in (None, person.role)\n",
        "x = name == 'admin'\n",
        "x: dict[Role, str] = build()\n",
    ],
)
def test_forwarding_is_let_be(text: str) -> None:
    assert not list(judged([Source("bot/actions/plant.py", HEAD + text)]))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("{{ all|selectattr('state', 'equalto', 'closed')|list }}", True),
        ("{% if ticket.state == State.CLOSED %}!{% endif %}", True),
        ('{% if ticket.grade == "urgent" %}!{% endif %}', True),
        ('{% if "closed" == a.state and may %}!{% endif %}', True),
        ('{% if a["state"] == "closed" %}!{% endif %}', True),
        ('{% if a.state|string == "closed" %}!{% endif %}', True),
        ('{% set word = a.state %}{% if word == "closed" %}!{% endif %}', True),
        ('{% if actor.role is eq("admin") %}!{% endif %}', True),
        ('{% if actor.role is in ["admin", "auditor"] %}!{% endif %}', True),
        ('{{ {"urgent": "!"}[ticket.grade] }}', True),
        ('{% if a.state.startswith("revisit") %}!{% endif %}', True),
        ('{{ "late" if d.outcome in ("late", "auto") }}', True),
        ('{% for a in all if a.state != "dispatched" %}{% endfor %}', True),
        ('{% if project.state == "closed" %}!{% endif %}', False),
        ('{% if d.state == "pending" %}{{ ticket.grade|word("grade") }}{% endif %}', False),
        ('{% if ticket.grade is urgent %}{{ t("state_" ~ a.state) }}{{ a["state"] }}{% endif %}', False),
    ],
)
def test_a_judgement_in_a_template_is_found(text: str, is_found: bool) -> None:
    assert bool(list(judged_in_templates([("plant.html", text)]))) is is_found


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("{% if may and x.by != actor.code %}!{% endif %}", True),
        ("{% if not x.by == actor.code %}!{% endif %}", True),
        ('{% if x.by is ne(actor["code"]) %}!{% endif %}', True),
        ("{% if actor.code in x.readers %}!{% endif %}", True),
        ("{{ names[actor.code] }}{% if x.may_decide %}!{% endif %}", False),
        ("{% if unit.code == actor.unit %}!{% endif %}", False),
    ],
)
def test_a_second_person_rule_in_a_template_is_found_XD4(text: str, is_found: bool) -> None:
    assert bool(list(same_person_in_templates([("plant.html", text)]))) is is_found
