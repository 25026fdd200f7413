"""The settings themselves, and what a browser makes of the cookies that they describe."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.doctor.findings import Finding
from authkit_asgi.doctor.subject import Subject
from authkit_asgi.origins import is_loopback

_MAX_COOKIE_SECONDS = 34_560_000  # 400 days: what browsers shorten Max-Age to (RFC 6265bis, 5.5)
_DAY = 86_400


def check_settings(subject: Subject) -> Iterator[Finding]:
    """Yield a line for each fault of the settings; each names the variable and how to mend it."""
    for problem in subject.problems:
        yield Finding(check="settings", status="fault", message=problem)
    if not subject.problems:
        message = f"The settings of {subject.origin} are complete and fit together"
        yield Finding(check="settings", status="ok", message=message)


def check_addresses(config: AuthKitConfig) -> Iterator[Finding]:
    """Yield which addresses are good for development alone."""
    for name, url in (
        ("WORKOS_REDIRECT_URI (redirect_uri)", config.redirect_uri),
        ("WORKOS_BASE_URL (api_base_url)", config.api_base_url),
    ):
        if is_loopback(urlsplit(url).hostname or ""):
            yield Finding(
                check="settings.addresses",
                status="warning",
                message=f"{name} is an address of this machine",
                advice="Right for development; a deployment needs one that browsers can reach"
                if url is config.redirect_uri
                else "Right for the emulator; a deployment leaves it unset",
            )


def check_cookies(config: AuthKitConfig) -> Iterator[Finding]:
    """Yield the session cookie's attributes, and where browsers differ from what they say."""
    attributes = [config.cookie_name, "Path=/", "HttpOnly"]
    attributes += ["Secure"] if config.cookie_secure else []
    attributes.append(f"SameSite={config.cookie_same_site.capitalize()}")
    shared = f"Domain={config.cookie_domain}" if config.cookie_domain else "of this host alone"
    days = f"{config.cookie_max_age / _DAY:g} days"
    message = "; ".join([*attributes, shared, days])
    yield Finding(check="cookie.attributes", status="ok", message=message)
    if config.cookie_secure and config.redirect_uri.lower().startswith("http:"):
        yield Finding(
            check="cookie.secure",
            status="warning",
            message="SameSite=None makes cookies Secure, and WORKOS_REDIRECT_URI is http",
            advice="Safari stores none then, not even on localhost: use https, or SameSite=Lax",
        )
    if config.cookie_max_age > _MAX_COOKIE_SECONDS:
        yield Finding(
            check="cookie.age",
            status="warning",
            message="WORKOS_COOKIE_MAX_AGE is more than the 400 days that browsers grant",
            advice=f"Set {_MAX_COOKIE_SECONDS} or less",
        )
    if config.cookie_same_site == "none" and not config.trusted_origins:
        yield Finding(
            check="cookie.same_site",
            status="warning",
            message="SameSite=None without trusted_origins: pages of other sites send the cookie, "
            "and no form or WebSocket of theirs is let in",
            advice="Name their origins in trusted_origins, or use SameSite=Lax",
        )
