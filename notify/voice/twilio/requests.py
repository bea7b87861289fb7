"""Reads Twilio's webhooks: forms, bounded and strict, signed over the address and every field (FW1-FW3, FW24)."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notify.carrier import FormFields, to_pairs
from notify.driver import HookRefused, HookRequest
from notify.voice._live import OWN_PARAMS

SIGNATURE_HEADER = "X-Twilio-Signature"
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 200
#: characters of a signature that is checked at all; a real one has 28 (FW1)
SIGNATURE_LIMIT = 128

Fields = list[tuple[str, str]]


class TwilioSignature:
    """The account's signature; `token_old` is still accepted while the token is rotated (FW30)."""

    def __init__(self, account: str, token: str, token_old: str = "") -> None:
        self._account = account
        self._validators = [RequestValidator(one) for one in (token, token_old) if one]

    def open(self, request: HookRequest) -> Fields:
        """Return the fields of a genuine request. Raises HookRefused: 400 for no form, 403 for a wrong signature."""
        fields = _read_fields(request)
        signatures = request.list_headers(SIGNATURE_HEADER)
        signed = [] if request.method == "GET" else fields
        if len(signatures) != 1 or not any(self.signs(url, signed, signatures[0]) for url in _list_signed(request)):
            raise HookRefused(403)
        return fields

    def signs(self, url: str, params: FormFields, signature: str | None) -> bool:
        """Whether the carrier signed these fields for this URL (FW1, FW2, FW24)."""
        if not signature or len(signature) > SIGNATURE_LIMIT or not signature.isascii():
            return False
        fields = _RepeatedFields(to_pairs(params))
        if any(account != self._account for account in fields.getall("AccountSid")):
            return False
        try:
            return any(one.validate(url, fields, signature) for one in self._validators)
        except (ValueError, UnicodeError):
            # a URL or a field that no carrier could have signed
            return False


def _read_fields(request: HookRequest) -> Fields:
    """Return the form's fields in order, with blanks and repeats (FW3)."""
    if request.method == "GET":
        raw = request.target.partition("?")[2]
    elif not request.body:
        return []
    else:
        kind, *more = [part.strip().lower() for part in (request.list_headers("Content-Type") or [""])[0].split(";")]
        charsets = [part.partition("=")[2].strip('"') for part in more if part.startswith("charset=")]
        if kind != FORM_TYPE or any(one not in ("utf-8", "utf8") for one in charsets):
            raise HookRefused(400)
        try:
            raw = request.body.decode("utf-8")
        except UnicodeDecodeError:
            raise HookRefused(400) from None
    try:
        return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HookRefused(400) from None


def _list_signed(request: HookRequest) -> Iterator[str]:
    """Yield the URLs that may have been signed, on the configured address: as received, then as we wrote it (FW2).

    Nobody adds to what was signed: one parameter given twice leaves none, one we did not write only the first (G16).
    """
    query = request.query
    given = {name for name, _ in query}
    if len(given) != len(query):
        return
    target = request.target
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    yield request.address + target
    if request.method == "POST" and given <= set(OWN_PARAMS):
        values = dict(query)
        ours = [(name, values[name]) for name in OWN_PARAMS if name in values]
        yield request.address + request.path + ("?" + urlencode(ours) if ours else "")


class _RepeatedFields:
    """Fields in the form twilio's validator reads: names may repeat, values are unchanged (FW3)."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        return self._values.get(name, [])
