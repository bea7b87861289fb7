"""The simulated providers know the parameters of the current descriptions, and nothing retired (XR9, G14)."""

import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from sandbox.simulator import Simulator
from sandbox.telegram import parameters, schema
from sandbox.telegram.methods import HANDLERS
from sandbox.telegram.users import ChatUser
from sandbox.twilio.parameters import PARAMETERS
from tests.shared_data import find_shared
from tests.simulated_networks import OWN_NUMBER, TELEGRAM_TOKEN, TWILIO_SID, TWILIO_TOKEN

BOT_API = find_shared("api/telegram-bot-api-10.1.json")
TWILIO = find_shared("api/twilio-api-2010.json")
LENGTH = re.compile(r"\b(\d+)-(\d+) (characters|bytes)")
OBSOLETE = "[OBSOLETE]"


# --- the Bot API


def _as_described(fields: list[dict[str, Any]]) -> dict[str, tuple[set[str], bool, tuple[int, int, bool] | None]]:
    described = {}
    for one in fields:
        kinds = {
            kind.removeprefix("Array of ").removeprefix("Array of ") + "[]" * kind.count("Array of ")
            for kind in one["types"]
        }
        length = LENGTH.search(one["description"])
        limits = (int(length[1]), int(length[2]), length[3] == "bytes") if length else None
        described[one["name"]] = (kinds, one["required"], limits)
    return described


def _as_known(fields: Mapping[str, schema.Field]) -> dict[str, tuple[set[str], bool, tuple[int, int, bool] | None]]:
    return {
        name: (
            set(row.kinds),
            row.required,
            (row.length.low, row.length.high, row.length.in_bytes) if row.length else None,
        )
        for name, row in fields.items()
    }


@pytest.mark.skipif(
    BOT_API is None, reason="no shared/data/api/telegram-bot-api-….json beside the checkout (JIESU_SHARED)"
)
def test_methods_and_objects_are_those_of_the_bot_apis_description_XR9() -> None:
    assert BOT_API is not None
    described = json.loads(BOT_API.read_text(encoding="utf-8"))
    assert described["version"] == parameters.API_VERSION
    for name, fields in schema.METHODS.items():
        assert _as_known(fields) == _as_described(described["methods"][name].get("fields", [])), name
    for name, fields in schema.OBJECTS.items():
        assert _as_known(fields) == _as_described(described["types"][name].get("fields", [])), name
    for name, members in parameters.UNIONS.items():
        assert set(members) == set(described["types"][name]["subtypes"])


def test_every_method_that_is_served_has_its_parameters() -> None:
    assert HANDLERS.keys() == schema.METHODS.keys()


#: method → parameters of former versions that aiogram can still send
RETIRED = [
    ("sendMessage", {"disable_web_page_preview": "true"}),
    ("sendMessage", {"reply_to_message_id": "5"}),
    ("sendMessage", {"allow_sending_without_reply": "true"}),
    ("sendDocument", {"thumb": "x"}),
    ("sendPhoto", {"reply_to_message_id": "5"}),
    ("editMessageText", {"disable_web_page_preview": "true"}),
    ("sendMessage", {"link_preview_options": '{"is_disabled": true, "show_media": true}'}),
    ("sendMessage", {"reply_markup": '{"inline_keyboard": [[{"text": "签", "callback_data": "s", "colour": "red"}]]}'}),
    ("sendMessage", {"suggested_post_parameters": '{"send_date": 1}'}),  # known, but not to the simulator
]


@pytest.mark.violates
@pytest.mark.parametrize(("method", "more"), RETIRED)
async def test_a_retired_or_unknown_parameter_is_a_violation_XR9(
    base_url: str, simulator: Simulator, bot: Bot, li: ChatUser, method: str, more: dict[str, str]
) -> None:
    sent = await bot.send_message(li.user_id, "卡")
    file = simulator.chat.store_file("1.pdf", "application/pdf", b"%PDF").id
    basis = {
        "sendMessage": {"text": "好"},
        "sendDocument": {"document": file},
        "sendPhoto": {"photo": file},
        "editMessageText": {"text": "新", "message_id": str(sent.message_id)},
    }[method]
    answer = await _call(base_url, method, {"chat_id": str(li.user_id)} | basis | more)
    assert answer["ok"], answer  # as the real server does, which ignores what it does not know
    assert [one.where for one in simulator.chat.violations] == [method]


WRONG = [
    ("sendMessage", {"protect_content": "maybe"}, "protect_content"),
    ("sendMessage", {"message_thread_id": "first"}, "message_thread_id"),
    ("sendMessage", {"entities": "bold"}, "entities"),
    ("sendMessage", {"entities": '[{"type": "bold", "offset": "0", "length": 1}]'}, "entities[0].offset"),
    ("sendMessage", {"entities": '[{"type": "bold", "offset": 0}]'}, "entities[0].length"),
    ("sendMessage", {"link_preview_options": "[]"}, "link_preview_options"),
    ("sendMessage", {"link_preview_options": '{"is_disabled": "yes"}'}, "link_preview_options.is_disabled"),
    ("sendMessage", {"reply_parameters": "{}"}, "reply_parameters.message_id"),
    ("sendMessage", {"reply_markup": '{"force_reply": true, "input_field_placeholder": ""}'}, "placeholder"),
    ("setMyShortDescription", {"short_description": "字" * 121}, "short_description"),
    ("sendContact", {"phone_number": "1", "first_name": "李", "vcard": "字" * 683}, "vcard"),
    ("getUpdates", {"limit": "ten"}, "limit"),
    ("setWebhook", {"url": "https://x.cn", "secret_token": ""}, "secret_token"),
]


@pytest.mark.violates
@pytest.mark.parametrize(("method", "given", "named"), WRONG)
async def test_a_value_of_a_wrong_type_or_length_is_refused_XR9(
    base_url: str, simulator: Simulator, li: ChatUser, method: str, given: dict[str, str], named: str
) -> None:
    basis = {"chat_id": str(li.user_id), "text": "好"} if method == "sendMessage" else {"chat_id": str(li.user_id)}
    answer = await _call(base_url, method, given if method.startswith(("set", "get")) else basis | given)
    assert answer["error_code"] == 400 and named in answer["description"]
    assert len(simulator.chat.violations) == 1


async def _call(base_url: str, method: str, form: dict[str, str]) -> dict[str, Any]:
    url = f"{base_url}/sandbox/telegram/bot{TELEGRAM_TOKEN}/{method}"
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as answer:
        return dict(await answer.json())


# --- Twilio


def _name_kind(schemas: Mapping[str, Any], given: dict[str, Any]) -> tuple[str, bool]:
    while "$ref" in given:
        given = schemas[given["$ref"].rpartition("/")[2]]
    if given["type"] == "array":
        return _name_kind(schemas, given["items"])[0], True
    formats = {"uri": "url", "date-time": "time", "phone-number": "phone", "endpoint": "endpoint", "twiml": "twiml"}
    if given.get("format") == "http-method":
        return "method", False
    if "enum" in given:
        return "|".join(given["enum"]), False
    if "pattern" in given:
        return f"sid({given['pattern'][1:3]})", False
    return formats.get(given.get("format", ""), given["type"]), False


@pytest.mark.skipif(TWILIO is None, reason="no shared/data/api/twilio-api-2010.json beside the checkout (JIESU_SHARED)")
def test_forms_and_filters_are_those_of_twilios_description_XR9() -> None:
    assert TWILIO is not None
    document = json.loads(TWILIO.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    operations = {
        one["operationId"]: one for path in document["paths"].values() for one in path.values() if "operationId" in one
    }
    for name, known in PARAMETERS.items():
        described: dict[str, tuple[str, bool, bool]] = {}
        for one in operations[name].get("parameters", []):
            if one["in"] == "query":
                described[one["name"]] = (*_name_kind(schemas, one["schema"]), False)
        for body in operations[name].get("requestBody", {}).get("content", {}).values():
            for field, one in body["schema"]["properties"].items():
                if OBSOLETE not in one.get("description", ""):
                    required = field in body["schema"].get("required", [])
                    described[field] = (*_name_kind(schemas, one), required)
        assert {field: (row.kind, row.repeats, row.required) for field, row in known.items()} == described, name


TWILIO_FORMS: list[tuple[dict[str, str], int]] = [
    # more fields of a call, status
    ({"IfMachine": "Continue"}, 201),
    ({"Speed": "fast"}, 201),
    ({"StatusCallbackMethod": "PATCH"}, 400),
    ({"Timeout": "soon"}, 400),
    ({"Record": "perhaps"}, 400),
    ({"StatusCallback": "https://a_b.example/x"}, 400),
    ({"StatusCallbackEvent": "initiated answered"}, 400),
    ({"ApplicationSid": "AP1"}, 400),
]


@pytest.mark.violates
@pytest.mark.parametrize(("more", "status"), TWILIO_FORMS)
async def test_an_unknown_or_wrong_field_of_a_call_is_a_violation_XR9(
    base_url: str, simulator: Simulator, more: dict[str, str], status: int
) -> None:
    url = f"{base_url}/sandbox/twilio/2010-04-01/Accounts/{TWILIO_SID}/Calls.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(TWILIO_SID, TWILIO_TOKEN)}
    form = {"To": "+8613800001234", "From": OWN_NUMBER, "Twiml": "<Response/>"} | more
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as answer:
        assert answer.status == status
    assert len(simulator.phones.violations) == 1


@pytest.mark.violates
async def test_an_unknown_word_of_a_filter_is_a_violation_XR9(twilio: Client, simulator: Simulator) -> None:
    with pytest.raises(TwilioException, match="20001"):
        await twilio.calls.list_async(status="ringing loudly", limit=1)
    assert len(simulator.phones.violations) == 1
