"""Answers requests that call this server by one of its names only: no page elsewhere reaches it by a name of its own (FR9)."""

from aiohttp import hdrs, web

from backend.domain.addresses import OF_THIS_MACHINE, drop_port, is_literal_authority
from backend.domain.refusals import Refused
from backend.web.request import SERVICES

#: What balancers and containers ask by a machine's number, or by no name.
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
#: Networks and carriers sign what they send here for our public address, or bring a secret: a proxy on the way may have
#: written another Host (FW2), and who knows neither is refused by the webhook itself.
SIGNED = "/hooks/"
STATIC = "/static"  # stylesheets, the same for everybody: the page that refuses a name is drawn with one


def check_host(request: web.Request) -> None:
    """Refused `wrong_host`."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else ""
    if route.startswith(SIGNED) or route == STATIC:
        return
    named = request.headers.getall(hdrs.HOST, [])
    if route in PROBES and all(map(is_literal_authority, named)):
        return
    addresses = request.app[SERVICES].addresses
    wrong = [name for name in (*named, request.host) if not addresses.knows(name)]  # a target may hold one as well
    if wrong or len(named) != 1:
        served = ", ".join(sorted(addresses.names) or OF_THIS_MACHINE)
        raise Refused("wrong_host", host=drop_port(wrong[0])[:200] if wrong else "", served=served)
