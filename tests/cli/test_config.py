"""What a process refuses to start with: weak keys, keys of a rehearsal, addresses that leak secrets (XS9)."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from backend.app.config import Config
from backend.app.secret_strength import estimate_bits, is_strong_secret
from backend.domain.refusals import Refused
from backend.domain.texts import Texts, list_languages

#: what each line cannot do without
LINES = {
    "telegram": {"token": "1:x"},
    "twilio": {"account_sid": "AC1", "auth_token": "t", "from": "+861084012345"},
    "aliyun": {"access_key_id": "x", "access_key_secret": "s", "templates": "a=b", "hook_secret": "q7Zr2mXw9Kd4Tb6Ns8"},
}
STRONG = "q7Zr2mXw9Kd4Tb6Ns8Vy3Hc5Lp1Ja0Ge"  # the tests' own


def refusal(**settings: Any) -> str:
    """The code a configuration is refused with; "" if it is not."""
    try:
        Config(**settings).check()
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    "weak",
    ["a" * 16, "a" * 64, "ab" * 40, "0123456789" * 6, "abcdefghijklmnopqrstuvwxyz0123456789", "secret" * 8, "x" * 31, STRONG[:31]],
)  # fmt: skip
def test_a_key_that_could_be_guessed_is_refused_in_earnest_XS9(tmp_path: Path, weak: str) -> None:
    assert refusal(data=tmp_path, secret_key=weak) == "secret_weak"


def test_random_keys_of_usual_forms_are_strong_XS9() -> None:
    for _ in range(200):
        for key in (secrets.token_urlsafe(32), secrets.token_hex(32), secrets.token_urlsafe(24)):
            assert is_strong_secret(key), (key, estimate_bits(key))


def test_the_key_of_a_rehearsal_is_refused_in_earnest_XS9(tmp_path: Path) -> None:
    made = Config(data=tmp_path, sandbox=True).load_secret_key()
    assert made.startswith("sandbox:") and Config(data=tmp_path, sandbox=True).load_secret_key() == made
    assert refusal(data=tmp_path) == "secret_of_sandbox"
    assert refusal(data=tmp_path, secret_key=made) == "secret_of_sandbox"
    for language in list_languages():  # whoever only wanted a command on the rehearsal is told how
        assert "JIESU_SANDBOX=1" in Texts(language).render_refusal("secret_of_sandbox", {})
    (tmp_path / "secret.key").write_text(STRONG)  # as older rehearsals wrote it
    assert refusal(data=tmp_path) == "secret_of_sandbox"
    assert refusal(data=tmp_path / "empty") == "secret_missing"


@pytest.mark.parametrize(
    "name", ["telegram.api_url", "twilio.api_url", "platform_url", "platform_feed_url", "aliyun.endpoint"]
)
@pytest.mark.parametrize("sandbox", [False, True])
def test_secrets_go_to_https_and_public_addresses_only_XS9(tmp_path: Path, name: str, sandbox: bool) -> None:
    settings: dict[str, Any] = {
        "data": tmp_path, "sandbox": sandbox, "secret_key": STRONG, "platform_secret": STRONG,
    }  # fmt: skip

    def place(url: str) -> dict[str, Any]:
        driver, _, setting = name.rpartition(".")
        return {"drivers": {driver: LINES[driver] | {setting: url}}} if driver else {name: url}

    for url in ("http://api.example.org", "https://169.254.169.254", "http://10.1.2.3:8080"):
        assert refusal(**settings, **place(url)) == "address_refused", url
        allow = "api.example.org,169.254.0.0/16,10.1.2.3"
        assert refusal(**settings, **place(url), outgoing_allow=allow) == "", url
    for url in ("https://api.example.org", "http://127.0.0.1:9"):
        assert refusal(**settings, **place(url)) == "", url


def test_secrets_shared_with_providers_are_varied_XS9(tmp_path: Path) -> None:
    base: dict[str, Any] = {"data": tmp_path, "secret_key": STRONG}
    assert refusal(**base, platform_url="https://p.example", platform_secret="a" * 16) == "platform_secret_missing"
    assert refusal(**base, drivers={"aliyun": LINES["aliyun"] | {"hook_secret": "a" * 16}}) == "driver_secret_weak"


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_webhook_without_a_secret_that_deserves_the_name_is_refused_FT6(tmp_path: Path, secret: str) -> None:
    hook = {"data": tmp_path, "secret_key": STRONG, "base_url": "https://office.example"}

    def hooked(mode: str, secret: str) -> str:
        return refusal(**hook, drivers={"telegram": {"token": "1:x", "mode": mode, "secret": secret}})

    assert hooked("webhook", secret) == "telegram_secret_missing"
    assert hooked("webhook", STRONG) == ""
    assert hooked("polling", secret) == ""
