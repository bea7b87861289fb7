"""A chat is bound to a person by a code and his own contact card, and to nobody else."""

from tests.bot.world import World


async def test_a_code_and_ones_own_number_bind(world: World) -> None:
    user = await world.bound("H1")
    person = await world.registry.find_by_chat("telegram", str(user.user_id))
    assert person is not None and person.code == "H1" and person.address == str(user.user_id)
    await user.start()
    await user.expect("您已绑定 住建局")
    assert user.list_unexpected() == []


async def test_somebody_elses_card_does_not_bind_FT33(world: World) -> None:
    user, other = world.user("H1"), world.user("H2")
    opened = await world.registry.create_binding_code("H2", "admin")
    await user.start(opened.code)
    await user.expect("发送本人手机号")
    await user.share_contact(other)
    await user.expect("不能使用他人的名片")
    await user.share_card(other.phone, "王芳")
    await user.expect("不能使用他人的名片")
    await user.share_contact()  # his own, but the registry's number of H2 is another
    await user.expect("不在登记名单中")
    assert await world.registry.find_by_chat("telegram", str(user.user_id)) is None
    assert "binding_refused" in await world.audited()


async def test_a_code_works_once_and_for_ten_minutes_FT32(world: World) -> None:
    opened = await world.registry.create_binding_code("H1", "admin")
    assert len(opened.code) >= 6 and opened.link.endswith(opened.code)
    user = world.user("H1")
    await user.start(opened.code)
    await user.expect("发送本人手机号")
    await user.share_contact()
    await user.expect("绑定成功")
    other = world.user("H2")
    await other.start(opened.code)
    await other.expect("绑定码不正确")
    again = await world.registry.create_binding_code("H2", "admin")
    world.later(minutes=11)
    await other.start(again.code)
    await other.expect("绑定码不正确")


async def test_a_guesser_locks_himself_out_and_nobody_else_FT32(world: World) -> None:
    opened = await world.registry.create_binding_code("H2", "admin")
    guesser, owner = world.user("H9"), world.user("H2")
    for _ in range(5):
        await guesser.start("00000000")
        await guesser.expect("绑定码不正确")
    await guesser.start(opened.code)
    await guesser.expect("尝试次数过多")
    await owner.start(opened.code)
    await owner.expect("发送本人手机号")
    await owner.share_contact()
    await owner.expect("绑定成功")


async def test_a_rebinding_ends_the_older_chat(world: World) -> None:
    first = await world.bound("H1")
    second = world.town.chat.get_user("李明新手机", "+8613900009999")
    await world.registry.save_people([_moved("H1", second.phone)], "admin")
    opened = await world.registry.create_binding_code("H1", "admin")
    await second.start(opened.code)
    await second.expect("发送本人手机号")
    await second.share_contact()
    await second.expect("绑定成功")
    assert await world.registry.find_by_chat("telegram", str(first.user_id)) is None
    await first.say("/todo")
    await first.expect("尚未绑定")


def _moved(code: str, phone: str):  # type: ignore[no-untyped-def]
    from backend.domain.ticket import Role
    from backend.office.people import PersonForm

    return PersonForm("李明", "U01", Role.HANDLER, code, phone)


async def test_who_blocks_the_bot_is_no_longer_written_to_FT20(world: World) -> None:
    liaison = await world.bound("L1")
    user = await world.bound("H1")
    user.block()
    await world.quiet()
    assert await world.registry.find_by_chat("telegram", str(user.user_id)) is None
    await liaison.expect("住建局 李明 的消息通道已失效")


async def test_a_pin_is_set_and_its_message_taken_away(world: World) -> None:
    user = await world.bound("H1")
    said = await user.say("/pin 2580")
    await user.expect("密码已设置")
    assert said.deleted
    assert await world.registry.check_pin("H1", "2580")
    await user.say("/pin 1234")
    await user.expect("不能是四个相同或连续")
    await user.say("/pin")
    await user.expect("四位数字")
    await user.say("9731")
    await user.expect("密码已设置")
    assert await world.registry.check_pin("H1", "9731")
