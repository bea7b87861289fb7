"""Where data lie: how much room is left, whether the drive is of a network, whether an SQLite file lacks its `-wal` (FD5, FD14)."""

import shutil
from collections.abc import Iterable
from pathlib import Path

#: Kinds of file systems whose locks and order of writing cannot be relied on by an embedded database.
NETWORK_KINDS = frozenset((
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre",
    "gpfs", "beegfs", "orangefs", "ocfs2", "gfs2", "davfs", "davfs2", "webdav", "vboxsf", "vmhgfs", "prl_fs", "drvfs",
))  # fmt: skip
NETWORK_FUSE = ("sshfs", "glusterfs", "rclone", "s3fs", "goofys", "ceph", "davfs", "juicefs", "smbnetfs", "vmhgfs")
MOUNTS = Path("/proc/self/mounts")
WAL_VERSION = 2  # at bytes 18 and 19 of an SQLite file in WAL mode
LOW, NEARLY_FULL = 0.10, 0.03  # shares of a disk that are free


def read_mounts() -> str:
    """Read this system's table of mounts; empty where there is none to read."""
    try:
        return MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def find_network_drive(path: Path, mounts: str) -> str | None:
    """Return the kind of file system, as `nfs4`, if a path lies on a network drive; None if not, or if unknown."""
    whole = path.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(_unescape(fields[1]))
        if whole.is_relative_to(point) and len(point.parts) >= best:  # the last of equal ones covers the others
            best, kind = len(point.parts), fields[2].lower()
    is_remote = kind in NETWORK_KINDS or (
        kind.startswith("fuse.") and kind.removeprefix("fuse.").startswith(NETWORK_FUSE)
    )
    return kind if is_remote else None


def _unescape(field: str) -> str:
    """Undo the octal escapes of blanks in a table of mounts."""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, sign)
    return field


def is_wal_missing(database: Path) -> bool:
    """Whether an SQLite file was copied or moved while in use, without its `-wal`: what was newest is not there.

    A file that was closed has neither `-wal` nor `-shm`; one that is, or was, in use has both. Ask before it is opened.
    """
    wal, shm = (database.with_name(database.name + end) for end in ("-wal", "-shm"))
    try:
        with database.open("rb") as file:
            header = file.read(20)
    except OSError:
        return False
    return header[18:20] == bytes((WAL_VERSION, WAL_VERSION)) and shm.exists() and not wal.exists()


def measure_free(folders: Iterable[Path]) -> float:
    """Return the smallest free share of the disks of these folders, 0 to 1; those not there yet count as their parents."""
    shares = []
    for folder in folders:
        whole = folder.resolve()
        there = next((one for one in (whole, *whole.parents) if one.exists()), Path("/"))
        usage = shutil.disk_usage(there)
        shares.append(usage.free / usage.total if usage.total else 1.0)
    return min(shares, default=1.0)
