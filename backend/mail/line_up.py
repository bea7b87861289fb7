"""What waits to be sent, one paced queue a channel: urgent first, each chat in order, nothing twice."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from notify.channel import Channel
from notify.pace import Bucket, PacedQueue


@dataclass(frozen=True, slots=True)
class Job:
    """A letter to send or a message to draw again; a hint only: whoever takes it must still claim it."""

    card: bool  # False: a letter
    id: int
    channel: str
    address: str
    urgent: bool

    @property
    def key(self) -> tuple[bool, int]:
        """What tells jobs apart."""
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
    """The queues of all channels. `at_once`: letters in hand a paced channel has at most; others take `batch`."""

    def __init__(self, channels: Mapping[str, Channel], at_once: int, batch: int) -> None:
        self._lanes = {name: _Lane(channel) for name, channel in channels.items()}
        self._known: set[tuple[bool, int]] = set()
        self._at_once = at_once
        self._batch = batch

    def __len__(self) -> int:
        return sum(len(lane.queue) for lane in self._lanes.values())

    def has(self, *, card: bool, id: int) -> bool:
        """Whether it waits or is in hand."""
        return (card, id) in self._known

    def put(self, job: Job) -> None:
        """Let it wait, unless it waits already."""
        if job.key in self._known:
            return
        self._known.add(job.key)
        lane = self._lanes[job.channel]
        lane.urgent += job.urgent
        lane.queue.put(job, job.address, urgent=job.urgent)

    def take(self, now: float) -> tuple[list[Job], float]:
        """Jobs whose turn it is; and the seconds until asking again pays (inf: nothing waits for time)."""
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
        """A paced lane takes as many as can be under way; another claims by the batch, not one by one."""
        if lane.shared:
            return self._at_once - lane.in_hand
        return self._batch - lane.in_hand if lane.in_hand <= self._batch // 2 else 0

    def done(self, job: Job) -> None:
        """It is out of hand; whatever is still to do will be found again."""
        self._known.discard(job.key)
        self._lanes[job.channel].in_hand -= 1

    def hold(self, channel: str, address: str, until: float) -> None:
        """Nothing for this address before then (FT17)."""
        self._lanes[channel].queue.hold(address, until)
