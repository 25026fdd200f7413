"""Time requests over HTTP: what a session check leaves of a server's requests per second."""

from __future__ import annotations

import contextlib
import random
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from http_servers import CONNECTIONS, Measure, Server, Site, check_served, load, on_core, served
from in_process import sealed_by_workos_python, signed_session
from one_request import SignedInUser, cookie_of
from results import Column, Goal, Row, Section, Value
from rounds import Effort

FRAMEWORKS = ("ASGI", "FastAPI")
WORKERS = 2

_COLUMNS = [
    Column("requests", "1/s"),
    Column("of bare", "%"),
    Column("processor", "µs"),
    Column("p50", "ms"),
    Column("of bare", "x"),
    Column("p99", "ms"),
    Column("of bare", "x"),
]
_LEAST = {"hit": (("FastAPI",), 0.93), "no cookie": (FRAMEWORKS, 0.98)}


@dataclass(frozen=True)
class Case:
    """One site asked with one cookie, and what it is compared with."""

    name: str
    site: Site
    cookie: str | None
    bare: str
    goals: tuple[float, ...] = ()


def time_over_http(user: SignedInUser, effort: Effort) -> Section:
    """Return the rates and waits of each site, beside those of the bare one of the same round."""
    if shutil.which("wrk") is None:
        note = "wrk is not on the path (on Debian: apt-get install wrk): nothing was measured."
        return _section([], [note])
    cases = _cases(user)
    measures: dict[str, list[Measure]] = {case.name: [] for case in cases}
    with contextlib.ExitStack() as stack:
        sites = dict.fromkeys(case.site for case in cases)
        servers = {site: stack.enter_context(served(site, user)) for site in sites}
        for case in cases:
            _check(case, servers[case.site])
        for _ in range(effort.http_rounds):
            for case in random.sample(cases, len(cases)):
                found = load(servers[case.site], case.cookie, effort.http_seconds)
                measures[case.name].append(found)
        for case in cases:
            _check(case, servers[case.site])
    return _section([_row(case, measures) for case in cases], _notes(effort))


def _check(case: Case, server: Server) -> None:
    is_signed_in = case.cookie is not None and case.site.check != "bare"
    check_served(server, case.cookie, is_signed_in=is_signed_in)


def _cases(user: SignedInUser) -> list[Case]:
    own = cookie_of(user.sealed)
    peer, signed = f"wos-session={sealed_by_workos_python(user)}", signed_session(user)
    cases: list[Case] = []
    for framework in FRAMEWORKS:
        bare, bare_without = f"{framework}: bare", f"{framework}: bare, no cookie"
        for name, check, cookie, beside in (
            ("bare", "bare", own, bare),
            ("hit", "remembering", own, bare),
            ("miss", "forgetful", own, bare),
            ("workos-python", "workos-python", peer, bare),
            ("SessionMiddleware", "signed", signed, bare),
            ("bare, no cookie", "bare", None, bare_without),
            ("no cookie", "remembering", None, bare_without),
        ):
            frameworks, bound = _LEAST.get(name, ((), 0.0))
            goals = (bound,) if framework in frameworks else ()
            site = Site(framework, check)
            cases.append(Case(f"{framework}: {name}", site, cookie, beside, goals))
    bare = f"FastAPI, {WORKERS} workers: bare"
    cases.append(Case(bare, Site("FastAPI", "bare", WORKERS), own, bare))
    name = f"FastAPI, {WORKERS} workers: hit"
    cases.append(Case(name, Site("FastAPI", "remembering", WORKERS), own, bare))
    return cases


def _row(case: Case, measures: Mapping[str, Sequence[Measure]]) -> Row:
    own, bare = measures[case.name], measures[case.bare]

    def figures(of: Callable[[Measure], float], unit: float = 1) -> list[float]:
        ratios = [of(each) / of(beside) for each, beside in zip(own, bare, strict=True)]
        return [statistics.median(map(of, own)) * unit, statistics.median(ratios)]

    rates = figures(lambda each: each.rate)
    waits = [figures(lambda each: each.p50, 1000), figures(lambda each: each.p99, 1000)]
    busy = None if case.site.workers > 1 else figures(lambda each: each.busy, 1e6)[0]
    values: list[Value] = [*rates, busy, *waits[0], *waits[1]]
    goals = [
        Goal(wanted=f"≥ {least:.0%} of bare", measured=rates[1], bound=least, is_least=True)
        for least in case.goals
    ]
    return Row(case.name, values, goals)


def _notes(effort: Effort) -> list[str]:
    pinned = on_core(1, "wrk")[0] == "taskset"
    cores = "the server on one core, wrk on another" if pinned else "no process held to a core"
    return [
        (
            f"uvicorn and wrk, {CONNECTIONS} connections that are kept, {cores}; medians of"
            f" {effort.http_rounds} rounds, in each of which every case has"
            f" {effort.http_seconds:g} s; ratios are to the bare application of the same round."
        ),
        "Processor: what the server's process takes for a request, all that uvicorn does included.",
        f"{WORKERS} workers take whichever core is free, and wrk takes its share of both.",
    ]


def _section(rows: Sequence[Row], notes: Sequence[str]) -> Section:
    return Section(key="http", title="Over HTTP", columns=_COLUMNS, rows=rows, notes=notes)
