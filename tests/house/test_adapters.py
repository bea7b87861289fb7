"""Adapters translate and forward: which state, grade or role may do what is decided below them."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

import pytest
from jinja2 import Environment, nodes

from backend.domain.ticket import Grade, Outcome, Role, State
from tests.house.origins import list_assigned
from tests.house.source import ROOT, Breach, Source, name_of, only_exceptions, sources

ENGINE = Environment(autoescape=True)
ADAPTERS = ("bot", "backend/web", "backend/cli")
MEMBERS = tuple(f"backend.domain.ticket.{kind.__name__}" for kind in (State, Grade, Role))
VALUES = {word for kind in (State, Grade, Role) for value in kind for word in (str(value), value.name)}
#: Methods and functions that compare as an operator does.
TESTING = frozenset((
    "startswith", "endswith", "__eq__", "__ne__", "__contains__", "issubset", "issuperset", "isdisjoint", "intersection",
    "index", "count", "operator.eq", "operator.ne", "operator.is_", "operator.contains",
))  # fmt: skip
#: A set of states that a table of the domain holds.
DOMAIN_SET = re.compile(r"backend\.domain\.\w+\.[A-Z][A-Z_]+")
#: How a field of these kinds is called, and what has states of its own.
FIELDS = frozenset(("state", "grade", "role"))
OTHER_STATES = frozenset(("project",))


def _names(node: ast.AST) -> list[str]:
    """The names of an expression: `request`, `actor`, `role` of `request.actor.role`, of `str(…)` around it too."""
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return [name]
        case ast.Attribute(value=value, attr="name" | "value"):
            return _names(value)
        case ast.Attribute(value=value, attr=name):
            return [*_names(value), name]
        case ast.Subscript(value=value, slice=part):
            return [*_names(value), *_names(part)]
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[part, *_]):
            return [*_names(value), *_names(part)]
        case ast.Call(args=[part]) | ast.Call(func=part):
            return _names(part)
    return [""]


def _is_field(names: list[str]) -> bool:
    return names[-1] in FIELDS and not OTHER_STATES & {*names[:-1]}


def _constants(node: ast.AST) -> set[object]:
    """The constants of an expression, or of a collection of them."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return {part.value for part in parts if isinstance(part, ast.Constant)}


def judged(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files compare a state, a grade or a role, or look whether it is one of several."""
    for code in codes:
        origins = code.origin_of
        members = {node for node, origin in origins.items() if origin.startswith(MEMBERS)}
        constants = {
            target.id
            for node, _ in code.nodes
            if isinstance(node, ast.Assign) and any(id(part) in members for part in ast.walk(node.value))
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        }
        fields = {name for node, _ in code.nodes for name, value in list_assigned(node) if _is_field(_names(value))}

        def is_member(node: ast.AST, members: set[int] = members, constants: set[str] = constants) -> bool:
            return any(
                id(part) in members or (isinstance(part, ast.Name) and part.id in constants) for part in ast.walk(node)
            )

        def is_field(node: ast.AST, fields: set[str] = fields) -> bool:
            return _is_field(_names(node)) or (isinstance(node, ast.Name) and node.id in fields)

        def is_compared(sides: list[ast.expr], is_listed: bool, origins: dict[int, str] = origins) -> bool:
            words: set[object] = set().union(*map(_constants, sides))
            if any(is_member(side) for side in sides):
                return True
            if not any(is_field(side) for side in sides if not isinstance(side, ast.Constant)):
                return False
            sets = any(
                isinstance(one, ast.Attribute) or DOMAIN_SET.fullmatch(origins.get(id(one), "")) for one in sides
            )
            return bool(words & VALUES or (is_listed and sets and not words))

        for node, function in code.nodes:
            match node:
                case ast.Compare(left=left, comparators=others, ops=ops):
                    if is_compared([left, *others], isinstance(ops[0], (ast.In, ast.NotIn))):
                        yield code.breach(node, function, ast.unparse(node))
                case ast.BinOp(left=left, op=ast.BitAnd() | ast.Sub(), right=right):
                    if is_member(left) or is_member(right):
                        yield code.breach(node, function, ast.unparse(node))
                case ast.Call(func=func, args=args):
                    called = origins.get(id(func), func.attr if isinstance(func, ast.Attribute) else "")
                    sides = [*args, func.value] if isinstance(func, ast.Attribute) else args
                    texts = {word for word in set().union(*map(_constants, sides)) if isinstance(word, str)}
                    is_part = called.endswith("swith") and any(value.startswith(tuple(texts)) for value in VALUES)
                    is_asked = is_part and any(map(is_field, sides))
                    if called in TESTING and (is_compared(sides, True) or is_asked):
                        yield code.breach(node, function, ast.unparse(node))
                case ast.Match(subject=subject, cases=cases):
                    values = [
                        part for one in cases for part in ast.walk(one.pattern) if isinstance(part, ast.MatchValue)
                    ]
                    if any(
                        is_member(one.value) or (_constants(one.value) & VALUES and is_field(subject)) for one in values
                    ):
                        yield code.breach(node, function, f"match {ast.unparse(subject)}")


def _last_name(node: nodes.Node, known: Mapping[str, str]) -> str:
    """The field a template reads: `state` of `ticket.state`, `ticket["state"]`, `ticket.state|string`, or set to a name."""
    match node:
        case nodes.Filter() | nodes.Test():
            return _last_name(node.node, known) if node.node is not None else ""
        case nodes.Getattr():
            return str(node.attr)
        case nodes.Getitem(arg=nodes.Const()):
            return str(node.arg.value)
        case nodes.Name():
            return known.get(node.name, node.name)
    return ""


def judged_in_templates(templates: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these templates (name, text) compare the state, grade, role or outcome of a ticket with a word of the domain."""
    words = VALUES | {str(value) for value in Outcome}
    for name, text in templates:
        tree = ENGINE.parse(text)
        set_names = [one for one in tree.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)]
        known = {one.target.name: _last_name(one.node, {}) for one in set_names}
        for node in tree.find_all((nodes.Compare, nodes.Test, nodes.Filter)):
            said = {constant.value for constant in node.find_all(nodes.Const)}
            said |= {one.attr for one in node.find_all(nodes.Getattr) if one.attr.isupper()}
            match node:
                case nodes.Compare():
                    fields = [node.expr, *(one.expr for one in node.ops)]
                case nodes.Test():
                    fields = [node.node]
                case nodes.Filter(name="selectattr" | "rejectattr"):
                    fields = [nodes.Name(one.value, "load") for one in node.args if isinstance(one, nodes.Const)]
                case _:
                    continue
            for field in fields:
                owners = {part.name for part in field.find_all(nodes.Name)}
                last = _last_name(field, known)
                if last in (*FIELDS, "outcome") and said & words and not OTHER_STATES & owners:
                    yield Breach(name, "<template>", node.lineno, f"{last} against {sorted(map(str, said))}")


def _templates() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "backend" / "web").rglob("*.html")):
        yield name_of(file), file.read_text("utf-8")


def test_adapters_do_not_judge_a_state_a_grade_or_a_role() -> None:
    found = [*judged(sources(*ADAPTERS)), *judged_in_templates(_templates())]
    only_exceptions("adapters", found, "ask the service below, or let it refuse")


HEAD = "from backend.domain import ticket\nfrom backend.domain.ticket import Grade as G, Role, State\n"


@pytest.mark.parametrize(
    "text",
    [
        "x = view.ticket.state is State.CLOSED\n",
        "x = G.URGENT == grade\n",
        "x = actor.role != ticket.Role.ADMIN\n",
        "x = actor.role in (Role.ADMIN, None)\n",
        "x = role not in {Role.ADMIN}\n",
        "ALLOWED = frozenset({Role.ADMIN})\nx = role in ALLOWED\n",
        "x = actor.role in tickets.EDITORS\n",
        "x = state not in row.from_states\n",
        "x = [a for a in assignments if a.state in HANDLING]\n",
        "x = item.ticket.grade == 'urgent'\n",
        "x = 'admin' != str(actor.role)\n",
        "x = row['state'] in ('closed', 'archived')\n",
        "x = row.get('grade') == 'urgent'\n",
        "match snap.ticket.state:\n    case State.CLOSED | State.MERGED:\n        x = 1\n",
        "match actor.role:\n    case 'admin':\n        x = 1\n",
        "x = ticket.state.name == 'CLOSED'\n",
        "x = ticket.state.value == State.CLOSED.value\n",
        "closed = State.CLOSED\nx = ticket.state is closed\n",
        "from backend.domain.move_table import WITH_UNIT as W\nx = ticket.state in W\n",
        "from backend.domain.move_table import WITH_UNIT\ns = ticket.state\nx = s in WITH_UNIT\n",
        "s = ticket.state\nx = s == 'closed'\n",
        "x = {ticket.state} & {State.CLOSED}\n",
        "import operator as o\nx = o.eq(ticket.state, State.CLOSED)\n",
        "x = frozenset({Role.ADMIN}).__contains__(actor.role)\n",
        "x = {ticket.state}.isdisjoint({State.CLOSED})\n",
        "x = str(ticket.state).startswith('revisit_')\n",
        "match snap:\n    case Snapshot(state=State.CLOSED):\n        x = 1\n",
    ],
)
def test_a_judgement_is_found(text: str) -> None:
    assert len(list(judged([Source("bot/actions/plant.py", HEAD + text)]))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x = {Role.ADMIN: 1}[actor.role]\n",
        "x = service.list(State.CLOSED)\n",
        "x = delivery.state == 'pending'\n",
        "x = project.state == 'closed'\n",
        "x = actor.role is None\n",
        "x = name == 'admin'\n",
    ],
)
def test_forwarding_is_let_be(text: str) -> None:
    assert not list(judged([Source("bot/actions/plant.py", HEAD + text)]))


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('{% if ticket.grade == "urgent" %}!{% endif %}', True),
        ('{% if "closed" == a.state and may %}!{% endif %}', True),
        ('{{ "late" if d.outcome in ("late", "auto") }}', True),
        ('{% for a in all if a.state != "dispatched" %}{% endfor %}', True),
        ("{% if ticket['state'] == 'closed' %}!{% endif %}", True),
        ("{% if ticket.state|string == 'closed' %}!{% endif %}", True),
        ("{% set s = ticket.state %}{% if s == 'closed' %}!{% endif %}", True),
        ("{% if ticket.state is eq('closed') %}!{% endif %}", True),
        ("{% if ticket.state in ('closed', 'signed') %}!{% endif %}", True),
        ("{{ all|selectattr('state', 'equalto', 'closed')|list }}", True),
        ("{% if ticket.state == State.CLOSED %}!{% endif %}", True),
        ("{% if ticket.state is none %}{{ all|selectattr('name', 'equalto', 'x')|list }}{% endif %}", False),
        ('{% if project.state == "closed" %}!{% endif %}', False),
        ('{% if d.state == "pending" %}{{ ticket.grade|word("grade") }}{% endif %}', False),
    ],
)
def test_a_judgement_in_a_template_is_found(text: str, is_found: bool) -> None:
    assert bool(list(judged_in_templates([("plant.html", text)]))) is is_found
