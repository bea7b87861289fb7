"""`python -m bench [NAME…]`: runs the benchmarks (all, or those named) and prints one table."""

import importlib
import logging
import pkgutil
import sys
import time

import structlog

import bench
from bench.harness import Figure, is_small, print_figures, print_remark

NOT_FIGURES = ("__main__", "harness", "lifecycle_baseline", "office", "providers")


def main(names: list[str]) -> int:
    """Run the benchmarks; return 1 when a target was missed, 2 for an unknown name."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    known = [m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in NOT_FIGURES]
    unknown = sorted(set(names) - set(known))
    if unknown:
        print_remark(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    figures: list[Figure] = []
    for name in names or known:
        started_at = time.monotonic()
        print_remark(f"… {name}")
        for figure in importlib.import_module(f"bench.{name}").run(is_small()):
            figures.append(figure)
            print_figures([figure])
        print_remark(f"  {name}: {time.monotonic() - started_at:.0f} s")
    missed = [f for f in figures if f.is_met is False]
    print(f"{len(figures)} figures, {len(missed)} below their target" + (" (SMALL)" if is_small() else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
