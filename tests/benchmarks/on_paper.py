"""Reckon from the figures of a run what one core and one Redis carry, and what large sites need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from names import (
    HIT,
    MISS,
    ONE_REFRESH,
    REDIS_REFRESH,
    STORED_HIT,
    STORED_REFRESH,
    STORED_SIGN_IN,
)
from results import Column, Row, Section, Value

TOKEN_SECONDS = 300
RENEWED_AFTER = 270  # seconds of these, by the default `refresh_buffer`
SECONDS_BETWEEN = 20  # from one request of an active user to the next
ACTIVE_MINUTES = 20  # of a user's day
PEAK = 3  # times the mean of a day
WORKOS_PER_SECOND = 100  # WorkOS's published limit: 6,000 requests in 60 seconds with an API key
JWKS_SECONDS = 300  # `jwks_max_age`
_DAY_MINUTES = 24 * 60
_DAILY_USERS = 10_000_000
_REQUESTS = 10_000


@dataclass(frozen=True)
class Figures:
    """What a run has measured, in seconds unless it says otherwise."""

    hit: float
    miss: float
    refresh: float
    bare_rate: float
    hit_rate: float
    miss_rate: float
    redis_hit: float
    redis_refresh: float
    redis_stored_refresh: float
    stored_kb: float


def reckon(sections: Mapping[str, Section]) -> list[Section]:
    """Return what the figures come to; nothing where some are missing."""
    wanted = (
        ("request", HIT, 1, 1e-6),
        ("request", MISS, 1, 1e-6),
        ("refreshes", ONE_REFRESH, 0, 1e-6),
        ("http", "FastAPI: bare", 0, 1),
        ("http", "FastAPI: hit", 0, 1),
        ("http", "FastAPI: miss", 0, 1),
        ("redis", STORED_HIT, 1, 1e-6),
        ("redis", REDIS_REFRESH, 1, 1e-6),
        ("redis", STORED_REFRESH, 1, 1e-6),
        ("redis", STORED_SIGN_IN, 2, 1),
    )
    found: list[float] = []
    for key, name, column, unit in wanted:
        figure = sections[key].figure(name, column) if key in sections else None
        if not figure or figure < 0:
            return []
        found.append(figure * unit)
    figures = Figures(*found)
    return [_one_of_each(figures), _large_sites(figures)]


def _one_of_each(found: Figures) -> Section:
    per_gb = 2**20 / found.stored_kb
    rows: list[tuple[str, Value]] = [
        ("one core: session checks alone, hits", 1 / found.hit),
        ("one core: session checks alone, misses", 1 / found.miss),
        ("one core: refreshes alone", 1 / found.refresh),
        ("one core: FastAPI with a hit, whole requests", found.hit_rate),
        ("one core: FastAPI with a miss, whole requests", found.miss_rate),
        ("one Redis: requests whose session it keeps", 1 / found.redis_hit),
        ("one Redis: refreshes of sessions in cookies", 1 / found.redis_refresh),
        ("one Redis: refreshes of sessions that it keeps", 1 / found.redis_stored_refresh),
    ]
    return Section(
        key="carried",
        title="What one core and one Redis carry",
        columns=[Column("at most", "1/s")],
        rows=[Row(name, [value]) for name, value in rows],
        notes=[f"One GB of Redis keeps {per_gb:,.0f} sessions of the size timed here."],
    )


def _large_sites(found: Figures) -> Section:
    users = _REQUESTS * SECONDS_BETWEEN
    at_peak = _DAILY_USERS * ACTIVE_MINUTES / _DAY_MINUTES * PEAK
    sites = [_site(found, users, users), _site(found, at_peak, _DAILY_USERS)]
    names = list(sites[0])
    return Section(
        key="sites",
        title="Two large sites on paper",
        columns=[Column("10,000 requests/s", ""), Column("10 million daily users", "")],
        rows=[Row(name, [site[name] for site in sites]) for name in names],
        notes=[
            (
                f"Reckoned, not measured: an active user sends a request each {SECONDS_BETWEEN} s"
                f" and is active for {ACTIVE_MINUTES} minutes a day, the peak is {PEAK} times the"
                f" mean; access tokens live for {TOKEN_SECONDS} s and are renewed after"
                f" {RENEWED_AFTER} s."
            )
        ],
    )


def _site(found: Figures, users: float, kept: float) -> dict[str, Value]:
    requests, refreshes = users / SECONDS_BETWEEN, users / RENEWED_AFTER

    def more(rate: float) -> float:
        return requests * max(0, 1 / rate - 1 / found.bare_rate)

    cores = requests / found.miss_rate + refreshes * found.refresh
    stored = requests * found.redis_hit + refreshes * found.redis_stored_refresh
    figures: dict[str, float] = {
        "users active at once": users,
        "requests/s": requests,
        "refreshes/s": refreshes,
        f"refreshes/s over WorkOS's {WORKOS_PER_SECOND}/s, times": refreshes / WORKOS_PER_SECOND,
        "token lifetime that stays within it, minutes": users / WORKOS_PER_SECOND / 60,
        "cores: FastAPI without the middleware": requests / found.bare_rate,
        "cores: more for the middleware, all hits": more(found.hit_rate),
        "cores: more for the middleware, all misses": more(found.miss_rate),
        "cores: more for refreshes": refreshes * found.refresh,
        "key sets fetched, 1/s (a worker a core)": cores / JWKS_SECONDS,
        "Redis cores: refreshes of sessions in cookies": refreshes * found.redis_refresh,
        "Redis cores: all sessions kept in Redis": stored,
        "Redis GB: all sessions kept in Redis": kept * found.stored_kb / 2**20,
    }
    return {name: _short(value) for name, value in figures.items()}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
