"""Print a pyperf result as one table of medians and ratios, with the versions that were timed."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

import pyperf

PEER = "workos-python, authenticate"
PACKAGES = ("authkit-asgi", "workos", "cryptography", "joserfc", "starlette", "pyjwt")


def main(path: str) -> None:
    """Print the table of the result file at `path`."""
    suite = pyperf.BenchmarkSuite.load(path)
    medians = {
        benchmark.get_name(): benchmark.median() * 1e6 for benchmark in suite.get_benchmarks()
    }
    bare = medians["bare application"]
    print(f"{'':32}{'median':>10}{'over bare':>12}{'of the peer':>13}")
    for name, median in medians.items():
        over = f"{median - bare:9.1f} µs" if name.startswith("middleware") else ""
        print(f"{name:32}{median:7.1f} µs{over:>12}{median / medians[PEER]:>12.0%}")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"\nPython {platform.python_version()}; {versions}")
    print(f"Sealed session: {suite.get_metadata()['sealed_bytes']} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
