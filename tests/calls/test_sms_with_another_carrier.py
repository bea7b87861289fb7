"""Calls may go through one carrier and short messages through another: each signs its own reports (FW1)."""

from pathlib import Path

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from backend.app.build import open_application
from backend.app.config import Config

TOKEN = "the token of the sms carrier"
ACCOUNT = "AC" + "7" * 32


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 404), ("another", 403)])
async def test_reports_about_short_messages_must_bear_the_signature_of_their_own_carrier_FW1(
    tmp_path: Path, sqlite_url: str, token: str, status: int
) -> None:
    config = Config(
        data=tmp_path / "var",
        database_url=sqlite_url,
        port=0,
        sandbox=True,
        tick_seconds=600,
        drivers={
            "twilio": {
                "account_sid": ACCOUNT,
                "auth_token": TOKEN,
                "from": "+8610000000",
                "api_url": "http://127.0.0.1:9",
            },
            "aliyun": {
                "access_key_id": "key",
                "access_key_secret": "secret",
                "endpoint": "http://127.0.0.1:9",
                "templates": "phone.call_to_sign=TTS_1",
                "hook_secret": "a secret nobody guesses",
            },
        },
    )
    async with open_application(config) as app, aiohttp.ClientSession() as http:
        assert app.services.calls.dependencies.carrier.name == "aliyun"
        url = f"{app.config.base_url}/hooks/twilio/sms/status/4711"
        fields = {"MessageSid": "SM1", "AccountSid": ACCOUNT, "MessageStatus": "delivered"}
        signature = RequestValidator(token).compute_signature(url, fields)
        async with http.post(url, data=fields, headers={"X-Twilio-Signature": signature}) as answer:
            assert (
                answer.status == status
            )  # 404: the signature is right, but the report is about no message of ours (FW24)
