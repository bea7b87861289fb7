"""Adapters translate and forward: which state, grade or role may do what is decided below them."""

import ast
from collections.abc import Iterable, Iterator

import pytest
from jinja2 import Environment, nodes

from backend.domain.ticket import Grade, Outcome, Role, State
from tests.house.origins import list_origins
from tests.house.source import ROOT, Breach, Source, name_of, only_exceptions, sources

ENGINE = Environment(autoescape=True)
ADAPTERS = ("bot", "backend/web", "backend/cli")
MEMBERS = tuple(f"backend.domain.ticket.{kind.__name__}" for kind in (State, Grade, Role))
VALUES = {str(value) for kind in (State, Grade, Role) for value in kind}
#: How a field of these kinds is called, and what has states of its own.
FIELDS = frozenset(("state", "grade", "role"))
OTHER_STATES = frozenset(("project",))


def _names(node: ast.AST) -> list[str]:
    """The names of an expression: `request`, `actor`, `role` of `request.actor.role`, of `str(…)` around it too."""
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return [name]
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
        members = {id(node) for node, _, origin in list_origins(code) if origin.startswith(MEMBERS)}
        constants = {
            target.id
            for node, _ in code.nodes
            if isinstance(node, ast.Assign) and any(id(part) in members for part in ast.walk(node.value))
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        }

        def is_member(node: ast.AST, members: set[int] = members, constants: set[str] = constants) -> bool:
            return any(
                id(part) in members or (isinstance(part, ast.Name) and part.id in constants) for part in ast.walk(node)
            )

        for node, function in code.nodes:
            match node:
                case ast.Compare(left=left, comparators=others, ops=ops):
                    sides = [left, *others]
                    words = set().union(*map(_constants, sides))
                    named = any(_is_field(_names(side)) for side in sides if not isinstance(side, ast.Constant))
                    is_listed = isinstance(ops[0], (ast.In, ast.NotIn)) and any(
                        isinstance(one, ast.Attribute) for one in sides
                    )
                    is_asked = named and (words & VALUES or (is_listed and not words))
                    if is_asked or any(map(is_member, sides)):
                        yield code.breach(node, function, ast.unparse(node))
                case ast.Match(subject=subject, cases=cases):
                    values = [
                        part for one in cases for part in ast.walk(one.pattern) if isinstance(part, ast.MatchValue)
                    ]
                    if any(
                        is_member(one.value) or (_constants(one.value) & VALUES and _is_field(_names(subject)))
                        for one in values
                    ):
                        yield code.breach(node, function, f"match {ast.unparse(subject)}")


def judged_in_templates(templates: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these templates (name, text) compare the state, grade, role or outcome of a ticket with a word of the domain."""
    words = VALUES | {str(value) for value in Outcome}
    for name, text in templates:
        for node in ENGINE.parse(text).find_all(nodes.Compare):
            fields = [
                one for one in (node.expr, *(o.expr for o in node.ops)) if isinstance(one, (nodes.Getattr, nodes.Name))
            ]
            said = {constant.value for constant in node.find_all(nodes.Const)}
            for field in fields:
                names = [part.name for part in field.find_all(nodes.Name)]
                last = field.attr if isinstance(field, nodes.Getattr) else field.name
                if last in (*FIELDS, "outcome") and said & words and not OTHER_STATES & {*names}:
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
        ('{% if project.state == "closed" %}!{% endif %}', False),
        ('{% if d.state == "pending" %}{{ ticket.grade|word("grade") }}{% endif %}', False),
    ],
)
def test_a_judgement_in_a_template_is_found(text: str, is_found: bool) -> None:
    assert bool(list(judged_in_templates([("plant.html", text)]))) is is_found
