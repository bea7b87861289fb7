"""What `jiesu doctor` asks of the place where data are kept (XR4, FD5, FD14)."""

from collections.abc import Sequence

from backend.app.build_storage import build_storage_check, list_missing_safeguards
from backend.app.config import Config
from backend.app.place import inspect_place, list_folders
from backend.operations.places import LOW, NEARLY_FULL, measure_free

BROKEN = ("read_only", "disk_nearly_full")


async def list_storage_codes(config: Config) -> tuple[Sequence[str], str]:
    """List in codes what is wrong, worst first, and the free share of the fullest disk; ask before it is opened."""
    free = measure_free(list_folders(config))
    disk = "disk_nearly_full" if free < NEARLY_FULL else "disk_low" if free < LOW else ""
    damaged = ["read_only"] if build_storage_check(config).is_read_only else []
    codes = [*damaged, *([disk] if disk else []), *inspect_place(config), *await list_missing_safeguards(config)]
    return codes, f"{free:.0%}"
