"""What people read is written in the catalogues of backend/data/texts, never in a call that speaks to them."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, only_exceptions, sources

CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: Four words in a row; a path, a header or a key has none.
ENGLISH = re.compile(r"(?<![\w/.:-])[A-Za-z][a-z']*(?:,? [A-Za-z]?[a-z']+){3}(?![\w/=-])")
#: Calls that speak to a person, by their last name.
SPEAKING = frozenset((
    "send", "edit", "answer", "say", "says", "tell", "reply", "toast", "Toast", "Card", "Message", "Prompt", "page", "render",
    "render_page", "render_template", "refuse", "Refused", "echo", "secho", "print", "prompt", "confirm", "ask", "option",
    "argument", "command", "group", "Option", "Argument", "Command", "ClickException", "UsageError", "BadParameter",
    "Response", "json_response", "ApiResponse", "HTTPBadRequest", "HTTPForbidden", "HTTPNotFound", "Check", "Finding",
    "notify", "announce", "send_notices", "open_question", "show", "exit", "SystemExit",
))  # fmt: skip
#: Files that speak as somebody else: a network, or a carrier answering us.
OTHERS = ("sandbox/",)


def _list_words(node: ast.AST) -> Iterator[ast.Constant]:
    """The strings of an argument, but not those of calls inside it: each call is looked at by itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from _list_words(child)


def spoken(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files hand a sentence to a call that speaks to a person."""
    for code in codes:
        if code.name.startswith(OTHERS):
            continue
        for node, function in code.nodes:
            if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in SPEAKING:
                continue
            for part in (*node.args, *(keyword.value for keyword in node.keywords)):
                for word in _list_words(part):
                    if CHINESE.search(str(word.value)) or ENGLISH.search(str(word.value)):
                        yield code.breach(word, function, f"{word.value!r}")


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
