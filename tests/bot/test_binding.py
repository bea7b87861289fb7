"""A chat is bound to a person by a code and their own contact card, and to nobody else."""

from backend.domain.ticket_enums import Role
from backend.office.people import PersonForm
from tests.bot.world import World


async def test_a_chat_is_bound_by_a_code_and_the_own_number(world: World) -> None:
    user = await world.bind("H1")
    person = await world.find_person(user)
    assert person is not None and person.code == "H1" and person.address == str(user.user_id)
    await user.start()
    await user.expect("您已绑定 住建局")
    assert user.list_unexpected() == []


async def test_somebody_elses_contact_card_does_not_bind_FT33(world: World) -> None:
    user, other = world.get_user("H1"), world.get_user("H2")
    opened = await world.people.create_binding_code("H2", "admin")
    await user.start(opened.code)
    await user.expect("发送本人手机号")
    await user.share_contact(other)
    await user.expect("不能使用他人的名片")
    await user.share_card(other.phone, "王芳")
    await user.expect("不能使用他人的名片")
    await user.share_contact()  # their own, but not the number registered for H2
    await user.expect("不在登记名单中")
    assert await world.find_person(user) is None
    assert "binding_refused" in await world.list_audit_events()


async def test_a_code_works_once_and_for_ten_minutes_FT32(world: World) -> None:
    opened = await world.people.create_binding_code("H1", "admin")
    assert len(opened.code) >= 6 and opened.link.endswith(opened.code)
    user = world.get_user("H1")
    await world.confirm_binding(user, opened.code)
    other = world.get_user("H2")
    await other.start(opened.code)
    await other.expect("绑定码不正确")
    again = await world.people.create_binding_code("H2", "admin")
    world.pass_time(minutes=11)
    await other.start(again.code)
    await other.expect("绑定码不正确")


async def test_whoever_guesses_codes_is_locked_out_and_nobody_else_FT32(world: World) -> None:
    opened = await world.people.create_binding_code("H2", "admin")
    guesser, owner = world.get_user("H9"), world.get_user("H2")
    for _ in range(5):
        await guesser.start("00000000")
        await guesser.expect("绑定码不正确")
    await guesser.start(opened.code)
    await guesser.expect("尝试次数过多")
    await world.confirm_binding(owner, opened.code)


async def test_binding_a_new_chat_ends_the_old_binding(world: World) -> None:
    first = await world.bind("H1")
    second = world.simulator.chat.get_user("李明新手机", "+8613900009999")
    await world.people.save_people([PersonForm("李明", "U01", Role.HANDLER, "H1", second.phone)], "admin")
    opened = await world.people.create_binding_code("H1", "admin")
    await world.confirm_binding(second, opened.code)
    assert await world.find_person(first) is None
    await first.say("/todo")
    await first.expect("尚未绑定")


async def test_whoever_blocks_the_bot_is_unbound_and_their_liaison_told_FT20(world: World) -> None:
    liaison = await world.bind("L1")
    user = await world.bind("H1")
    user.block()
    await world.settle()
    assert await world.find_person(user) is None
    await liaison.expect("住建局 李明 的消息通道已失效")


async def test_a_telephone_pin_is_set_and_the_message_with_it_deleted(world: World) -> None:
    user = await world.bind("H1")
    message = await user.say("/pin 2580")
    await user.expect("密码已设置")
    assert message.deleted
    assert await world.people.check_pin("H1", "2580")
    await user.say("/pin 1234")
    await user.expect("不能是四个相同或连续")
    await user.say("/pin")
    await user.expect("四位数字")
    await user.say("9731")
    await user.expect("密码已设置")
    assert await world.people.check_pin("H1", "9731")


async def test_a_person_with_two_networks_chooses_in_chat_which_tells_them_first(world: World) -> None:
    user = await world.bind("H1")
    await user.say("/chat")
    await user.expect("给您的消息依次发到：Telegram。")
    world.pass_time(minutes=1)
    opened = await world.people.create_binding_code("H1", "admin")
    await world.people.start_binding("feishu", "7", "feishu-7", opened.code)
    await world.people.confirm_binding("feishu", "7", "7", user.phone)
    await user.say("/chat")
    await user.expect("给您的消息依次发到：feishu、Telegram。")
    await user.say("/chat ｔｅｌｅｇｒａｍ")
    await user.expect("今后给您的消息先发到Telegram。依次为：Telegram、feishu。")
    await user.say("/chat feishu")
    await user.expect("今后给您的消息先发到feishu。")
    await user.say("/chat 钉钉")
    await user.expect("没有绑定钉钉，请先在该软件中绑定")
    await user.say("/chat off")
    await user.expect("依次为：feishu、Telegram。")
    assert (await world.list_audit_events()).count("chat_preferred") == 3


async def test_whoever_blocks_the_bot_but_is_bound_elsewhere_is_not_reported_lost_FT20(world: World) -> None:
    user, liaison = await world.bind("H1"), await world.bind("L1")
    world.pass_time(minutes=1)
    opened = await world.people.create_binding_code("H1", "admin")
    await world.people.start_binding("feishu", "7", "feishu-7", opened.code)
    await world.people.confirm_binding("feishu", "7", "7", user.phone)
    user.block()
    await world.settle()
    assert await world.find_person(user) is None
    person = (await world.office.snapshot(fresh=True)).by_code["H1"]
    assert [c.network for c in person.chats] == ["feishu"]
    assert liaison.list_unexpected() == []
