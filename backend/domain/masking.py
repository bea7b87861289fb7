"""Masks personal data in text before it leaves the system: numbers, names, addresses (practice 0.9, 5.5, G23).

Mask first, cut afterwards: a cut number is no longer recognised. Every pattern here reads a text once, in linear
time. It hides too much rather than too little: a long account number goes, an amount of ten digits may stay.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

PHONE_MASK: Final = "138****1234"
_STARS: Final = "****"

# --- hostile characters ------------------------------------------------------------------------------------------
# NUL and controls (kept: tab, line feed), soft hyphen, zero width, direction marks and overrides, tag characters,
# lone surrogates.
_HOSTILE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    """Remove NUL, lone surrogates, controls, direction overrides and zero-width characters; line ends become `\\n`."""
    if text.isascii() and text.isprintable():
        return text
    return _HOSTILE.sub("", _LINE_ENDS.sub("\n", text))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last of them `…` if something is left out; cut after a sentence or a comma
    if one is in the last third. Masked text only: never cut first and mask later."""
    if len(text) <= limit:
        return text
    if limit <= 1:
        return "…"[:limit]
    end = limit - 1
    for signs in ("。！？；\n", "，、, "):
        place = max(text.rfind(sign, end - end // 3, end) for sign in signs)
        if place > 0:
            return text[: place + 1].rstrip() + "…"
    # Do not separate a base character from its combining marks.
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in "\ufe0f\u200d" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end] + "…"


# --- numbers -----------------------------------------------------------------------------------------------------
_D: Final = r"[\d\u24ea\u2460-\u2468]"  # digits of every script, circled ones too
_SEP: Final = r"[ \t\n\u00a0\u2002-\u200a\u3000\-‐‑‒–—―－−_.．·•()（）]"
_RUN: Final = re.compile(rf"\+?{_D}(?:{_SEP}{{0,3}}{_D}){{4,}}[xXｘＸ]?")
_COMMAS: Final = re.compile(rf"(?<!{_D})[1１][3-9３-９]{_D}[,，、/／]{_D}{{4}}[,，、/／]{_D}{{4}}(?!{_D})")
_SPOKEN: Final = re.compile(r"[零〇一二三四五六七八九幺两]{7,}")
# The patterns below see digits already made ASCII.
_GROUP: Final = re.compile(r"[0-9]+")
_ALONE: Final = re.compile(r"(?<![0-9])(?:1[3-9][0-9]{9}|[0-9]{17}[0-9xX]|[0-9]{15,19})(?![0-9])")
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_DAY: Final = r"(?:19|20)[0-9]{2}[-./·－—](?:0?[1-9]|1[0-2])[-./·－—](?:0?[1-9]|[12][0-9]|3[01])"
_DAYS: Final = re.compile(rf"{_DAY}(?:{_SEP}{{1,3}}(?:{_DAY}|(?:[01]?[0-9]|2[0-4])(?![0-9])))*")
_PHONE_WORDS: Final = re.compile(
    r"(?:电话|手机|联系|致电|拨打|热线|座机|号码|微信|传真|[qQ]{2}|tel|phone|call)[^0-9]{0,8}$", re.IGNORECASE
)


@lru_cache(maxsize=16)
def _shape(phone_mask: str) -> tuple[int, str, int]:
    """Return (digits kept in front, stars, digits kept behind) of an example such as 138****1234.

    Raises ValueError for a mask that shows more than seven digits or has no stars between.
    """
    shape = re.fullmatch(r"([0-9]*)(\*+)([0-9]*)", phone_mask)
    if shape is None or len(shape[1]) + len(shape[3]) > 7:
        raise ValueError(phone_mask)
    return len(shape[1]), shape[2], len(shape[3])


def to_ascii_digits(raw: str) -> str:
    """Convert digits of any script to ASCII digits, place by place."""
    if raw.isascii():
        return raw
    return "".join(
        str(int(unicodedata.digit(sign))) if unicodedata.digit(sign, None) is not None else sign for sign in raw
    )


def mask_phone(number: str, phone_mask: str = PHONE_MASK) -> str:
    """Mask one telephone number as 138****1234; the country code +86 and separators are left out.

    Raises ValueError for a mask that hides too little.
    """
    head, stars, tail = _shape(phone_mask)
    digits = "".join(_GROUP.findall(to_ascii_digits(number)))
    if len(digits) > 11:
        digits = digits.removeprefix("00").removeprefix("86") if digits.startswith(("86", "0086")) else digits
    if len(digits) < 11:
        head, tail = min(head, len(digits) // 4), min(tail, len(digits) // 3)
    return digits[:head] + stars + (digits[-tail:] if tail else "")


def _stars_and(digits: str, kept: int) -> str:
    return _STARS + digits[-kept:]


def _segment(raw: str, before: str, phone_mask: str, strict: bool) -> str:
    """Mask a stretch of digits and separators in which no group by itself is a known kind of number."""
    plain = to_ascii_digits(raw)
    groups = _GROUP.findall(plain)
    digits = "".join(groups)
    count = len(digits)
    if count < 5:
        return raw
    tail = "" if plain[-1].isdigit() or plain[-1] in "xXｘＸ" else raw[len(raw.rstrip(" \t\n-._·()（）")) :]
    if strict:
        return _STARS + tail
    if _DAYS.fullmatch(plain.strip()) and not (count == 11 and _MOBILE.fullmatch(digits)):
        return raw
    longest = max(map(len, groups))
    if count >= 11 and _MOBILE.search(digits):
        known = count == 11 or (digits.startswith(("86", "0086")) and count in (13, 15))
        return (mask_phone(digits, phone_mask) if known else _stars_and(digits, 4)) + tail
    dense = count >= 3 * len(groups) or longest == 1
    if longest >= 11 or (count >= 15 and dense) or (plain[0] in "+＋" and count >= 8):
        return _stars_and(digits, 0 if count in (15, 17, 18) else 4) + tail
    if digits[0] == "0" and 10 <= count <= 12 and dense:
        area = len(groups[0]) if len(groups[0]) in (3, 4) else (3 if digits[1] in "12" else 4)
        return digits[:area] + _stars_and(digits, 4 if count - area > 7 else 3) + tail
    if count >= 7 and _PHONE_WORDS.search(before):
        return _stars_and(digits, 4 if count > 7 else 3) + tail
    return raw


def _numbers(text: str, phone_mask: str, strict: bool) -> str:
    def run(hit: re.Match[str]) -> str:
        raw, plain = hit[0], to_ascii_digits(hit[0])
        before = text[max(0, hit.start() - 12) : hit.start()]
        parts: list[str] = []
        place = 0
        for alone in _ALONE.finditer(plain):
            parts.append(
                _segment(raw[place : alone.start()], before, phone_mask, strict) if alone.start() > place else ""
            )
            if len(alone[0]) == 11:
                parts.append(mask_phone(alone[0], phone_mask))
            else:  # 15 and 18: identity numbers, of which nothing is shown; else a bank card
                parts.append(_STARS * 2 if len(alone[0]) in (15, 17, 18) else _stars_and(alone[0], 4))
            place = alone.end()
        if place < len(raw):
            parts.append(_segment(raw[place:], before, phone_mask, strict))
        return "".join(parts)

    text = _COMMAS.sub(lambda hit: mask_phone(hit[0], phone_mask), text)
    return _SPOKEN.sub(_STARS, _RUN.sub(run, text))


# --- names -------------------------------------------------------------------------------------------------------
_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff"
_SURNAME: Final = (
    r"(?:欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|司空|夏侯|端木|"
    r"[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟"
    r"姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎闫薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武莫孔汤向常温康施文牛樊葛邢"
    r"安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛"
    r"靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬])"
)
#: Surnames common enough to trust before a title that also ends ordinary words (项目经理, 班主任, 给老师).
_COMMON: Final = r"[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘董袁余叶蒋杜苏魏程吕丁沈姚卢傅钟姜崔谭廖范汪陆贾韦夏]"
_TITLED: Final = re.compile(
    rf"{_SURNAME}[{_HAN}]{{0,2}}?(?=先生|女士|小姐|师傅|大爷|大妈|大姐|阿姨)"
    rf"|{_COMMON}[{_HAN}]{{0,2}}?(?=同志|老师|医生|经理|主任|老板)"
)
#: 我是 and 本人 begin many sentences; a name follows only when a surname does and the sentence stops after it.
_SHORT_NAME: Final = rf"(?={_SURNAME}[{_HAN}]{{1,2}}(?<![人民主户生员长])(?:[，,。；、\s]|$))"
_SAID: Final = re.compile(
    rf"(我叫|我名叫|本人叫|名叫|我的名字叫|我的名字是|(?:我是|本人){_SHORT_NAME})([{_HAN}])([{_HAN}·]{{1,3}})"
)
_LABEL: Final = re.compile(
    rf"((?:(?:姓\s?名|联系人|申请人|投诉人|举报人|诉求人|来电人|反映人)(?:[：:]|是|为|\s)"
    rf"|(?:当事人|户主|业主|患者|收件人|法定代表人|法人)[：:])\s{{0,3}})"
    rf"(?!电话|手机|方式|信息|号码|地址)([{_HAN}])([{_HAN}·*]{{1,3}})"
)


def mask_name(name: str) -> str:
    """Mask a name as its first character and stars: 张三 → 张*, A00045581 → A****."""
    name = name.strip()
    if not name:
        return ""
    return name[0] + "*" * min(max(len(name) - 1, 1), 4)


@lru_cache(maxsize=512)
def _known(names: tuple[str, ...]) -> re.Pattern[str] | None:
    words = sorted({name.strip() for name in names if len(name.strip()) > 1}, key=len, reverse=True)
    if not words:
        return None
    return re.compile("|".join(r"\s{0,2}".join(map(re.escape, word)) for word in words))


def _names(text: str, known: re.Pattern[str] | None) -> str:
    if known is not None:
        text = known.sub(lambda hit: mask_name(hit[0]), text)

    def said(hit: re.Match[str]) -> str:
        return hit[1] + hit[2] + "*" * len(hit[3])

    text = _LABEL.sub(said, _SAID.sub(said, text))
    return _TITLED.sub(lambda hit: "*" if len(hit[0]) == 1 else hit[0][0] + "*" * (len(hit[0]) - 1), text)


# --- addresses, plates, e-mail -----------------------------------------------------------------------------------
_E: Final = r"(?:[A-Za-zＡ-Ｚ]?\d{1,5}[A-Za-z]?|[A-Za-zＡ-Ｚ]|(?<![另同某每这那第哪])[一二三四五六七八九十]{1,3})"
_DOORS: Final = re.compile(
    rf"(?:{_E}(?:号楼|号院|单元|号门|号房|(?<!一)栋|(?<!一)幢)[-－—]?){{1,4}}(?:\d{{1,5}}(?:号?室|房|户|号)?|{_E}室)?"
    r"|\d{1,5}[A-Za-z]?(?:号室|室|号铺|号房|房(?![地屋价款产]))"
    r"|(?:[A-Za-zＡ-Ｚ]|\d{1,3})座\d{2,5}(?:室|房|号)?"
    r"|\d{1,3}楼\d{2,5}(?:室|房|号)?"
    r"|(?<=[路街巷弄道里村屯组社院区园苑城庭湾府寓同附])\d{1,5}(?:[-－]\d{1,5})?号(?![线文令])"
    r"|(?<=[路街巷弄道里村屯组社院区园苑城庭湾府寓])\d{1,3}[-－—]\d{1,3}[-－—]\d{1,5}"
)
#: A door is what leads to one dwelling; road number, estate, building, staircase and floor are the site of a matter,
#: which those who go there must read (XM13). What stands before the group `door` stays.
_ROOM: Final = r"\d{1,5}[A-Za-z]?(?:号?室|号房|房(?![地屋价款产]))"
_BARE: Final = r"\d{3,5}(?![\d楼层户个人年月日元号度多余平米万栋幢座单次件时分点])|\d{1,2}(?=[，。、；,.;\s)）]|$)"
_AFTER_SITE: Final = (
    rf"{_ROOM}|{_E}室|\d{{1,5}}号(?![线文令楼院门])|\d{{1,4}}[-－—]\d{{1,5}}(?:[-－—]\d{{1,5}})?(?:号?室|房|号)?"
    rf"|\d{{1,5}}户(?=[，。、；,.;\s]|$)|{_BARE}"
)
_DOOR: Final = re.compile(
    rf"(?:号楼|号院|单元|号门|栋|幢|(?<=[A-Za-zＡ-Ｚ\d])座|(?<=\d)楼)[-－—]?(?P<door>{_AFTER_SITE})"
    rf"|(?P<alone>{_ROOM})"
    r"|(?<=[村屯组])(?P<farm>\d{1,5}(?:[-－]\d{1,5})?号)(?![线文令楼院])"
    r"|(?<=[路街巷弄道里村屯组社院区园苑城庭湾府寓])(?P<dashed>\d{1,3}[-－—]\d{1,3}[-－—]\d{1,5})"
)
_DOOR_SIGNS: Final = re.compile(r"[\dA-Za-zＡ-Ｚ一二三四五六七八九十]+")
_PLATE: Final = re.compile(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼楚][A-Za-z])[·.\s]?[A-Za-z0-9]{4,5}[A-Za-z0-9挂学警港澳]"
)
_MAIL: Final = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+[@＠](?=[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


def mask(
    text: str,
    names: Iterable[str] = (),
    *,
    phone_mask: str = PHONE_MASK,
    plates: bool = False,
    strict: bool = False,
) -> str:
    """Mask telephone, identity and card numbers, names, doors and e-mail addresses; remove hostile characters.

    `names` are known people (the requester). `phone_mask` is the setting `privacy.phone_mask`. `plates` hides number
    plates too. `strict` hides plates, every stretch of five digits or more, and house numbers: for those who need not go there. Raises ValueError for a phone mask
    that hides too little.
    """
    text = clean(text)
    if "@" in text or "＠" in text:
        text = _MAIL.sub("***@", text)
    if plates or strict:
        text = _PLATE.sub(r"\1*****", text)
    text = _numbers(text, phone_mask, strict)
    text = _names(text, _known(tuple(names)))
    if strict:
        return _DOORS.sub(lambda hit: _DOOR_SIGNS.sub("*", hit[0]), text)
    return _DOOR.sub(_hide_door, text)


def _hide_door(hit: re.Match[str]) -> str:
    """Return a place with its door hidden; the site before the door stays."""
    start = hit.start(hit.lastgroup or 0) - hit.start()
    return hit[0][:start] + _DOOR_SIGNS.sub("*", hit[0][start:])
