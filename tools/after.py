"""What the map cannot say: names inside strings that follow a renamed folder. Run after each step of the script."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: file → (old, new), carried out where the file is there and holds the old
EDITS = {
    "storage/engine/versions.py": [
        ('HERE = Path(__file__).parent / "migrations"', 'HERE = Path(__file__).parents[1] / "migrations"')
    ],
    "notify/registry.py": [
        ('Literal["channels", "phone", "sms"]', 'Literal["chat", "voice", "sms"]'),
        ('("channels", "phone", "sms")', '("chat", "voice", "sms")'),
    ],
    "tests/web/test_faults.py": [("from backend.web import body\n", "from backend.web import body as bodies\n")],
}
FAMILIES = [('"channels"', '"chat"'), ('"phone"', '"voice"')]
if (ROOT / "notify" / "voice").is_dir():
    for name in ("notify/registry.py", "tests/notify/test_notify_channels.py", "tests/notify/test_notify_registry.py"):
        EDITS[name] = FAMILIES
#: keys of the auditor's table that are fields of Since
SINCE = {}
for line in (ROOT / "tools" / "names.tsv").read_text("utf-8").splitlines():
    cells = line.split("\t")
    if cells[0] == "attr" and cells[1].startswith("backend.ports.auditing.Since."):
        SINCE[cells[1].rpartition(".")[2]] = cells[2]
EDITS["backend/integrity/checks.py"] = [(f'"{old}"', f'"{new}"') for old, new in SINCE.items()]
EDITS["storage/integrity/check_queries.py"] = [
    (f":{old}{end}", f":{new}{end}") for old, new in SINCE.items() for end in (" ", "\n", ")", '"')
]
EDITS["storage/engine/compiled.py"] = [("db.bare()", "db.acquire_raw()")]
EDITS["backend/app/build.py"] = [("application.services.courier", "application.services.delivery")]
if (ROOT / "storage" / "engine").is_dir():
    EDITS["tests/storage/test_migrations.py"] = [
        ('__file__).parent / "migrations"', '__file__).parents[1] / "migrations"')
    ]

for name, pairs in EDITS.items():
    file = ROOT / name
    if file.exists():
        text = file.read_text("utf-8")
        for old, new in pairs:
            text = text.replace(old, new)
        file.write_text(text, "utf-8")
