"""Stable names of what the package logs, for people who filter, count or alert on it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

EVENTS: Mapping[str, str] = {
    "The HTTP client failed: %s": "authkit.api.client_failed",
    "Large: eager_auth leaves out access tokens of more bytes than a cookie holds": (
        "authkit.eager_auth.left_out"
    ),
    "A refresh hook failed": "authkit.hook.failed",
    "JWKS fetch failed; next try after %g s. %s": "authkit.jwks.fetch_failed",
    "JWKS fetch works again": "authkit.jwks.restored",
    "Degraded: Redis cannot be used (%s), so %s": "authkit.redis.degraded",
    "Restored: Redis can be used again": "authkit.redis.restored",
    "Denied: refresh of session %r of user %r (%s)": "authkit.refresh.denied",
    "Refreshed session %r of user %r": "authkit.refresh.succeeded",
    "Unavailable: refresh of session %r of user %r (%s): %s": "authkit.refresh.unavailable",
    "Degraded: what other workers end is heard late (%s)": "authkit.revocations.degraded",
    "Degraded: listening to other workers has failed (%s)": "authkit.revocations.failed",
    "Restored: what other workers end is heard at once": "authkit.revocations.restored",
    "Large: a session cookie of %s bytes, 4096 of which browsers store in one: %s. See %s": (
        "authkit.session.large"
    ),
    "Loading a session failed with %s": "authkit.session.load_failed",
    "%s: %s": "authkit.session.refused",
    "Too large: no cookie holds a session of %s bytes; soon an error page: %s. See %s": (
        "authkit.session.too_large"
    ),
    "session_transform is passed over: %s": "authkit.session_transform.failed",
    "A sign-in was not completed (%s): %s": "authkit.sign_in.failed",
    "The session store failed with %s": "authkit.store.failed",
    "Full: the in-memory session store drops its oldest; max_sessions is %s": "authkit.store.full",
    "Telemetry failed with %s": "authkit.telemetry.failed",
    "A webhook was refused: %s": "authkit.webhook.refused",
    "Paused: no %s for %s s, %s failures": "authkit.workos.paused",
}
"""The names by the templates of the messages. Names stay; templates may change."""


class _Naming(logging.Filter):
    """Puts the name on each record, as `event_name`; keeps none back."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass, with its name."""
        vars(record)["event_name"] = EVENTS.get(str(record.msg), "authkit.other")
        return True


_NAMING = _Naming()


def named_logger(module: str) -> logging.Logger:
    """Return a module's logger; what it logs has an `event_name`, whoever handles it."""
    logger = logging.getLogger(module)
    logger.addFilter(_NAMING)
    return logger
