"""The send queue, one rate-limited queue per channel: urgent first, each chat in order, nothing twice."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from notify.channel import Channel
from notify.rate_limit import Bucket, RateLimitedQueue


@dataclass(frozen=True, slots=True)
class Job:
    """A message to send or a card to update; only a hint: it must still be claimed."""

    is_card: bool  # False: a message
    id: int
    channel: str
    address: str
    urgent: bool
    alone: bool = False  # it may be what killed its holders: nothing else is in hand beside it (FM7)

    @property
    def key(self) -> tuple[bool, int]:
        """Identity of the job."""
        return self.is_card, self.id


class _ChannelQueue:
    def __init__(self, channel: Channel) -> None:
        self.name = channel.name
        one, other = channel.buckets("1"), channel.buckets("2")
        self.shared: tuple[Bucket, ...] = tuple(b for b in one if b in other)
        self.queue: RateLimitedQueue[Job] = RateLimitedQueue(
            self.shared, lambda address: [b for b in channel.buckets(address) if b not in self.shared]
        )
        self.in_flight = 0
        self.urgent_waiting = 0  # waiting


class SendQueue:
    """The queues of all channels. `at_once` limits sends in flight per rate-limited channel; others take `batch`."""

    def __init__(self, channels: Mapping[str, Channel], at_once: int, batch: int, places: Callable[[str], int]) -> None:
        """`places`: how many of a rate-limited channel may be in hand; what is not taken is left to others (XR5)."""
        self._channels = {name: _ChannelQueue(channel) for name, channel in channels.items()}
        self._jobs: set[tuple[bool, int]] = set()
        self._suspects: deque[Job] = deque()
        self._alone = False  # one of them is in hand
        self._at_once = at_once
        self._places = places
        self._batch = batch

    def __len__(self) -> int:
        return len(self._suspects) + sum(len(lane.queue) for lane in self._channels.values())

    def has(self, *, is_card: bool, id: int) -> bool:
        """Whether the job is queued or in flight."""
        return (is_card, id) in self._jobs

    def put(self, job: Job) -> None:
        """Queue a job unless it is queued or in flight."""
        if job.key in self._jobs:
            return
        self._jobs.add(job.key)
        if job.alone:
            self._suspects.append(job)
            return
        lane = self._channels[job.channel]
        lane.urgent_waiting += job.urgent
        lane.queue.put(job, job.address, urgent=job.urgent)

    def take(self, now: float) -> tuple[list[Job], float]:
        """Return the jobs that may start; seconds until calling again is useful (inf: nothing is rate-limited)."""
        jobs: list[Job] = []
        soonest = math.inf
        if self._alone:
            return [], soonest
        if self._suspects:
            if any(lane.in_flight for lane in self._channels.values()):
                return [], soonest  # what is in hand ends first
            suspect = self._suspects.popleft()
            self._alone = True
            self._channels[suspect.channel].in_flight += 1
            return [suspect], 0.0
        for lane in self._channels.values():
            free = self._free_places(lane)
            if free <= 0 and lane.urgent_waiting and lane.in_flight < 2 * self._at_once:
                free = min(
                    lane.urgent_waiting, self._at_once
                )  # a silent server must not hold up the urgent (FM6, FT25)
            while free > 0 and len(jobs) < self._batch:
                job, seconds = lane.queue.pop(now)
                if job is None:
                    soonest = min(soonest, seconds)
                    break
                lane.urgent_waiting -= job.urgent
                lane.in_flight += 1
                free -= 1
                jobs.append(job)
        return jobs, soonest

    def _free_places(self, lane: _ChannelQueue) -> int:
        """A rate-limited lane takes as many as may be in flight; an unlimited one claims by the batch."""
        if lane.shared:
            return min(self._at_once, self._places(lane.name)) - lane.in_flight
        return self._batch - lane.in_flight if lane.in_flight <= self._batch // 2 else 0

    def finish(self, job: Job) -> None:
        """Mark a job as finished; whatever is left to do is found again in the table."""
        self._jobs.discard(job.key)
        self._channels[job.channel].in_flight -= 1
        self._alone = self._alone and not job.alone

    def hold(self, channel: str, address: str, until: float) -> None:
        """Send nothing to this address before `until`, in monotonic seconds (FT17)."""
        self._channels[channel].queue.hold(address, until)
