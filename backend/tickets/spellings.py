"""Chinese and English spellings of a ticket's category, grade and channel that are accepted in files."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from backend.domain.ticket_enums import Category, Channel, Grade
from backend.tickets.cell_values import fold


def build_spellings(values: type[StrEnum], spellings: Mapping[str, str]) -> Mapping[str, StrEnum]:
    """Map every spelling (and the value itself) to the value. `spellings`: value → other spellings, separated by |."""
    found: dict[str, StrEnum] = {str(word): word for word in values}
    for word, others in spellings.items():
        for other in others.split("|"):
            found[fold(other)] = values(word)
    return found


CATEGORY: Final = build_spellings(
    Category,
    {
        "consult": "咨询|咨询类", "help": "求助|求助类|求决|求决类", "complaint": "投诉|投诉类", "report": "举报|举报类",
        "suggestion": "建议|建议类|意见建议", "praise": "表扬|表扬类|感谢",
    },
)  # fmt: skip
GRADE: Final = build_spellings(Grade, {"general": "一般|普通|一般工单", "urgent": "紧急|加急|紧急工单|急"})
#: With a trade union's own hotline; its profile knows it as a channel (XM4).
CHANNEL: Final[Mapping[str, str]] = {
    **build_spellings(Channel, {
        "phone": "电话|热线|来电|12345热线", "web": "网站|网络|互联网|网上|网页|留言", "wechat": "微信|公众号|微信小程序",
        "app": "客户端|手机客户端", "letter": "信件|来信|信函|邮件", "visit": "来访|走访|上门", "transfer": "转办|转交|110转办|上级转办",
        "other": "其他|其它",
    }),
    "12351": "12351", "12351热线": "12351", "12351职工服务热线": "12351",
}  # fmt: skip
