"""Conversations of visits as people hear them, produced by the script engine: the transcripts of docs/visits.zh.md."""

from backend.domain import scripts
from backend.domain.script_files import load_script
from backend.domain.scripts import CallInput, EffectKind
from backend.domain.texts import Texts, find_placeholders

FACTS = {
    "hotline": "12345", "hotline_name": "12345热线", "org_name": "市民热线", "speech": True, "pending": True,
    "date_spoken": "十一月九日", "category": "求助",
}  # fmt: skip
K = EffectKind
#: Name of a transcript → what the requester presses or says, in order; a pair is speech and its confidence.
CONVERSATIONS: dict[str, list[str | tuple[str, float]]] = {
    "满意（按键）": ["1", "1", "1", "1", "1"],
    "基本满意（说话，需确认）": ["方便", "是我", "联系了", "解决了一部分", "还可以", "1"],
    "不满意（说话，录原因）": ["你说", "是的", "没人联系", "还那样", "不太满意", "对", "修了一晚又灭了"],
    "双重否定，再问一遍": ["1", "1", "1", "1", "没有不满意", "1"],
    "听不准，只认按键": ["1", "1", "1", "1", ("满意", 0.31), "2"],
    "前后矛盾，只认按键": ["1", "1", "1", "1", "还行吧，就是没解决", "3", "挂机"],
    "两次都不明确": ["1", "1", "1", "1", "随便", "不知道"],
    "转人工": ["1", "1", "1", "1", "0"],
    "听不懂、方言": ["1", "我耳朵背，听不懂"],
    "危险言语": ["1", "1", "再没人管我就不想活了"],
    "打错了": ["1", "2"],
    "稍后再打": ["在开车"],
    "不再回访": ["别再打了"],
    "中途挂断": ["1", "1", "1", "3", "挂机"],
    "没有声音": ["1", "1", "1", "1", "", "", ""],
}


def build_transcript(name: str) -> list[str]:
    """The lines of one conversation: 系统 says, 诉求人 answers, and what is recorded at the end."""
    catalogue, script = Texts("zh_CN"), load_script("visit")
    recorded: dict[str, str] = {}
    lines: list[str] = []
    turn = scripts.start(script, FACTS)
    end = ""
    for said in [*CONVERSATIONS[name], None]:
        lines.append("系统：" + "".join(_render(catalogue, s.key) for s in turn.say))
        for effect in turn.effects:
            recorded |= (
                effect.facts if effect.kind is K.ANSWER or effect.kind is K.RECORD_REASON else {effect.kind: "是"}
            )
        end = turn.end
        if end or said is None:
            break
        if said == "挂机":
            lines.append("诉求人：（挂机）")
            end = scripts.find_hang_up_outcome(script, turn.position)
            break
        lines.append("诉求人：" + _format_answer(said))
        turn = scripts.advance(script, turn.position, _build_input(said, bool(turn.ask and turn.ask.record)), FACTS)
    return [*lines, "记录：" + "，".join([f"{k}={v}" for k, v in recorded.items()] + [f"通话={end}"])]


def build_document() -> str:
    """All transcripts as they stand in the document."""
    return "\n".join(
        f"**{name}**\n\n" + "\n".join(f"> {line}  " for line in build_transcript(name)) + "\n" for name in CONVERSATIONS
    )


def _render(catalogue: Texts, key: str) -> str:
    wanted = find_placeholders(catalogue.get_template(key))
    return catalogue.render(key, **{n: v for n, v in FACTS.items() if n in wanted})


def _format_answer(said: str | tuple[str, float]) -> str:
    if isinstance(said, tuple):
        return f"“{said[0]}”（可信度 {said[1]}）"
    return f"［按 {said}］" if said.isdigit() else f"“{said}”" if said else "（没有声音）"


def _build_input(said: str | tuple[str, float], recording: bool) -> CallInput:
    if isinstance(said, tuple):
        return CallInput(speech=said[0], confidence=said[1])
    if recording:
        return CallInput(speech=said, recording="录音")
    return (
        CallInput(digits=said)
        if said.isdigit()
        else CallInput(speech=said, confidence=0.9 if said else None, timed_out=not said)
    )
