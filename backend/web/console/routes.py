"""Registers the console's routes."""

from aiohttp import web

from backend.web.console import (
    accounts,
    api_page,
    bulletins,
    calls,
    deliveries,
    duty_roster,
    explain,
    hold,
    imports,
    keys,
    ledger,
    my_account,
    office,
    overview,
    person,
    platform,
    readiness,
    registers,
    runs,
    scores,
    settings,
    shown_once,
    sign_in,
    tickets,
    triage,
    visits,
)
from backend.web.console.rendering import CONSOLE_FOLDER, STATIC, set_up
from backend.web.console.sessions import require_form, require_session, sign_out
from backend.web.console.shown_once import show_once
from backend.web.request import SERVICES


def add_routes(app: web.Application) -> None:
    """Set up templates and add all console routes."""
    set_up(app)
    add = app.router
    add.add_static(STATIC, CONSOLE_FOLDER / "static")
    add.add_post("/sign-out", require_form(sign_out))
    add.add_get("/", require_session(overview.show))
    add.add_get("/tickets", require_session(tickets.show_list))
    add.add_post("/tickets/find", require_form(show_once(tickets.find_requester)))
    add.add_get("/tickets/{no}", require_session(tickets.show), name="ticket")
    add.add_post("/tickets/{no}/acts/{verb}", require_form(tickets.act))
    add.add_post("/tickets/{no}/reveal", require_form(show_once(tickets.reveal)))
    add.add_post("/tickets/{no}/bridge", require_form(show_once(tickets.bridge)))
    add.add_post("/tickets/{no}/rating-page", require_form(show_once(tickets.give_rating_page)))
    add.add_get("/files/{id}", require_session(tickets.download_file))
    add.add_get("/office", require_session(office.show))
    add.add_post("/office/people/{code}/binding", require_form(show_once(office.open_binding)))
    add.add_get("/deliveries", require_session(deliveries.show_deliveries))
    add.add_get("/calls", require_session(deliveries.show_calls))
    add.add_get("/scores", require_session(scores.show))
    for part in (sign_in, my_account, accounts, keys, person):
        part.add_routes(app)
    settings.add_routes(app)
    platform.add_routes(app)
    bulletins.add_routes(app)
    readiness.add_routes(app)
    duty_roster.add_routes(app)
    visits.add_routes(app)
    calls.add_routes(app)
    triage.add_routes(app)
    ledger.add_routes(app)
    runs.add_routes(app)
    registers.add_routes(app)
    explain.add_routes(app)
    imports.add_routes(app)
    hold.add_routes(app)
    api_page.add_routes(app)
    shown_once.add_routes(app)
    app[SERVICES].texts.render("console.title")  # fails at start-up if the language has no console texts
