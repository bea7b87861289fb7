"""How many messages of a lane may be asked and not settled: what a death can copy (XR5, G1)."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from backend.delivery.batch_writer import BatchWriter
from backend.delivery.queue import Job
from backend.ports.outbox import Ask, ClaimedMessage
from notify.channel import Channel

SAMPLES = 64  # by which a lane's speed is judged
FIRST_GUESS = 0.1  # seconds a request takes before any was measured


def count_slots(rate: float, seconds: float, workers: int, most: int) -> int:
    """Return how many requests under way use a worker's share of a lane: `rate` a second, each taking `seconds`."""
    return max(1, min(most, math.ceil(rate * seconds / max(1, workers)))) if math.isfinite(rate) else most


@dataclass
class _Hold:
    since: float  # monotonic second, less what the rate limit took
    is_request: bool = False


@dataclass
class _Lane:
    rate: float  # sends a second, of all workers; inf: not limited
    taken: "deque[float]" = field(default_factory=lambda: deque(maxlen=SAMPLES))  # seconds from slot to result
    holders: dict[int, _Hold] = field(default_factory=dict)
    waiting: "deque[tuple[ClaimedMessage, asyncio.Future[bool]]]" = field(default_factory=deque)

    @property
    def seconds(self) -> float:
        """The seconds within which 95 of 100 requests have their result."""
        ordered = sorted(self.taken)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else FIRST_GUESS


class AskSlots:
    """The slots of each lane. Who settles hands the slot to the next, whose ask joins that transaction."""

    def __init__(
        self,
        writer: BatchWriter,
        build_ask: Callable[[ClaimedMessage], Ask],
        channels: Mapping[str, Channel],
        most: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._build_ask = build_ask
        self._most = most
        self._monotonic = monotonic
        self.workers = 1  # living ones with something in hand, this one included
        self._lanes = {name: _Lane(_find_rate(channel)) for name, channel in channels.items()}

    def _reserve(self, channel: str, message_id: int) -> bool:
        """Take a free slot for a message about to be claimed; never one that somebody waits for."""
        lane = self._lanes[channel]
        if lane.waiting or len(lane.holders) >= self._count(lane):
            return False
        lane.holders[message_id] = _Hold(self._monotonic())
        return True

    def choose(self, jobs: Sequence[Job], busy_chats: Iterable[tuple[str, str]]) -> set[int]:
        """Choose the messages that their claim asks for: urgent, or with a free slot, and alone in their chat (XR5).

        Who holds a slot waits for no other message: one of the same chat might wait for that slot.
        """
        chats, chosen = set(busy_chats), set()
        for job in jobs:
            chat = (job.channel, job.address)
            may = not job.is_card and not job.alone and chat not in chats
            if may and (job.urgent or self._reserve(job.channel, job.id)):
                chosen.add(job.id)
            chats.add(chat)
        return chosen

    async def wait(self, claimed: ClaimedMessage) -> bool:
        """Wait for a slot, and for the ask unless a copy is in doubt; False: the message is no longer ours."""
        lane = self._lanes[claimed.message.channel]
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        lane.waiting.append((claimed, turn))
        self._fill(lane)
        return await turn

    def leave(self, channel: str, message_id: int) -> None:
        """Give a slot on; nothing happens when it was given on already."""
        lane = self._lanes[channel]
        hold = lane.holders.pop(message_id, None)
        if hold is not None:
            if hold.is_request:
                lane.taken.append(self._monotonic() - hold.since)
            self._fill(lane)

    def note_request(self, channel: str, message_id: int, waited: float) -> None:
        """Note that a request is made, and the seconds that the rate limit took: more slots would not save them."""
        hold = self._lanes[channel].holders.get(message_id)
        if hold is not None:
            hold.since, hold.is_request = hold.since + waited, True

    def count(self, channel: str) -> int:
        """Return how many slots a lane has now."""
        return self._count(self._lanes[channel])

    def _count(self, lane: _Lane) -> int:
        return count_slots(lane.rate, lane.seconds, self.workers, self._most)

    def _fill(self, lane: _Lane) -> None:
        while lane.waiting and len(lane.holders) < self._count(lane):
            claimed, turn = lane.waiting.popleft()
            if turn.done():  # its job was cancelled
                continue
            lane.holders[claimed.message.id] = _Hold(self._monotonic())
            if claimed.uncertain_sends:
                turn.set_result(True)
            else:
                self._writer.put(self._build_ask(claimed)).add_done_callback(partial(_pass, turn))


def _pass(turn: "asyncio.Future[bool]", asked: "asyncio.Future[bool]") -> None:
    if turn.done():
        return
    if (error := asked.exception()) is not None:
        turn.set_exception(error)
    else:
        turn.set_result(asked.result())


def _find_rate(channel: Channel) -> float:
    """Return the sends a second that a channel allows whatever the address; inf without a limit."""
    one, other = channel.buckets("1"), channel.buckets("2")
    return min((b.rate / b.per_seconds for b in one if b in other), default=math.inf)
