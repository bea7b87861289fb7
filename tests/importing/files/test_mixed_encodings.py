"""A file of mixed encodings is refused with the first line that does not fit, whatever mixes with what (XS15)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.refusals import Refused
from backend.importing.files.content import FileContent
from backend.importing.files.encoding import detect_encoding

LINES = ("工单编号,标题,内容\n", *(f"T{n},第{n}件下水道堵塞,人民大街的下水道堵塞了\n" for n in range(1, 9)))
ODD = {
    "gbk": LINES[1].encode("gbk"), "utf-8": LINES[1].encode(), "latin-1": b"T9,caf\xe9,caf\xe9 cr\xe8me\n",
    "big5": "T9,下水道堵塞,人民大街的下水道堵塞了\n".encode("big5"), "broken": b"T9,\xff\xfe\xfd,x\n",
}  # fmt: skip
PAIRS = (("utf-8", "gbk"), ("utf-8", "latin-1"), ("utf-8", "big5"), ("utf-8", "broken"), ("gbk", "utf-8"))


@given(pair=st.sampled_from(PAIRS), places=st.sets(st.integers(1, 8), min_size=1, max_size=3), plain=st.integers(0, 3))
def test_the_first_line_unlike_most_is_named_XS15(pair: tuple[str, str], places: set[int], plain: int) -> None:
    most, other = pair
    lines = [b"A,B,C\n"] * plain + [ODD[other] if n in places else line.encode(most) for n, line in enumerate(LINES)]
    with pytest.raises(Refused) as refusal:
        detect_encoding(FileContent(b"".join(lines)))
    assert (refusal.value.code, refusal.value.facts) == ("file_mixed_encoding", {"line": plain + min(places) + 1})


@given(codec=st.sampled_from(("utf-8", "gbk", "gb18030")), text=st.text("路灯不亮请修联通abc12，。\n", max_size=60))
def test_one_encoding_is_never_taken_for_two_XS15(codec: str, text: str) -> None:
    content = "".join(LINES) + text
    assert detect_encoding(FileContent(content.encode(codec)))[0] == ("utf-8" if codec == "utf-8" else "gb18030")
