"""What says that the requester was told is no part of the reason they read; and how they were spoken with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.told_requester import find_way, split_told

SPOKEN = {
    "路灯已经更换，并已电话告知诉求人。": "phone",
    "路灯已经更换，已当面告知诉求人。": "visit",
    "已电话联系您说明情况": "phone",
    "工作人员已电话与诉求人沟通，诉求人表示理解": "phone",
    "经核实已电话告知": "phone",
    "已致电诉求人": "phone",
    "11月10日上午已通过电话向来电人说明": "phone",
    "市住建局工作人员已上门告知诉求人": "visit",
    "已上门向其说明": "visit",
    "路灯修复后已短信告知诉求人": "sms",
    "此前两次无人接听，今日已电话联系诉求人。": "phone",
    "原电梯电话打不通，已修复，已电话告知诉求人": "phone",
    "就此事已电话联系王先生": "phone",
    "已书面答复": "letter",
    "已电话告知诉求人不属于受理范围": "phone",
    "已微信告知诉求人": "online",
    "并已电话告知": "phone",
    "已电话沟通": "phone",
    "我单位已打电话将处理情况告知反映人": "phone",
    "已见面沟通": "visit",
    "已经电话联系过诉求人": "phone",
    "已去电说明": "phone",
    "11月9日已电话回复欧阳女士": "phone",
    "已电话告知诉求人；待配件到货安装": "phone",
    "办结，已当面答复": "visit",
}
#: the same words, of somebody else, with somebody else, in vain, asked, planned or quoted
NOT_SPOKEN = [
    "来电人称住建局已电话联系其",
    "来电人表示市住建局已电话告知诉求人",
    "路灯已经更换，已电话联系诉求人，无人接听。",
    "路灯已更换",
    "诉求人称已电话反映多次",
    "诉求人已电话投诉三次",
    "物业已电话通知维修队",
    "已电话通知物业尽快维修",
    "已电话通知物业尽快与诉求人联系",
    "已短信通知施工单位",
    "已当面要求商户整改",
    "是否已电话告知诉求人",
    "来电人表示已电话联系过居委会",
    "尚未电话告知诉求人",
    "拟电话告知诉求人",
    "将于明日当面告知诉求人",
    "已电话联系诉求人未果",
    "已上门维修",
    "已上门",
    "已上门查看现场",
    "已电话通知其他部门",
    "已电话告知诉求人所在社区",
    "已电话联系市民服务中心",
    "已电话联系诉求人家属",
    "已电话告知诉求人了吗？",
    "如已电话告知诉求人请忽略",
    "已电话报修",
    "已网上公示",
    "已书面通知施工单位",
    "已电话预约维修",
    "物业已电话告知诉求人",
    "施工方称“已电话告知诉求人”",
    "已电话联系诉求人，对方拒接",
    "已电话联系诉求人3次均未接",
    "已电话联系诉求人，号码为空号",
    "您已电话反映过此事",
    "已电话联系物业王女士",
    "系统已短信提醒各单位",
    "已电话向物业了解情况",
    "已微信群通报",
    "没有已电话告知",
    "已当面送达整改通知书给商户",
    "商户已当面道歉",
    "已电话催促施工队",
    "",
]


@pytest.mark.parametrize(
    ("said", "reason", "told"),
    [
        ("等待检测结果，已电话告知诉求人", "等待检测结果", "已电话告知诉求人"),
        ("等待检测结果，已告知", "等待检测结果", "已告知"),
        ("等待检测结果,已和诉求人说明。", "等待检测结果", "已和诉求人说明"),
        ("等待检测结果并已电话告知诉求人", "等待检测结果", "并已电话告知诉求人"),
        ("已向市民解释延期原因，等待配件到货", "等待配件到货", "已向市民解释延期原因"),
        ("等待材料，诉求人已知晓，厂家下周发货", "等待材料，厂家下周发货", "诉求人已知晓"),
        ("等待材料，诉求人表示理解", "等待材料", "诉求人表示理解"),
        ("等待材料，已电话沟通", "等待材料", "已电话沟通"),
        ("等待材料，已经电话告知延期原因", "等待材料", "已经电话告知延期原因"),
        ("等待材料，已微信告知", "等待材料", "已微信告知"),
        ("等待材料，已电话告知了王先生", "等待材料", "已电话告知了王先生"),
        ("已电话告知诉求人", "", "已电话告知诉求人"),
        ("等待材料", "等待材料", ""),
        ("已电话联系厂家，等待配件", "已电话联系厂家，等待配件", ""),
        ("已通知物业停水，等待施工", "已通知物业停水，等待施工", ""),
        ("已上门检测，结果三日后出具", "已上门检测，结果三日后出具", ""),
        ("已电话联系诉求人未果，等待材料", "已电话联系诉求人未果，等待材料", ""),
        ("诉求人尚未同意方案", "诉求人尚未同意方案", ""),
    ],
)
def test_words_that_say_the_requester_was_told_are_split_from_the_reason_A24_S5(
    said: str, reason: str, told: str
) -> None:
    assert split_told(said) == (reason, told)


@pytest.mark.parametrize(("said", "way"), SPOKEN.items())
def test_a_way_of_contact_counts_where_a_text_says_it_XM15(said: str, way: str) -> None:
    assert find_way(said) == way


@pytest.mark.parametrize("said", NOT_SPOKEN)
def test_a_text_that_only_contains_the_words_of_a_way_is_no_contact_XM15(said: str) -> None:
    assert find_way(said) is None


@given(
    st.sampled_from(sorted(SPOKEN)),
    st.sampled_from(["路灯已修复", "物业已电话通知维修队", "配件已到货"]),
    st.sampled_from("，。；\n"),
)
def test_it_counts_wherever_it_stands_in_the_text_XM15(said: str, other: str, mark: str) -> None:
    assert find_way(f"{other}{mark}{said}") == find_way(f"{said}{mark}{other}") == SPOKEN[said]


@given(
    st.sampled_from([text for text in SPOKEN if text.startswith("已") and "；" not in text]),
    st.sampled_from(["未", "是否", "来电人称", "物业", "请", "待", "如", "没有"]),
)
def test_it_does_not_count_of_others_or_where_it_is_denied_asked_or_quoted_XM15(said: str, before: str) -> None:
    assert find_way(f"{before}{said}") is None


@given(st.lists(st.sampled_from(NOT_SPOKEN), max_size=5))
def test_texts_that_say_no_contact_say_none_together_XM15(said: list[str]) -> None:
    assert find_way("。".join(said)) is None
