"""Metrics for Prometheus (`/metrics`), one registry per application."""

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from backend.domain.acts import Plan
from backend.services import Services

CACHE_SECONDS = 15.0  # seconds for which counts of messages and calls are reused


class Metrics:
    """Counts moves as they happen and requests as they are answered; reads messages and calls when scraped."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        self._moves = Counter("jiesu_moves", "Moves of tickets", ["verb"], registry=self._registry)
        self._seconds = Histogram(
            "jiesu_http_seconds", "Time to answer", ["method", "route", "status"], registry=self._registry
        )
        self._messages = Gauge("jiesu_messages", "Newest messages by state", ["state"], registry=self._registry)
        self._calls = Gauge("jiesu_calls", "Newest calls by outcome", ["outcome"], registry=self._registry)
        self._workers = Gauge(
            "jiesu_worker_age_seconds", "Since a worker last finished a run", ["worker"], registry=self._registry
        )
        self._findings = Gauge("jiesu_findings", "Findings of the integrity checks", ["kind"], registry=self._registry)
        self._counted_at = -CACHE_SECONDS
        services.tickets.listeners.add(self.count_move)

    def count_move(self, plan: Plan, _ticket_no: str) -> None:
        """Count a move."""
        self._moves.labels(plan.entry.verb).inc()

    def observe_request(self, request: web.Request, status: int, seconds: float) -> None:
        """Record an answered request (`seconds` it took), labelled by its route, never by its path."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "?"
        self._seconds.labels(request.method if status != 405 else "?", route, str(status)).observe(seconds)

    async def render(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        now = self._services.clock.monotonic()
        if now - self._counted_at >= CACHE_SECONDS:
            self._counted_at = now
            tallies = await self._services.queries.count_recent()
            for gauge, counts in ((self._messages, tallies["messages"]), (self._calls, tallies["calls"])):
                gauge.clear()
                for label, count in counts.items():
                    gauge.labels(label).set(count)
            self._findings.clear()
            for found in await self._services.integrity.list_findings():
                self._findings.labels(found.kind).inc()
        for name, finished in self._services.heartbeats.items():
            self._workers.labels(name).set(max(0.0, now - finished))
        return generate_latest(self._registry)


METRICS = web.AppKey("metrics", Metrics)
