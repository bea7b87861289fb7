"""Metrics for Prometheus (`/metrics`), one registry per application."""

import time

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from backend.domain.acts import Plan
from backend.rooms import Rooms

FRESH = 15.0  # seconds for which counts of messages and calls are reused


class Meters:
    """Counts moves as they happen and requests as they are answered; reads messages and calls when scraped."""

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
        rooms.desk.listeners.append(self.moved)

    def moved(self, plan: Plan, _ticket_no: str) -> None:
        """Count a move."""
        self._moves.labels(plan.entry.verb).inc()

    def answered(self, request: web.Request, status: int, seconds: float) -> None:
        """Record an answered request (`seconds` it took), labelled by its route, never by its path."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "?"
        self._seconds.labels(request.method if status != 405 else "?", route, str(status)).observe(seconds)

    async def read(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        now = time.monotonic()
        if now - self._counted >= FRESH:
            self._counted = now
            tallies = await self._rooms.reading.count_recent()
            for gauge, words in ((self._letters, tallies["letters"]), (self._calls, tallies["calls"])):
                gauge.clear()
                for word, count in words.items():
                    gauge.labels(word).set(count)
            self._findings.clear()
            for found in await self._rooms.auditor.list_findings() if self._rooms.auditor else ():
                self._findings.labels(found.kind).inc()
        for name, finished in self._rooms.heartbeat.items():
            self._rounds.labels(name).set(max(0.0, now - finished))
        return generate_latest(self._registry)


METERS = web.AppKey("meters", Meters)
