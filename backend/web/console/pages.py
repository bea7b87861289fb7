"""Registers the console's routes."""

from aiohttp import web

from backend.web.asked import ROOMS
from backend.web.console import (
    aid,
    bulletins,
    ledger,
    office,
    overview,
    readiness,
    registers,
    ringing,
    rosters,
    runs,
    scores,
    settings,
    sync,
    tellings,
    tickets,
    visits,
    why,
)
from backend.web.console.rendering import HERE, STATIC, set_up
from backend.web.console.seats import posted, seated, sign_in, sign_in_page, sign_out


def add_routes(app: web.Application) -> None:
    """Set up templates and add all console routes."""
    set_up(app)
    add = app.router
    add.add_static(STATIC, HERE / "static")
    add.add_get("/sign-in", sign_in_page)
    add.add_post("/sign-in", sign_in)
    add.add_post("/sign-out", posted(sign_out))
    add.add_get("/", seated(overview.show))
    add.add_get("/tickets", seated(tickets.listed))
    add.add_get("/tickets/{no}", seated(tickets.show), name="ticket")
    add.add_post("/tickets/{no}/acts/{verb}", posted(tickets.act))
    add.add_post("/tickets/{no}/reveal", posted(tickets.reveal))
    add.add_post("/tickets/{no}/bridge", posted(tickets.bridge))
    add.add_get("/files/{id}", seated(tickets.paper))
    add.add_get("/office", seated(office.show))
    add.add_post("/office/people/{code}/binding", posted(office.open_binding))
    add.add_get("/deliveries", seated(tellings.deliveries))
    add.add_get("/calls", seated(tellings.calls))
    add.add_get("/scores", seated(scores.show))
    settings.add_routes(app)
    sync.add_routes(app)
    bulletins.add_routes(app)
    readiness.add_routes(app)
    rosters.add_routes(app)
    visits.add_routes(app)
    ringing.add_routes(app)
    aid.add_routes(app)
    ledger.add_routes(app)
    runs.add_routes(app)
    registers.add_routes(app)
    why.add_routes(app)
    app[ROOMS].catalogue.render("console.title")  # fails at start-up if the language has no console texts
