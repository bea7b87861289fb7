"""Names the browser of a session for its owner: program and system, as far as the browser says them."""

#: what stands in `User-Agent` → the name; the first that is found, since most browsers also name others
PROGRAMS = {
    "MicroMessenger": "WeChat", "DingTalk": "DingTalk", "Lark": "Feishu", "Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox",
    "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
SYSTEMS = {
    "HarmonyOS": "HarmonyOS", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "Mac OS": "macOS", "Linux": "Linux",
}  # fmt: skip


def name_browser(user_agent: str) -> str:
    """Return program and system; "" when neither is known."""
    found = [next((name for word, name in known.items() if word in user_agent), "") for known in (PROGRAMS, SYSTEMS)]
    return " · ".join(name for name in found if name)
