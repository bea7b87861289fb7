"""Whatever is sent to any route is answered in the proper form, and never with a 5xx (FR14)."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from backend.web.api.routes import ROUTES
from tests.figures import SIZES, Figures, choose_size
from tests.stories.office import Office

odd_text = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\0'\"%_\\<>&;\u202e\ud800")), max_size=30)
odd_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), odd_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd_text, inner, max_size=3)), max_leaves=6,
)  # fmt: skip
NAMES = (
    "verb", "version", "assignment", "unit", "reason", "files", "text", "accept", "new_due_at", "requester_informed",
    "kind", "answer", "due_at", "grade", "into", "close_due_at", "category", "channel", "requester", "ticket_no",
    "name", "code", "role", "value", "period", "month", "phone",
)  # fmt: skip
VERBS = st.sampled_from(
    ("sign", "dispatch", "return", "extend", "reply", "close", "visit", "merge", "flag", "supervise")
)
REQUEST = st.tuples(
    st.sampled_from(("GL01", "H101", "PD01")), st.sampled_from([r for r in ROUTES if not r.max_bytes]),
    st.dictionaries(st.one_of(st.sampled_from(NAMES), odd_text), odd_value, max_size=5), odd_text, odd_text,
    st.one_of(VERBS, odd_text),
)  # fmt: skip


@SIZES
async def test_no_request_whatever_it_says_is_answered_with_a_5xx_FR14_G17(
    office: Office, size: str, figures: Figures
) -> None:
    office.expected_findings = frozenset({"many_refusals"})  # nobody else is refused so often
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.create_ticket("JS0002")
    requests: list[tuple[Any, ...]] = []

    @settings(
        max_examples=choose_size(size, small=150, quick=1_500, full=30_000),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(REQUEST)
    def collect(request: Any) -> None:
        requests.append(request)

    await asyncio.get_running_loop().run_in_executor(None, collect)
    base, answered = f"{office.url}/api/v1", 0
    for who, route, fields, parameter, query, verb in requests:
        body = {**fields, "verb": verb} if route.path.endswith("/acts") else fields
        quoted = quote(parameter, safe="", errors="surrogatepass") or "1"
        of_ticket = re.sub(r"\{no\}", quoted if len(parameter) % 2 else "JS0001", route.path)
        path = re.sub(r"\{\w+\}", quoted if len(parameter) % 3 else "1", of_ticket)
        data = json.dumps(body).encode() if route.method != "GET" else None
        filters = (
            "?"
            + quote(route.filters[0].name if route.filters else "x")
            + "="
            + quote(query, safe="", errors="surrogatepass")
        )
        url = URL(base + path + (filters if route.method == "GET" else ""), encoded=True)
        headers = {"Authorization": f"Bearer {await office.get_key(who)}", "Content-Type": "application/json"}
        async with office.http.request(route.method, url, data=data, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 500, (route.method, path, body, text)
            answered += 1
            if answer.status >= 400:
                assert set(json.loads(text)["error"]) == {"code", "message", "details", "request_id"}
    figures.report("G17", requests=answered, failed=len(requests) - answered)
