"""What people read is written in the catalogues of backend/data/texts, never in a call that speaks to them."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

import pytest

from tests.house.origins import list_assigned
from tests.house.source import Breach, Source, only_exceptions, sources

CHINESE = re.compile(r"[\u3400-\u9fff]")
#: A word, in a text cut at white space: no path, header, key or number; joined words count as one.
WORD = re.compile(r"[\"'(]?[A-Za-z][A-Za-z'’-]*[\"')]?[,.;:!?]?")
FEWEST_WORDS = 4
#: Calls that speak to a person, by their last name.
SPEAKING = frozenset((
    "send", "edit", "answer", "say", "says", "tell", "reply", "toast", "Toast", "Card", "Message", "Prompt", "page", "render",
    "render_page", "render_template", "refuse", "Refused", "echo", "secho", "print", "prompt", "confirm", "ask", "option",
    "argument", "command", "group", "Option", "Argument", "Command", "ClickException", "UsageError", "BadParameter",
    "Response", "json_response", "ApiResponse", "HTTPBadRequest", "HTTPForbidden", "HTTPNotFound", "Check", "Finding",
    "notify", "announce", "send_notices", "open_question", "show", "exit", "SystemExit", "write",
))  # fmt: skip
#: Files that speak as somebody else: a network, or a carrier answering us.
OTHERS = ("sandbox/",)


def is_sentence(text: str) -> bool:
    """Whether a text is Chinese, or has four English words, with numbers and names between them."""
    return bool(CHINESE.search(text)) or sum(bool(WORD.fullmatch(part)) for part in text.split()) >= FEWEST_WORDS


def _list_texts(node: ast.AST, known: Mapping[str, str]) -> Iterator[tuple[ast.AST, str]]:
    """The texts of an argument, also those behind a name or formatted at once; other calls are looked at by themselves."""
    match node:
        case ast.Constant(value=str(text)):
            yield node, text
        case ast.Name(id=name) if name in known:
            yield node, known[name]
        case ast.JoinedStr(values=parts):
            yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()) as text), args=args):
            for part in (text, *args):
                yield from _list_texts(part, known)
        case ast.Call():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _list_texts(child, known)


def _list_known(code: Source) -> dict[str, str]:
    """The names of a file that stand for a text, with those of them that are sentences."""
    return {
        name: text
        for node, _ in code.nodes
        for name, value in list_assigned(node)
        for _, text in _list_texts(value, {})
        if is_sentence(text)
    }


def is_speaking(name: str) -> bool:
    """Whether a call of this name speaks to a person: `send`, and `send_text` too."""
    return name in SPEAKING or name.partition("_")[0] in SPEAKING - {"page", "open"}


def spoken(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files hand a sentence to a call that speaks to a person."""
    for code in codes:
        if code.name.startswith(OTHERS):
            continue
        known, origins = _list_known(code), code.origin_of
        for node, function in code.nodes:
            if not isinstance(node, ast.Call):
                continue
            called = origins.get(id(node.func), ast.unparse(node.func)).rpartition(".")[2]
            if not is_speaking(called):
                continue
            for part in (*node.args, *(keyword.value for keyword in node.keywords)):
                for text_node, text in _list_texts(part, known):
                    if is_sentence(text):
                        yield code.breach(text_node, function, f"{text!r}")


def test_no_call_speaks_a_sentence_of_its_own() -> None:
    only_exceptions("sentences", spoken(sources()), "give it a key in backend/data/texts")


@pytest.mark.parametrize(
    "text",
    [
        "await channel.send(chat, '工单已签收')\n",
        "raise Refused('bad_field', why='it must be a number')\n",
        "click.echo(f'{count} tickets were imported from it')\n",
        "click.echo('Done. ' + f'All rows were read, {n} of them')\n",
        "return conversation.toast(text='Somebody else was first')\n",
        "return render('page.html', {'title': 'Tickets of the day, all'})\n",
        "raise click.ClickException('there is no such ticket')\n",
        "@click.option('--dry-run', help='Only show what would happen')\ndef f(): ...\n",
        "say = texts.render('x', reason='不合理' if x else '')\n",
        "return Toast(('Somebody else was first',))\n",
        "click.echo(f'there are {n} rows and {m} more')\n",
        "click.echo('ALL ROWS WERE READ')\n",
        "click.echo('Imported 12 rows, skipped 3 of them')\n",
        "click.echo('{} rows were read today'.format(n))\n",
        "click.echo(' '.join(['all rows were read', n]))\n",
        "text = 'all rows were read'\nclick.echo(text)\n",
        "DONE = f'{n} rows were read today'\ndef f():\n    click.echo(DONE)\n",
        "from click import echo as e\ne('all rows were read')\n",
        "await chat.send_text('a read-only office is open')\n",
        "sys.stdout.write('all rows were read')\n",
    ],
)
def test_a_sentence_in_a_call_is_found(text: str) -> None:
    assert len(list(spoken([Source("bot/actions/plant.py", text)]))) == 1


@pytest.mark.parametrize(
    "text",
    [
        'def send():\n    """Send what is due to the people who wait for it."""\n',
        "log.warning('the carrier did not answer in time')\n",
        "raise ValueError('no ids at hand: refill first')\n",
        "click.echo(texts.render('cli.imported', n=count))\n",
        "click.echo(f'{no} {state} {unit}')\n",
        "channel.send(chat, get(query='select id, no, state from tickets'))\n",
        "return Response(headers={'Cache-Control': 'no-store, max-age=0, private'}, content_type='text/html')\n",
    ],
)
def test_a_word_of_the_catalogue_is_let_be(text: str) -> None:
    assert not list(spoken([Source("bot/actions/plant.py", text)]))
