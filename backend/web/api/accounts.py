"""Links to choose a password, for the command line of this machine: no key reaches them."""

from typing_extensions import TypedDict

from backend.domain.acts import Account, AccountKind
from backend.domain.refusals import Refused
from backend.web.request import ApiRequest, ApiResponse


class IssuedLink(TypedDict):
    """A one-time link and until when it can be opened."""

    link: str
    until: str


async def issue_link(request: ApiRequest) -> ApiResponse[IssuedLink]:
    """Issue a link, shown once. Refused `forbidden` to keys, `missing`, and as `Accounts.issue_link` says."""
    body, services, actor = request.body, request.services, request.actor
    if actor.kind is not AccountKind.OPERATOR:
        raise Refused("forbidden")  # a key opens no session, nor what leads to one
    if (body.person is None) == (body.administrator is None):
        raise Refused("missing", field="person")
    if body.person is not None:
        link = await services.accounts.issue_link(Account(AccountKind.PERSON, body.person), actor)
    else:
        account = Account(AccountKind.ADMINISTRATOR, body.administrator)
        known = await services.accounts.find_own(account)
        is_new = known is None or known.closed_at is not None
        link = await (
            services.accounts.create_administrator(account.id, actor)
            if is_new
            else services.accounts.issue_link(account, actor)
        )
    until = link.until.astimezone(services.clock.zone).isoformat()
    address = f"{services.addresses.public_url}/account/link?token={link.token}"
    return ApiResponse({"link": address, "until": until}, 201, headers={"Cache-Control": "no-store"})
