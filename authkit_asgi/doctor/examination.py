"""The examination as a whole, in the order in which a person would go about it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from authkit_asgi.doctor.api_checks import check_api, check_keys
from authkit_asgi.doctor.findings import Finding, Report
from authkit_asgi.doctor.password_strength import check_passwords
from authkit_asgi.doctor.setting_checks import check_addresses, check_cookies, check_settings
from authkit_asgi.doctor.subject import Subject
from authkit_asgi.http_clients import HTTPClients


async def examine(subject: Subject, *, clock: Callable[[], float] = time.time) -> Report:
    """Look at the settings, then at what they name.

    Args:
        subject: The settings.
        clock: Seconds since the epoch, by this machine.
    """
    findings = list(check_settings(subject))
    config = subject.config
    if config is None:
        message = "Cookies, passwords and the WorkOS API: the settings have to be mended first"
        findings.append(Finding(check="api.reached", status="skipped", message=message))
    else:
        findings += [*check_addresses(config), *check_passwords(config), *check_cookies(config)]
        clients = HTTPClients()
        findings += [found async for found in check_api(config, clients, clock=clock)]
        findings.append(await check_keys(config, clients, clock=clock))
    findings += [found async for found in _redis(subject)]
    return Report(findings)


async def _redis(subject: Subject) -> AsyncIterator[Finding]:
    if subject.redis_url is None:
        message = "No Redis to look at (--redis): each worker would refresh for itself"
        yield Finding(check="redis.reached", status="skipped", message=message)
        return
    try:
        from authkit_asgi.doctor.redis_checks import check_redis  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        yield Finding(
            check="redis.reached",
            status="fault",
            message="The package redis is not installed",
            advice="pip install 'authkit-asgi[redis]'",
        )
        return
    async for finding in check_redis(subject.redis_url):
        yield finding
