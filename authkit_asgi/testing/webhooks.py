"""Webhooks as WorkOS signs and sends them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from authkit_asgi.testing.identifiers import new_identifier, timestamp
from authkit_asgi.testing.settings import Settings

_ATTEMPTS = 8
_PAUSE_SECONDS = 0.05  # before the second attempt; each time twice as long
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebhook:
    """What to send: ``client.post(path, content=webhook.body, headers=webhook.headers)``."""

    body: bytes
    headers: Mapping[str, str]


def sign_webhook(
    event: str | Mapping[str, Any] | bytes,
    data: Mapping[str, Any] | None = None,
    *,
    secret: str,
    created_at: float | None = None,
    sent_at: float | None = None,
) -> SignedWebhook:
    """Return a webhook as WorkOS sends it.

    Args:
        event: Its kind, such as ``session.revoked``; or a whole body: JSON, or bytes as they are.
        data: What it is about, if `event` is a kind.
        secret: The endpoint's.
        created_at: When it took place, in seconds since the epoch; now when `None`.
        sent_at: When it was signed, which has to be within 3 minutes; now when `None`.
    """
    now = time.time()
    if isinstance(event, str):
        event = {
            "object": "event",
            "id": new_identifier("event"),
            "event": event,
            "data": dict(data or {}),
            "created_at": timestamp(now if created_at is None else created_at),
        }
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    milliseconds = int((now if sent_at is None else sent_at) * 1000)
    signed = f"{milliseconds}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    headers = {
        "WorkOS-Signature": f"t={milliseconds}, v1={signature}",
        "Content-Type": "application/json",
    }
    return SignedWebhook(body=body, headers=headers)


class Webhooks:
    """Sends events to the address that the settings name, each in a thread of its own.

    What is not answered with 2xx is sent again, some times; WorkOS tries for days.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock

    def send(self, event: str, data: Mapping[str, Any]) -> None:
        """Send an event, if there is an address, without waiting for it."""
        url, secret = self._settings.webhook_url, self._settings.webhook_secret
        if not url:
            return
        now = self._clock()
        threading.Thread(
            target=_deliver, args=(url, secret, event, dict(data), now), name=event, daemon=True
        ).start()


def _deliver(url: str, secret: str, event: str, data: Mapping[str, Any], at: float) -> None:
    body = sign_webhook(event, data, secret=secret, created_at=at).body
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        for attempt in range(_ATTEMPTS):
            webhook = sign_webhook(body, secret=secret)
            try:
                if client.post(url, content=webhook.body, headers=webhook.headers).is_success:
                    return
            except httpx.HTTPError:
                pass  # whoever listens there may just be starting
            time.sleep(_PAUSE_SECONDS * 2**attempt)
