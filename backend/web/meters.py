"""The meters: what Prometheus reads at `/metrics`, one registry a house."""

import time

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from backend.domain.acts import Plan
from backend.rooms import Rooms

FRESH = 15.0  # seconds one count of letters and calls is good for


class Meters:
    """Counts moves as they happen, requests as they are answered, letters and calls when asked."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._registry = CollectorRegistry()
        self._moves = Counter("jiesu_moves", "Moves of tickets", ["verb"], registry=self._registry)
        self._seconds = Histogram(
            "jiesu_http_seconds", "Time to answer", ["method", "route", "status"], registry=self._registry
        )
        self._letters = Gauge("jiesu_letters", "Newest letters by state", ["state"], registry=self._registry)
        self._calls = Gauge("jiesu_calls", "Newest calls by outcome", ["outcome"], registry=self._registry)
        self._rounds = Gauge(
            "jiesu_round_age_seconds", "Since a round was finished", ["round"], registry=self._registry
        )
        self._findings = Gauge("jiesu_findings", "What the auditor found", ["kind"], registry=self._registry)
        self._counted = -FRESH
        rooms.desk.after.append(self.moved)

    def moved(self, plan: Plan, _ticket_no: str) -> None:
        """One more move."""
        self._moves.labels(plan.line.verb).inc()

    def answered(self, request: web.Request, status: int, seconds: float) -> None:
        """One more answer; labelled by the route, never by what was asked for."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "?"
        self._seconds.labels(request.method if status != 405 else "?", route, str(status)).observe(seconds)

    async def read(self) -> bytes:
        """All meters in Prometheus' own words."""
        now = time.monotonic()
        if now - self._counted >= FRESH:
            self._counted = now
            tallies = await self._rooms.reading.tallies()
            for gauge, words in ((self._letters, tallies["letters"]), (self._calls, tallies["calls"])):
                gauge.clear()
                for word, count in words.items():
                    gauge.labels(word).set(count)
            self._findings.clear()
            for found in await self._rooms.auditor.findings() if self._rooms.auditor else ():
                self._findings.labels(found.kind).inc()
        for name, finished in self._rooms.heartbeat.items():
            self._rounds.labels(name).set(max(0.0, now - finished))
        return generate_latest(self._registry)


METERS = web.AppKey("meters", Meters)
