"""Escapes text for Mattermost, whose messages are Markdown: nothing in it formats, links or mentions (FT27)."""

import re

#: parts what would be read together, and is not seen
ZERO_WIDTH = "\u200b"
#: a backslash before these is not shown (mattermost/marked, `inline.escape`)
_ESCAPED = r"`*_{}[]()+-.!|>"
#: mentions, hashtags, channels and emoji are found after backslashes are gone, and a backslash itself is shown before a letter
_PARTED = r"@#~:;&<=\\"
_MARKS = re.compile(rf"([{re.escape(_ESCAPED)}])|([{_PARTED}])")
#: a line that begins so is code
_INDENT = re.compile(r"^(?= {4}|\t)", re.M)


def escape(text: str) -> str:
    """Return Markdown that shows the text as it is; at most twice as long."""
    return _INDENT.sub(ZERO_WIDTH, _MARKS.sub(_mark, text))


def _mark(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else f"{found[2]}{ZERO_WIDTH}"
