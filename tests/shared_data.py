"""Finds real input and descriptions that are not part of the project: in the folder `JIESU_SHARED`, or beside the checkout."""

import os
from pathlib import Path


def find_shared(*names: str) -> Path | None:
    """Return the first of these files in `JIESU_SHARED`, or in `shared/data` beside the checkout; None without one."""
    checkout = Path(__file__).resolve().parents[1]
    places = [Path(os.environ["JIESU_SHARED"])] if "JIESU_SHARED" in os.environ else []
    for place in (*places, checkout.parent / "shared"):
        for name in names:
            for file in (place / name, place / "data" / name):
                if file.is_file():
                    return file
    return None
