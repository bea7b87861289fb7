"""aiogram's models are completed when they are first used, and not all of them whenever a process starts (P10)."""

from aiogram.types import Invoice, ShippingAddress, Update

TEXT = {"message_id": 5, "date": 1_700_000_000, "chat": {"id": 7, "type": "private"}, "text": "已联系"}


def test_a_model_nobody_uses_is_not_completed_until_somebody_does_P10() -> None:
    assert not ShippingAddress.__pydantic_complete__
    address = ShippingAddress(
        country_code="CN", state="吉林", city="长春", street_line1="人民大街", street_line2="", post_code="130000"
    )
    assert ShippingAddress.__pydantic_complete__ and address.city == "长春"


def test_models_within_models_are_read_as_ever_and_what_is_wrong_is_refused_P10() -> None:
    update = Update.model_validate({"update_id": 1, "message": TEXT | {"reply_to_message": TEXT, "unknown": 1}})
    assert update.message is not None and update.message.reply_to_message is not None
    assert update.message.reply_to_message.text == "已联系"
    assert issubclass(Invoice, type(update).__mro__[1])
