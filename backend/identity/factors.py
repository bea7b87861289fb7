"""The second factor: codes of time (RFC 6238) and recovery codes, each good for once (FA9)."""

import base64
import re
from collections.abc import Sequence
from datetime import datetime

import pyotp

from backend.domain.chance import Chance
from backend.domain.typed_numbers import read_typed
from backend.identity.password_rule import CODE_SIGNS
from backend.ports.accounts import AccountStore, StoredAccount

STEP_SECONDS = 30
SEED_BYTES = 20
RECOVERY_CODES, CODE_LENGTH, GROUP = 10, 24, 6
_TIME_CODE = re.compile(r"[0-9]{6}")
_SEED = re.compile(r"[A-Z2-7]{32}")


def create_seed(chance: Chance) -> str:
    """Create a seed, base32."""
    return base64.b32encode(chance.random_bytes(SEED_BYTES)).decode()


def is_seed(text: str) -> bool:
    """Whether it is a seed as we create them."""
    return _SEED.fullmatch(text) is not None


def build_address(seed: str, name: str, office: str) -> str:
    """Return the `otpauth://` address that an authenticator reads as a picture."""
    return pyotp.TOTP(seed).provisioning_uri(name=name, issuer_name=office)


def find_step(seed: str, code: str, now: datetime) -> int | None:
    """Return the step of time whose code it is: this one or the one before; None for any other code."""
    code = read_typed(code).replace(" ", "")
    if _TIME_CODE.fullmatch(code) is None:
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    maker = pyotp.TOTP(seed)
    return next((step for step in (current, current - 1) if maker.at(step * STEP_SECONDS) == code), None)


def create_recovery_codes(chance: Chance) -> Sequence[str]:
    """Create ten recovery codes, in groups that can be read out."""
    codes = [
        "".join(CODE_SIGNS[b % len(CODE_SIGNS)] for b in chance.random_bytes(CODE_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    return ["-".join(code[i : i + GROUP] for i in range(0, CODE_LENGTH, GROUP)) for code in codes]


def read_recovery_code(text: str) -> str:
    """Return a typed recovery code as it was created."""
    plain = re.sub(r"[\s-]", "", read_typed(text)).upper()
    return "-".join(plain[i : i + GROUP] for i in range(0, len(plain), GROUP))


async def use_factor(store: AccountStore, account: StoredAccount, code: str, now: datetime) -> bool:
    """Use a code of time or a recovery code of the account; whether it was right and not used before."""
    if account.factor is None:
        return False
    step = find_step(account.factor, code, now)
    if step is not None:
        return await store.use_step(account.id, step)
    return len(code) >= CODE_LENGTH and await store.use_code(account.id, read_recovery_code(code), now)
