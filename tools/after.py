"""What the map cannot say: names inside strings that follow a renamed folder. Run after each step of the script."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: file → (old, new), carried out where the file is there and holds the old
EDITS = {
    "storage/engine/versions.py": [('HERE = Path(__file__).parent / "migrations"', 'HERE = Path(__file__).parents[1] / "migrations"')],
    "notify/registry.py": [('Literal["channels", "phone", "sms"]', 'Literal["chat", "voice", "sms"]'), ('("channels", "phone", "sms")', '("chat", "voice", "sms")')],
    "tests/web/test_faults.py": [("from backend.web import body\n", "from backend.web import body as bodies\n")],
}
FAMILIES = [('"channels"', '"chat"'), ('"phone"', '"voice"')]
if (ROOT / "notify" / "voice").is_dir():
    for name in ("notify/registry.py", "tests/notify/test_notify_channels.py", "tests/notify/test_notify_registry.py"):
        EDITS[name] = FAMILIES
if (ROOT / "storage" / "engine").is_dir():
    EDITS["tests/storage/test_migrations.py"] = [('__file__).parent / "migrations"', '__file__).parents[1] / "migrations"')]

for name, pairs in EDITS.items():
    file = ROOT / name
    if file.exists():
        text = file.read_text("utf-8")
        for old, new in pairs:
            text = text.replace(old, new)
        file.write_text(text, "utf-8")
