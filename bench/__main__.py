"""`python -m bench [NAME…]`: runs the benchmarks (all, or those named) and prints one table."""

import importlib
import logging
import pkgutil
import sys
import time

import structlog

import bench
from bench.harness import Figure, say, show, small

NOT_FIGURES = ("__main__", "bare_life", "harness", "town", "wire")


def main(names: list[str]) -> int:
    """Run the benchmarks; return 1 when a target was missed, 2 for an unknown name."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    known = [m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in NOT_FIGURES]
    strange = sorted(set(names) - set(known))
    if strange:
        say(f"no such measurement: {', '.join(strange)}; there are {', '.join(known)}")
        return 2
    figures: list[Figure] = []
    for name in names or known:
        began = time.monotonic()
        say(f"… {name}")
        for figure in importlib.import_module(f"bench.{name}").run(small()):
            figures.append(figure)
            show([figure])
        say(f"  {name}: {time.monotonic() - began:.0f} s")
    missed = [f for f in figures if f.met is False]
    print(f"{len(figures)} figures, {len(missed)} below their bar" + (" (SMALL)" if small() else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
