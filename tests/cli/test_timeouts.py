"""How long a provider is waited for, and a lease that lasts three such waits (XR7)."""

import pytest

from backend.app.config import Config
from backend.app.drivers import build_drivers
from backend.domain.refusals import Refused
from backend.domain.texts import Texts

SECRET = "q7Zr2mXw9Kd4Tb6Ns8Vy3Hc5Lp1Ja0Ge"  # the tests' own
TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": "t" * 32, "from": "+861084012345"}


@pytest.mark.parametrize(
    ("lease", "timeout", "starts"),
    [(45, 15, True), (44.9, 15, False), (1, 15, False), (3, 1, True), (2, 1, False), (119, 40, False), (120, 40, True)],
)
def test_a_lease_shorter_than_three_time_outs_is_refused_XR7(lease: float, timeout: float, starts: bool) -> None:
    config = Config(secret_key=SECRET, lease_seconds=lease, provider_timeout_seconds=timeout)  # type: ignore[arg-type]
    if starts:
        config.check()
        return
    with pytest.raises(Refused, match="lease_short") as refused:
        config.check()
    for language in ("zh_CN", "en"):
        said = Texts(language).render_refusal(refused.value.code, dict(refused.value.facts))
        assert f"{lease:g}" in said and f"{3 * timeout:g}" in said and "JIESU_LEASE_SECONDS" in said


def test_the_lease_as_delivered_is_long_enough_XR7() -> None:
    Config(secret_key=SECRET).check()  # type: ignore[arg-type]


def test_every_driver_waits_as_long_as_is_set_XR7() -> None:
    config = Config(
        secret_key=SECRET, provider_timeout_seconds=7, drivers={"telegram": {"token": "1:a"}, "twilio": TWILIO}
    )  # type: ignore[arg-type]
    assert build_drivers(config).channels["telegram"].bot.session.timeout == 7  # type: ignore[attr-defined]
    assert build_drivers(config).carriers[0]._http._limits.total == 7  # type: ignore[union-attr]
    assert build_drivers(config).sms.gateways[0]._http._limits.total == 7  # type: ignore[union-attr]
    aliyun = {
        "access_key_id": "k",
        "access_key_secret": "s",
        "templates": "phone.call_to_sign=TTS_1",
        "hook_secret": SECRET,
    }
    config = Config(secret_key=SECRET, provider_timeout_seconds=7, drivers={"aliyun": aliyun})  # type: ignore[arg-type]
    assert build_drivers(config).carriers[0]._read_ms == 7000  # type: ignore[union-attr]
