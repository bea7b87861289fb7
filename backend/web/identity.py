"""Authenticates each request anew, by API key or by session (FA7, FR18)."""

import hmac
import ipaddress
from collections import deque
from collections.abc import Callable

from aiohttp import web

from backend.domain.acts import OPERATOR, Account, AccountKind, Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.identity.sign_in import OPEN
from backend.ports.web import ApiKey, Session
from backend.services import Services
from backend.web.request import ACTOR, SERVICES

COOKIE = "jiesu_session"


def name_cookie(services: Services) -> str:
    """Return the name of the session's cookie; under https one that no other host or path can set."""
    return f"__Host-{COOKIE}" if services.addresses.is_secure else COOKIE


class Guesses:
    """Counts failures by address to slow down guessing: `most` in `seconds`; bounded in memory."""

    def __init__(self, limit: int, seconds: float, monotonic: Callable[[], float]) -> None:
        self._limit, self._seconds, self._monotonic = limit, seconds, monotonic
        self._failures: dict[str, deque[float]] = {}

    def is_blocked(self, address: str) -> bool:
        """Whether this address failed too often lately."""
        failures = self._failures.get(address)
        if not failures:
            return False
        while failures and failures[0] < self._monotonic() - self._seconds:
            failures.popleft()
        return len(failures) >= self._limit

    def record_failure(self, address: str) -> None:
        """Record a failure."""
        if len(self._failures) > 10_000:
            self._failures.clear()
        self._failures.setdefault(address, deque(maxlen=self._limit)).append(self._monotonic())


KEY_GUESSES = web.AppKey("key_guesses", Guesses)


async def resolve_key_actor(services: Services, key: ApiKey) -> Actor:
    """Return the actor of a key. Refused `unauthenticated` when its person is no longer active (FA7), `unit_missing`."""
    if key.person is not None:
        return await _resolve_person(services, key.person)
    below = (await services.office.snapshot()).list_below(key.unit)
    return Actor.of_key(key.name, Role(key.role or Role.AUDITOR), key.unit, below)


async def resolve_account(services: Services, account: Account) -> Actor:
    """Return the actor of a session's account. Refused `unauthenticated` when it may no longer sign in (XS3)."""
    if account.kind is AccountKind.OPERATOR:
        return OPERATOR
    if account.kind is AccountKind.PERSON:
        return await _resolve_person(services, account.id)
    if account.kind is AccountKind.ADMINISTRATOR:
        stored = await services.accounts.find_own(account)
        if stored is None or stored.closed_at is not None:
            raise Refused("unauthenticated")
        return Actor.of_administrator(account.id)
    key = await services.keys.find_service_key(account.id) if account.kind is AccountKind.SERVICE else None
    if key is None:
        raise Refused("unauthenticated")
    return await resolve_key_actor(services, key)


async def _resolve_person(services: Services, code: str) -> Actor:
    snapshot = await services.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None or not person.active:
        raise Refused("unauthenticated")
    return Actor.of(person, snapshot.list_below(person.unit))


def read_bearer(request: web.Request) -> str | None:
    """Return the key in the Authorization header, if any."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" and secret.strip() else None


def is_operator(request: web.Request, services: Services, secret: str) -> bool:
    """Return whether it is this process's own token, used on this machine; only its owner could read it (XR12)."""
    own = services.process_token
    return bool(own) and is_loopback(request.remote) and hmac.compare_digest(secret.encode(), own.encode())


def is_loopback(address: str | None) -> bool:
    """Whether a peer is this machine."""
    try:
        peer = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback


async def authenticate_key(request: web.Request, services: Services) -> Actor:
    """Return the actor of the request's key. Refused `unauthenticated`, or `too_many` after many wrong ones."""
    secret = read_bearer(request)
    if secret and is_operator(request, services, secret):
        request[ACTOR] = OPERATOR
        return OPERATOR
    guesses = request.app[KEY_GUESSES]
    address = request.remote or ""
    key = await services.keys.find_key(secret, services.clock.now()) if secret and len(secret) <= 200 else None
    if key is None:
        if secret:
            if guesses.is_blocked(address):
                raise Refused("too_many")
            guesses.record_failure(address)
            await services.audit.record(services.clock.now(), "?", "refused", "api_key", address=address)
        raise Refused("unauthenticated")
    request[ACTOR] = actor = await resolve_key_actor(services, key)
    return actor


async def find_session(request: web.Request, services: Services) -> tuple[str, Session] | None:
    """Return the token and the session of the request's cookie, whatever its stage."""
    token = request.cookies.get(name_cookie(services), "")
    if not token or len(token) > 100:
        return None
    session = await services.keys.get_session(token, services.clock.now())
    return None if session is None else (token, session)


async def authenticate_session(request: web.Request, services: Services) -> tuple[Actor, Session] | None:
    """Return the actor and session of the request's cookie, if still valid and complete."""
    found = await find_session(request, services)
    if found is None or found[1].stage != OPEN:
        return None
    token, session = found
    try:
        request[ACTOR] = actor = await resolve_account(services, session.account)
        return actor, session
    except Refused:
        await services.keys.close_session(token)
        return None


def is_same_origin(request: web.Request) -> bool:
    """Whether the request comes from our own pages; a client that is no browser sends no origin (FR9, FR21)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or request.app[SERVICES].addresses.owns(origin)
