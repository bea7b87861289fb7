"""Where an embedded database lies: network drives, a missing -wal, the room left (FD5, FD14)."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from backend.operations.places import find_network_drive, is_wal_missing, measure_free

MOUNTS = """sysfs /sys sysfs rw 0 0
/dev/sda1 / ext4 rw 0 0
filer:/home /srv/data nfs4 rw,vers=4.2 0 0
/dev/sdb1 /srv/data/local xfs rw 0 0
//nas/share /mnt/two\\040words cifs rw 0 0
me@there:/ /mnt/ssh fuse.sshfs rw 0 0
disk /mnt/encrypted fuse.gocryptfs rw 0 0
host /mnt/host 9p rw 0 0
/dev/sdc1 /mnt/over nfs rw 0 0
/dev/sdc1 /mnt/over ext4 rw 0 0
half a line
"""


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/var/lib/jiesu/jiesu.db", None), ("/srv/data/jiesu.db", "nfs4"), ("/srv/data/local/jiesu.db", None),
        ("/srv/database/jiesu.db", None), ("/mnt/two words/jiesu.db", "cifs"), ("/mnt/ssh/a/b.db", "fuse.sshfs"),
        ("/mnt/encrypted/jiesu.db", None), ("/mnt/host/jiesu.db", "9p"), ("/mnt/over/jiesu.db", None),
    ],
)  # fmt: skip
def test_a_network_drive_is_known_by_the_kind_of_its_file_system_FD14(path: str, kind: str | None) -> None:
    assert find_network_drive(Path(path), MOUNTS) == kind
    assert find_network_drive(Path(path), "") is None


def test_a_file_copied_while_in_use_without_its_wal_is_known_before_it_is_opened_FD14(tmp_path: Path) -> None:
    used = tmp_path / "used.db"
    connection = sqlite3.connect(used, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE notes (text)")
    assert not is_wal_missing(used)
    copied, whole = tmp_path / "copied.db", tmp_path / "whole.db"
    for end in ("", "-shm"):
        shutil.copy(f"{used}{end}", f"{copied}{end}")
    for end in ("", "-shm", "-wal"):
        shutil.copy(f"{used}{end}", f"{whole}{end}")
    assert is_wal_missing(copied) and not is_wal_missing(whole)
    connection.close()
    assert not is_wal_missing(used), "a file that was closed needs none"
    plain = tmp_path / "plain.db"
    sqlite3.connect(plain).execute("CREATE TABLE notes (text)")
    (tmp_path / "plain.db-shm").touch()
    assert not is_wal_missing(plain), "not in WAL mode"
    assert not is_wal_missing(tmp_path / "none.db")


def test_the_room_left_is_that_of_the_fullest_disk_also_for_a_folder_to_come_FD5(tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)
    assert measure_free([tmp_path / "not" / "yet"]) == pytest.approx(usage.free / usage.total, abs=0.02)
    # others write there meanwhile
    assert measure_free([tmp_path, Path("/proc")]) <= measure_free([tmp_path]) + 0.02
