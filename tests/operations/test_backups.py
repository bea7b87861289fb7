"""A backup taken while work goes on is whole, opens with the same secret, is proven by a restore, and is put back (XR3)."""

import asyncio
import contextlib
import json
import random
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backend.app.build_backups import build_backups
from backend.domain.refusals import Refused
from backend.ports.backups import Manifest
from storage import tables as t
from storage.engine.encryption import Encryption
from storage.engine.open import open_database
from storage.operations.backup_files import MAGIC, EncryptedBackupFiles, encode_manifest
from tests.figures import Figures
from tests.operations.conftest import SECRET, Installation, changed, configure, read_all
from tests.time_and_chance import CHANCE

NewUrl = Callable[[], str]
OWN = {"key_values", "gate", "beats"}  # what a restore writes itself


async def refuse(code: str, work: object) -> Refused:
    """The refusal of this code, which there must be."""
    with pytest.raises(Refused) as refused:
        await work  # type: ignore[misc]
    assert refused.value.code == code
    return refused.value


async def test_under_load_a_backup_holds_one_instant_and_is_restored_equal_G33_XR3(
    installation: Installation, new_url: NewUrl, figures: Figures
) -> None:
    world, file, stop = installation.world, installation.folder / "one.backup", asyncio.Event()

    async def work_on() -> int:
        made = 0
        while not stop.is_set():
            await world.add_ticket(f"L{made}")
            made += 1
        return made

    working = asyncio.create_task(work_on())
    while await world.db.fetch_count(select(text("count(*)")).select_from(t.tickets)) < 5:
        await asyncio.sleep(0.01)
    manifest = await installation.backups.make(file)
    seen = await world.db.fetch_count(select(text("count(*)")).select_from(t.tickets))
    stop.set()
    assert await working >= seen - 1 > 4
    assert manifest.contents.rows["tickets"] == manifest.contents.checkpoint.lines - 1  # one more line of the first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and "王某".encode() not in file.read_bytes()
    assert await installation.backups.verify(file) == manifest
    target = new_url()
    elsewhere = build_backups(configure(installation.folder / "there", target))
    restored = await elsewhere.restore(file, ())
    assert restored.manifest == manifest and restored.saved is None and not restored.is_behind
    rows = await read_all(target)
    counted = manifest.contents.rows
    differing = [name for name, found in rows.items() if name not in OWN and len(found) != counted.get(name)]
    differing += [name for name in counted if name not in OWN and name not in rows]
    figures.report("G33", tables=len(rows), differing=len(differing))
    held = {part for part, _, _, is_held in rows["gate"] if is_held}
    assert held == {"outbox", "calls", "deadlines"}
    values = dict(rows["key_values"])
    assert values["incarnation"] not in ("first", "") and json.loads(values["hold"])["why"] == "restored"


async def test_a_quiet_database_is_restored_row_by_row_equal_XR3(installation: Installation, new_url: NewUrl) -> None:
    await installation.seal()
    file, target = installation.folder / "one.backup", new_url()
    await installation.backups.make(file)
    before = await read_all(installation.url)
    await build_backups(configure(installation.folder / "there", target)).restore(file, ())
    after = await read_all(target)
    assert {k: v for k, v in after.items() if k not in OWN} == {k: v for k, v in before.items() if k not in OWN}
    assert before["tickets"]


async def test_any_byte_changed_anywhere_is_refused_XR3(installation: Installation) -> None:
    file = installation.folder / "one.backup"
    await installation.backups.make(file)
    whole, chance = file.read_bytes(), random.Random(7)
    head = whole.index(b"\n", whole.index(b"\n", len(MAGIC)) + 1) + 1
    places = [*range(0, head, max(1, head // 60)), head - 1, *range(head, head + 40)]
    places += [chance.randrange(head, len(whole)) for _ in range(20)]
    places += [len(whole) - n for n in (1, 16, 17)]
    files = EncryptedBackupFiles(Encryption(SECRET, CHANCE), installation.folder)
    for at in places:
        with changed(file, at, 1 << chance.randrange(8)) as copy, pytest.raises(Refused) as refused:
            files.extract(copy, installation.folder / "copy")
        assert refused.value.code in ("backup_changed", "backup_unreadable", "keys_missing"), at
    for length in (0, 10, head, len(whole) - 1, len(whole) - 20):
        (cut := installation.folder / "cut.backup").write_bytes(whole[:length])
        with pytest.raises(Refused):
            files.extract(cut, installation.folder / "copy")
    (longer := installation.folder / "longer.backup").write_bytes(whole + b"\0")
    with pytest.raises(Refused):
        files.extract(longer, installation.folder / "copy")
    files.extract(file, installation.folder / "copy")


async def test_a_backup_that_differs_from_its_manifest_fails_its_proof_XR3(installation: Installation) -> None:
    copies = installation.backups._copies
    await installation.seal()
    files = EncryptedBackupFiles(Encryption(SECRET, CHANCE), installation.folder)

    async def prove(damage: str) -> None:
        """Back up, damage the database, and write its copy under the manifest of before."""
        file, copy = installation.folder / "one.backup", installation.folder / "copy"
        said = await installation.backups.describe()
        await installation.world.db.write(lambda c: c.execute(text(damage)) and None)
        await asyncio.to_thread(copies.dump, copy)
        files.write(file, said, copy)
        try:
            await installation.backups.verify(file)
        finally:
            file.unlink()
            copy.unlink()

    await prove("UPDATE units SET active = active")
    for damage in (
        "DELETE FROM units WHERE code = 'U02'",
        "UPDATE journal SET arguments = '{\"unit\":\"U02\"}' WHERE verb = 'dispatch'",
        "DELETE FROM journal_seals",
        "UPDATE tickets SET phone_sealed = name_sealed",
    ):
        await refuse("backup_differs", prove(damage))


async def test_only_the_secret_opens_it_and_after_a_change_of_secrets_the_old_one_does_XR3(
    installation: Installation, new_url: NewUrl
) -> None:
    file = installation.folder / "one.backup"
    manifest = await installation.backups.make(file)
    assert len(manifest.contents.keys) == 2 and SECRET not in json.dumps(asdict(manifest))

    def with_secrets(new: str, old: str = "") -> object:
        return build_backups(configure(installation.folder / "t", new_url(), secret_key=new, secret_key_old=old))

    await refuse("keys_missing", with_secrets("quite another secret").restore(file, ()))  # type: ignore[attr-defined]
    rotated = with_secrets("quite another secret", SECRET)
    await rotated.restore(file, ())  # type: ignore[attr-defined]
    changed_secret = build_backups(
        configure(
            installation.folder / "var", installation.url, secret_key="quite another secret", secret_key_old=SECRET
        )
    )
    assert await changed_secret.verify(file) == manifest


async def test_values_under_an_older_secret_are_named_and_needed_XR3(
    installation: Installation, new_url: NewUrl
) -> None:
    later = Encryption("a later secret of tests", CHANCE, [SECRET])
    ticket_id = (await installation.world.load()).ticket.id
    sealed = later.seal("tickets", ticket_id, "name", "王某")
    await installation.world.db.execute(t.tickets.update().values(name_sealed=sealed))
    keys = {"secret_key": "a later secret of tests", "secret_key_old": SECRET}
    file = installation.folder / "one.backup"
    manifest = await build_backups(configure(installation.folder / "var", installation.url, **keys)).make(file)
    assert len([name for name in manifest.contents.keys if name.startswith("values:")]) == 2
    alone = configure(installation.folder / "t", new_url(), secret_key="a later secret of tests")
    refused = await refuse("keys_missing", build_backups(alone).restore(file, ()))
    missing = set(refused.facts["names"].split(", "))
    assert missing < set(manifest.contents.keys) and {name.split(":")[0] for name in missing} == {"journal", "values"}


async def test_a_restore_refuses_what_is_in_use_full_or_newer_and_touches_nothing_XR3(
    installation: Installation, new_url: NewUrl
) -> None:
    file, target = installation.folder / "one.backup", new_url()
    await installation.backups.make(file)
    there = build_backups(configure(installation.folder / "there", target))
    await there.restore(file, ())
    before = await read_all(target)
    running = open_database(target, time.monotonic)
    await running.fetch_rows(select(t.units))
    await running.execute(t.key_values.insert().values(name="probe", value="1"))
    await refuse("in_use", there.restore(file, (), replace=True))
    await running.execute(t.key_values.delete().where(t.key_values.c.name == "probe"))
    await running.close()
    await refuse("target_full", there.restore(file, ()))
    with changed(file, file.stat().st_size - 5) as damaged:
        await refuse("backup_changed", there.restore(damaged, (), replace=True))
    copy = installation.folder / "copy"
    files = EncryptedBackupFiles(Encryption(SECRET, CHANCE), installation.folder)
    said = files.extract(file, copy)
    contents = replace(said.contents, schema="9999")
    newer = installation.folder / "newer.backup"
    files.write(newer, Manifest(contents, said.code, said.taken_at), copy)
    await refuse("database_ahead", there.restore(newer, (), replace=True))
    await refuse("database_ahead", there.verify(newer))
    older = installation.folder / "older.backup"
    contents = replace(said.contents, schema="0019", rows={"letters": 1})
    files.write(older, Manifest(contents, said.code, said.taken_at), copy)
    await refuse("database_of_old_layout", there.restore(older, (), replace=True))
    await refuse("database_of_old_layout", there.verify(older))
    assert await read_all(target) == before
    restored = await there.restore(file, (), replace=True)
    assert restored.saved is not None
    after = await read_all(target)
    assert dict(after["key_values"])["incarnation"] != dict(before["key_values"])["incarnation"]
    await there.restore(restored.saved, (), replace=True)  # what was replaced can be had again
    again = await read_all(target)
    assert again["tickets"] == before["tickets"]


async def test_a_failed_restore_leaves_the_database_as_it_was_XR3(installation: Installation, new_url: NewUrl) -> None:
    file, target, copy = installation.folder / "one.backup", new_url(), installation.folder / "copy"
    await installation.backups.make(file)
    there = build_backups(configure(installation.folder / "there", target))
    await there.restore(file, ())
    before = await read_all(target)
    files = EncryptedBackupFiles(Encryption(SECRET, CHANCE), installation.folder)
    said = files.extract(file, copy)
    content = copy.read_bytes()
    copy.write_bytes(content[: len(content) // 2])
    cut = installation.folder / "cut.backup"
    files.write(cut, said, copy)  # ours and unchanged, but of a copy that was cut short
    await refuse("copy_unreadable", there.restore(cut, (), replace=True))
    assert await read_all(target) == before
    assert not list(installation.folder.rglob(".scratch-*"))


async def test_the_manifest_alone_says_the_same_as_that_of_a_backup_XR3(installation: Installation) -> None:
    file = installation.folder / "one.backup"
    manifest, alone = await installation.backups.make(file), await installation.backups.describe()
    assert alone.contents == manifest.contents
    assert alone.sha256 == "" != manifest.sha256
    assert b"\n" not in encode_manifest(alone)
    await refuse("backup_exists", installation.backups.make(file))


async def test_a_file_that_is_no_backup_is_refused_XR3(installation: Installation) -> None:
    wrong = installation.folder / "wrong.backup"
    await refuse("backup_unreadable", installation.backups.verify(wrong))
    for content in (b"", b"x", MAGIC, MAGIC + b"{}\nname a2V5\n", MAGIC + b"[]\nx\n", b"\xff" * 500):
        wrong.write_bytes(content)
        await refuse("backup_unreadable", installation.backups.verify(wrong))
    with contextlib.suppress(FileNotFoundError):
        assert list(Path(installation.config.data).glob(".scratch-*")) == []
