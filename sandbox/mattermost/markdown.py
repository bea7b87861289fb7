"""Reads a message as Mattermost's clients do: what it shows, and what in it would format, link or mention."""

import re

ZERO_WIDTH = "\u200b"
#: shown without its backslash; a doubled backslash is one unless a letter follows
_ESCAPE = re.compile(r"\\([`*{}\[\]()#+\-.!_>|~]|\\(?!\w))")
#: what readers do not see after a mark that begins something, and before an indent
_PARTING = re.compile(r"(?<=[@#~:;&<=\\])\u200b|^\u200b(?= {4}|\t)", re.M)

#: before escapes are taken away: the clients' own grammar of lines and of words
_MARKUP = {
    "heading": re.compile(r"^ *#{1,6} ", re.M),
    "underlined": re.compile(r"^[^\n]+\n *(=|-){2,} *$", re.M),
    "rule": re.compile(r"^( *[-*_]){3,} *$", re.M),
    "quote": re.compile(r"^ *>", re.M),
    "list": re.compile(r"^ *(?:[*+-]|\d+\.) +\S", re.M),
    "code block": re.compile(r"^(?: {4}|\t)\S|^ *(`{3,}|~{3,})", re.M),
    "table": re.compile(r"^ *\|?.*(?<!\\)\|.*\n *\|?[-: ]+(?<!\\)\|", re.M),
    "code": re.compile(r"(?<![\\`])(`+)(?!`)[\s\S]*?[^`]\1(?!`)"),
    "strong": re.compile(r"(?<!\\)\*\*[\s\S]+?(?<!\\)\*\*|(?<![\\\w])__[\s\S]+?(?<!\\)__"),
    "emphasis": re.compile(r"(?<![\\*])\*[^\s*][\s\S]*?(?<!\\)\*|(?<![\\\w])_[^\s_][\s\S]*?(?<!\\)_(?!\w)"),
    "struck": re.compile(r"(?<!\\)~~(?=\S)[\s\S]*?\S~~"),
    "link": re.compile(r"(?<!\\)!?\[[^\]\\]*\](?:\(|\[)"),
    "angle link": re.compile(r"<(?:[^ >]+(?:@|:/)|www\d{0,3}\.)[^ >]+>"),
    "address": re.compile(
        r"(?<![A-Za-z])[A-Za-z][A-Za-z\d.+-]*:(?:/{1,3}|[^\W_])|www\d{0,3}[.]|[\w.-]+[.][^\W\d_]{2,4}/"
    ),
    "entity": re.compile(r"&#?\w+;"),
}
#: after they are taken away: what is found in the text that is left
_WORDS = {
    "mention": re.compile(r"(?<!\w)@[A-Za-z0-9]"),
    "hashtag": re.compile(r"(?<!\S)#[^\W\d_]"),
    "channel": re.compile(r"(?<!\S)~[A-Za-z0-9]"),
    "emoji": re.compile(r":[a-zA-Z0-9_+-]+:|(?<!\S)(?::-?[)(DPpo|/\]\[]|;-?\)|<3|</3)"),
}


def render(message: str) -> str:
    """Return what a reader sees of a message that holds no markup."""
    return _PARTING.sub("", _ESCAPE.sub(r"\1", message))


def find_markup(message: str) -> list[str]:
    """Return what would not be shown as it stands."""
    found = [name for name, pattern in _MARKUP.items() if pattern.search(message)]
    plain = _ESCAPE.sub(r"\1", message)
    return found + [name for name, pattern in _WORDS.items() if pattern.search(plain)]
