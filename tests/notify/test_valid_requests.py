"""Whatever the drivers are given, what they send is valid: cards, pictures, files, edits, calls, SMS (XR9, G14)."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from notify.carrier import AnswerDetection, CallUrls
from notify.channel import Channel
from notify.chat import telegram
from notify.message import Button, Card, Document, Picture
from notify.sms.twilio import TwilioSmsGateway
from notify.voice.twilio.carrier import TwilioCarrier
from notify.voice.twilio.http import PooledHttpClient
from tests.figures import SIZES, Figures, choose_size
from tests.simulated_networks import OWN_NUMBER, PUBLIC_URL, TELEGRAM_TOKEN, TWILIO_SID, TWILIO_TOKEN, serve_networks

NOW = datetime(2026, 10, 12, 1, 30, tzinfo=UTC)
PIECES = [
    "漏水", "<b>急</b>", "&amp;", "_*[]()~`>#+-=|{}.!", "\u202e", "\u200b", "\x00", "\x0b", "\ud800", "\r\n", "👩‍👩‍👧", "𠮷",
    "https://example.cn/?a=1&b=2", "`code", "@jiesu_bot", "/start", "   ", "字" * 700, "😀" * 1500, "\u0627\u0644", "'", '"',
]  # fmt: skip
URLS = CallUrls(answer=f"{PUBLIC_URL}/hooks/a", fallback=f"{PUBLIC_URL}/hooks/f", status=f"{PUBLIC_URL}/hooks/s")


def _draw_text(dice: random.Random, most: int = 8) -> str:
    return "".join(dice.choices(PIECES, k=dice.randint(0, most)))


def _draw_card(dice: random.Random) -> Card:
    rows = tuple(
        tuple(Button(_draw_text(dice, 3), f"v:{dice.randrange(10**9)}") for _ in range(dice.randint(0, 3)))
        for _ in range(dice.randint(0, 4))
    )
    name = _draw_text(dice, 3) + dice.choice([".pdf", "", ".", ".jpg"])
    kind = dice.choice([None, None, None, Picture, Document])
    expects = dice.choice(["", "", "", "reply", "contact", "nothing"])
    return Card(
        _draw_text(dice), rows, kind(name, b"content") if kind else None, expects=expects, share_label="发送本人手机号"
    )


async def _talk(dice: random.Random, channel: Channel, address: str, turns: int) -> None:
    last = "0"
    for _ in range(turns):
        card = _draw_card(dice)
        if dice.random() < 0.3:
            await channel.edit(address, last, replace(card, attachment=None))
        elif dice.random() < 0.1:
            await channel.remove_buttons(address, last)
        else:
            reply_to = dice.choice([None, last, "999999", "x"])
            sent = await channel.send(address, card, reply_to=reply_to, again=dice.choice(["", "(重发)"]))
            last = last if card.expects else sent.provider_id  # what asks for a reply is never edited, and cannot be


async def _ring(
    dice: random.Random, carrier: TwilioCarrier, sms: TwilioSmsGateway, numbers: list[str], turns: int
) -> None:
    for _ in range(turns):
        to = dice.choice(numbers)
        match dice.randrange(4):
            case 0:
                ring, detect = dice.randint(5, 60), dice.choice(list(AnswerDetection))
                await carrier.place(to, caller=OWN_NUMBER, urls=URLS, ring_seconds=ring, detect=detect)
            case 1:
                found = await carrier.find(to=to, since=NOW - timedelta(minutes=dice.randint(1, 60)))
                for call in found[:1]:
                    await carrier.hang_up(call.provider_id)
            case _:
                text, status = _draw_text(dice).replace("https://", ""), dice.choice(["", f"{PUBLIC_URL}/hooks/sms"])
                await sms.send(to, f"工单 {text}", status_url=status)


@SIZES
async def test_every_request_of_the_drivers_is_valid_G14(size: str, figures: Figures) -> None:
    wanted, dice = choose_size(size, small=200, quick=3_000, full=10_000), random.Random(14)
    async with serve_networks(lambda: NOW) as (simulator, base_url):
        simulator.chat.limits.enabled = False
        users = [simulator.chat.get_user(f"人{n}", f"+86138000{n:05d}") for n in range(8)]
        for user in users:
            await user.start()
        channel = telegram.build({"token": TELEGRAM_TOKEN, "api_url": f"{base_url}/sandbox/telegram"}).channel
        http = PooledHttpClient(f"{base_url}/sandbox/twilio")
        carrier = TwilioCarrier(TWILIO_SID, TWILIO_TOKEN, http=http)
        sms = TwilioSmsGateway(TWILIO_SID, TWILIO_TOKEN, OWN_NUMBER, http=http)
        numbers = [f"+86138000{n:05d}" for n in range(8)]
        turns = wanted // 10
        await asyncio.gather(
            *(_talk(random.Random(dice.random()), channel, str(user.user_id), turns) for user in users),
            *(_ring(random.Random(dice.random()), carrier, sms, numbers, turns) for _ in range(2)),
        )
        await channel.close()
        await carrier.close()
        requests = len(simulator.chat.requests) + len(simulator.phones.requests)
        figures.report("G14", requests=requests, violations=len(simulator.list_violations()))
    assert requests >= wanted * 0.9
