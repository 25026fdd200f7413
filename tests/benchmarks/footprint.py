"""Weigh the package itself: the time of its import, its memory in a process, its wheel."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from http_servers import Site, served
from one_request import SignedInUser, cookie_of
from resident import resident
from results import Column, Goal, Row, Section, Value
from rounds import Effort

_ROOT = Path(__file__).parents[2]
_IMPORTS = 15
_REQUESTS = 2_000
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)


def weigh_package(user: SignedInUser, effort: Effort) -> Section:
    """Return what the package takes before it does anything, and while it serves."""
    own, others = _import_times(effort.of(_IMPORTS))
    own_goal = Goal(wanted="< 60 ms", measured=own * 1000, bound=60)
    modules = _probe("import sys, authkit_asgi; print(len(sys.modules))")
    rows = [
        Row("import authkit_asgi, its own modules", [own * 1000, None], [own_goal]),
        Row("import authkit_asgi, what it depends on", [others * 1000, None]),
        Row(f"process after the import ({modules} modules)", [None, _memory("authkit_asgi")]),
        Row("process after importing FastAPI alone", [None, _memory("fastapi")]),
        Row("process after importing both", [None, _memory("fastapi, authkit_asgi")]),
    ]
    for check, name in (("bare", "bare FastAPI"), ("remembering", "FastAPI with the middleware")):
        number = effort.of(_REQUESTS)
        memory = _memory_of_server(user, check, number)
        rows.append(Row(f"uvicorn and {name}, after {number:,} requests", [None, memory]))
    rows.append(Row("wheel", [None, _wheel()]))
    return Section(
        key="footprint",
        title="Start-up and footprint",
        columns=[Column("time", "ms"), Column("size", "MB")],
        rows=rows,
        notes=[f"By -X importtime, medians of {effort.of(_IMPORTS)}; memory is the resident set."],
    )


def _import_times(number: int) -> tuple[float, float]:
    """Return the seconds that our modules take, and all others that they bring in."""
    own: list[float] = []
    others: list[float] = []
    for _ in range(number):
        command = [sys.executable, "-X", "importtime", "-c", "import authkit_asgi"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        before, _, after = said.partition(" site\n")  # what Python itself starts with
        taken = [(name, int(us) / 1e6) for us, name in _LINE.findall(after or before)]
        own.append(sum(s for name, s in taken if name.split(".")[0] == "authkit_asgi"))
        others.append(sum(s for _, s in taken) - own[-1])
    return statistics.median(own), statistics.median(others)


def _memory(modules: str) -> float:
    """Return the MB of a process that has imported modules."""
    return float(_probe(f"import {modules}; from resident import resident; print(resident())"))


def _probe(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )
    return done.stdout.strip()


def _memory_of_server(user: SignedInUser, check: str, number: int) -> float:
    with served(Site("FastAPI", check), user) as server:
        headers = {"Cookie": cookie_of(user.sealed)}
        with httpx.Client(base_url=server.address, headers=headers, trust_env=False) as client:
            for _ in range(number):
                client.get("/").raise_for_status()
        return resident(server.process)


def _wheel() -> Value:
    """Return the wheel's MB, or that it could not be built."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        done = subprocess.run([*command, "--wheel-dir", folder, str(_ROOT)], check=False)
        if done.returncode:
            return "not built"
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size / 2**20
