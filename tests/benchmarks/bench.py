"""`make bench`: all benchmarks in one run, as one table.

What belongs together is timed in turns with one payload: ratios bear a machine that is not idle.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from coordinators import time_coordinators
from footprint import weigh_package
from growth import time_at_once, time_refreshes, time_sizes
from http_servers import wrk_version
from in_process import time_in_process
from kept_sessions import weigh_kept_sessions
from many_sessions import time_many_sessions
from on_paper import reckon
from one_request import SignedInUser, signed_in
from other_code import time_after_other_code
from over_http import time_over_http
from page import write_page
from peers import peer_versions
from redis_server import RedisServer, temporary_redis
from redis_work import count_redis_work
from results import Results, Section, as_text
from rounds import FULL, SMOKE, Effort
from storms import time_storms

_PACKAGES = ("authkit-asgi", "workos", "cryptography", "joserfc", "starlette", "fastapi", "pyjwt")
_SERVERS = ("uvicorn", "uvloop", "httptools")


def main() -> None:
    """Time, print, and write down what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="keys of sections, with commas in between")
    parser.add_argument("--smoke", action="store_true", help="as little as shows that all works")
    parser.add_argument("--output", type=Path, help="a file for the results as JSON")
    parser.add_argument("--docs", type=Path, help="the folder of the page and the plot")
    options = parser.parse_args()
    logging.getLogger("authkit_asgi").setLevel(logging.ERROR)  # large sessions are on purpose
    begin = time.monotonic()
    results = run(set(filter(None, options.only.split(","))), SMOKE if options.smoke else FULL)
    print("\n".join(results.about))
    missed = [f"{name}: {goal.wanted}" for name, goal in results.goals() if not goal.is_reached]
    print(f"Took {time.monotonic() - begin:.0f} s. Not reached: {'; '.join(missed) or 'nothing'}")
    if options.output is not None:
        options.output.write_text(json.dumps(results.as_json(), indent=1), encoding="utf-8")
    if options.docs is not None:
        write_page(results, options.docs)


def run(only: set[str], effort: Effort) -> Results:
    """Return the sections asked for, or all; each is printed as soon as it is there.

    Raises:
        SystemExit: A section is asked for that there is not.
    """
    sections: dict[str, Section] = {}
    with contextlib.ExitStack() as stack:
        user = stack.enter_context(signed_in())
        server = stack.enter_context(temporary_redis())
        measures = _measures(user, server, effort)
        if unknown := only - measures.keys():
            raise SystemExit(f"no section {', '.join(unknown)}: there are {', '.join(measures)}")
        for key, measure in measures.items():
            if not only or key in only:
                sections[key] = measure()
                print(as_text(sections[key]), end="\n\n", flush=True)
    for section in reckon(sections):
        sections[section.key] = section
        print(as_text(section), end="\n\n")
    return Results(about=about(), sections=sections)


def _measures(
    user: SignedInUser, server: RedisServer | None, effort: Effort
) -> dict[str, Callable[[], Section]]:
    return {
        "request": lambda: time_in_process(user, server, effort),
        "other-code": lambda: time_after_other_code(user, effort),
        "http": lambda: time_over_http(user, effort),
        "sizes": lambda: time_sizes(user, effort),
        "sessions": lambda: time_many_sessions(effort),
        "kept": lambda: weigh_kept_sessions(user, effort),
        "at-once": lambda: time_at_once(user, effort),
        "refreshes": lambda: time_refreshes(user, effort),
        "redis": lambda: count_redis_work(user, server, effort),
        "coordinators": lambda: time_coordinators(user, server, effort),
        "storm": lambda: time_storms(server, effort),
        "footprint": lambda: weigh_package(user, effort),
    }


def about() -> list[str]:
    """Return what was timed and where."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in (*_PACKAGES, *_SERVERS)]
    if shutil.which("wrk") is not None:
        versions.append(wrk_version())
    today = dt.datetime.now(tz=dt.UTC).date()
    return [
        (
            f"{today}, {platform.system()} {platform.machine()}, {_processor()},"
            f" {os.cpu_count()} cores, Python {platform.python_version()}"
        ),
        f"{', '.join(versions)}",
        f"Peers in processes of their own: {', '.join(peer_versions()) or 'none'}",
    ]


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "an unknown processor"


if __name__ == "__main__":
    main()
