"""The send queue, one rate-limited queue per channel: urgent first, each chat in order, nothing twice."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from notify.channel import Channel
from notify.pace import Bucket, PacedQueue


@dataclass(frozen=True, slots=True)
class Job:
    """A message to send or a card to update; only a hint: it must still be claimed."""

    card: bool  # False: a message
    id: int
    channel: str
    address: str
    urgent: bool

    @property
    def key(self) -> tuple[bool, int]:
        """Identity of the job."""
        return self.card, self.id


class _Lane:
    def __init__(self, channel: Channel) -> None:
        one, other = channel.buckets("1"), channel.buckets("2")
        self.shared: tuple[Bucket, ...] = tuple(b for b in one if b in other)
        self.queue: PacedQueue[Job] = PacedQueue(
            self.shared, lambda address: [b for b in channel.buckets(address) if b not in self.shared]
        )
        self.in_hand = 0
        self.urgent = 0  # waiting


class LineUp:
    """The queues of all channels. `at_once` limits sends in flight per rate-limited channel; others take `batch`."""

    def __init__(self, channels: Mapping[str, Channel], at_once: int, batch: int) -> None:
        self._lanes = {name: _Lane(channel) for name, channel in channels.items()}
        self._known: set[tuple[bool, int]] = set()
        self._at_once = at_once
        self._batch = batch

    def __len__(self) -> int:
        return sum(len(lane.queue) for lane in self._lanes.values())

    def has(self, *, card: bool, id: int) -> bool:
        """Whether the job is queued or in flight."""
        return (card, id) in self._known

    def put(self, job: Job) -> None:
        """Queue a job unless it is queued or in flight."""
        if job.key in self._known:
            return
        self._known.add(job.key)
        lane = self._lanes[job.channel]
        lane.urgent += job.urgent
        lane.queue.put(job, job.address, urgent=job.urgent)

    def take(self, now: float) -> tuple[list[Job], float]:
        """Return the jobs that may start; seconds until calling again is useful (inf: nothing is rate-limited)."""
        jobs: list[Job] = []
        soonest = math.inf
        for lane in self._lanes.values():
            room = self._room(lane)
            if room <= 0 and lane.urgent and lane.in_hand < 2 * self._at_once:
                room = min(lane.urgent, self._at_once)  # a silent server must not hold up the urgent (FM6, FT25)
            while room > 0 and len(jobs) < self._batch:
                job, seconds = lane.queue.pop(now)
                if job is None:
                    soonest = min(soonest, seconds)
                    break
                lane.urgent -= job.urgent
                lane.in_hand += 1
                room -= 1
                jobs.append(job)
        return jobs, soonest

    def _room(self, lane: _Lane) -> int:
        """A rate-limited lane takes as many as may be in flight; an unlimited one claims by the batch."""
        if lane.shared:
            return self._at_once - lane.in_hand
        return self._batch - lane.in_hand if lane.in_hand <= self._batch // 2 else 0

    def done(self, job: Job) -> None:
        """Mark a job as finished; whatever is left to do is found again in the table."""
        self._known.discard(job.key)
        self._lanes[job.channel].in_hand -= 1

    def hold(self, channel: str, address: str, until: float) -> None:
        """Send nothing to this address before `until`, in real seconds (FT17)."""
        self._lanes[channel].queue.hold(address, until)
