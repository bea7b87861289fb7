"""However many tickets pass, nothing that leaves the house or is logged holds a whole number or a key (G23)."""

import json
import re

from backend.domain.acts import Act, Actor
from backend.domain.ticket_enums import Role, Source
from tests.figures import SIZES, Figures, choose_size
from tests.stories.office import Office

DISPATCHER, ADMIN = Actor("PD01", Role.DISPATCHER, "M01"), Actor("GL01", Role.ADMIN, "M01")
HEAD = "ticket_no,category,grade,channel,text,requester_name,requester_phone,region\n"
BATCH = 500  # tickets under way at a time
LISTED = ("/tickets", "/deliveries", "/calls", "/audit")


def write_phones(number: int) -> tuple[str, str]:
    """Two numbers of nobody else: the one on record and one in the text."""
    return f"137{number:08d}", f"159{number:08d}"


@SIZES
async def test_no_log_message_list_or_address_holds_a_whole_number_or_a_key_G23(
    office: Office, figures: Figures, size: str
) -> None:
    count = choose_size(size, small=20, quick=300, full=10_000)
    await office.bind("H101")
    office.confirm_calls("H101")  # of the first, which is urgent
    phones = [one for n in range(count) for one in write_phones(n)]
    rows = [
        f"G{n:05d},help,{'general' if n else 'urgent'},phone,"
        f"第{n}件，请回电{write_phones(n)[1]}或{write_phones(n)[1][:3]} {write_phones(n)[1][3:7]} {write_phones(n)[1][7:]},"
        f"王某,{write_phones(n)[0]},云岭市\n"
        for n in range(count)
    ]
    report = await office.application.services.imports.import_file(
        "tickets", "t.csv", (HEAD + "".join(rows)).encode(), ADMIN
    )
    assert report["imported"] == count, report
    told: list[str] = [json.dumps(report, ensure_ascii=False, default=str)]
    for first in range(0, count, BATCH):
        for n in range(first, min(first + BATCH, count)):
            act = Act("dispatch", DISPATCHER, Source.API, ticket_no=f"G{n:05d}", arguments={"unit": "U01"})
            await office.application.services.tickets.act(act)
        await office.settle()
        told += [str(line) for line in office.log]
        office.log.clear()
    for who in ("unit:U01", "auditor"):
        told += [str((await office.request("GET", path, who)).body) for path in LISTED]
    told += [one.text or "" for user in office.users.values() for one in user.messages]
    told += [one.text for arrivals in office.simulator.chat.arrivals.values() for one in arrivals]
    told += [f"{call.plan} {[line.text for line in call.lines]}" for call in office.simulator.phones.calls_made]
    told += [sms.body for sms in office.simulator.phones.messages]
    everything = re.sub(r"(?<=\d)[ -](?=\d)", "", "\n".join(told))
    seen = set(re.findall(r"1[35][79]\d{8}", everything)) & set(phones)
    secrets = {*office.keys.values(), office.simulator.phones.token, office.config.drivers["telegram"]["secret"]}
    figures.report("G23", tickets=count, numbers=len(seen), keys=sum(bool(s) and s in everything for s in secrets))
    assert sum(f"G{n:05d}" in everything for n in range(count)) == count  # they did pass
