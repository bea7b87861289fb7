"""Splits words that say the requester was told from the reason they were told of (A24, S5)."""

import re

_WHO = r"(?:诉求人|来电人|反映人|投诉人|举报人|当事人|求助人|市民|群众|对方|本人|先生|女士|其)"
_WITH = r"(?:向|和|与|跟|同|对|给|将|把)"
_WAY = r"(?:电话|去电|致电|打电话|当面|上门|见面|短信|书面|微信|网上|口头)"
_SAY = r"(?:告知|告诉|说明|讲明|解释|答复|回复|通知|沟通|联系|商定|知晓|知悉|知情|同意|理解|认可|谅解)"
_ALREADY = r"(?:(?:并|且|也|均|都|现|我单位|我局|我们)*(?:已经|已|业已))"
#: says it of the requester by name, or of nobody and nothing else but the extension
_TOLD = re.compile(
    rf"(?:{_WHO}(?:并|且|也|均|都)*(?:{_ALREADY}|表示).*?{_SAY}.*"
    rf"|{_ALREADY}.*?{_WHO}.*|{_ALREADY}(?=.*{_SAY})(?!.*{_WHO})(?:通过|{_WAY}|{_WITH}|进行|发|告知|告诉|说明|讲明|解释)"
    rf"(?:{_WITH}|{_WAY}|{_SAY}|进行|先行|延期|办理|处理|原因|情况|理由|进展|事项|事宜|清楚|完毕|了|过|的|并)*"
    rf"|{_ALREADY}(?:通过)?{_WAY}(?:过|了)?)[！!。.\s]*"
)
_SAID = re.compile(_SAY + "|" + _WAY)
_NOT_YET = re.compile(r"未|没|尚|不|无人|打不通|关机|将要|拟|准备")
_CLAUSE = re.compile(r"([^，,。；;、\n]+)([，,。；;、\n]*)")
_EDGE = "，,。；;、 \t\r\n　并且"


def split_told(text: str) -> tuple[str, str]:
    """Return the reason without the words that say the requester was told, and those words ("" if there are none)."""
    kept, told = [], []
    for clause, mark in _CLAUSE.findall(text):
        begin = _find_told(clause)
        if begin is None:
            kept.append(clause + mark)
            continue
        kept.append(clause[:begin] + mark)
        told.append(clause[begin:])
    if not told:
        return text, ""
    return re.sub(r"([，,。；;、\n])[，,。；;、\n]+", r"\1", "".join(kept)).strip(_EDGE), "，".join(told)


def _find_told(clause: str) -> int | None:
    """Return where a clause begins to say that the requester was told."""
    for found in re.finditer(rf"{_WHO}|{_ALREADY}", clause):
        tail = clause[found.start() :]
        if _TOLD.fullmatch(tail) and _SAID.search(tail) and not _NOT_YET.search(tail):
            return found.start()
    return None
