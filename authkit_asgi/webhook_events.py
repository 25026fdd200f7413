"""WorkOS's webhooks: their signatures, and what the events in them end."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workos.webhooks import Webhooks

from authkit_asgi import strict_json
from authkit_asgi.errors import AuthKitError
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.service import AuthKit

# The SDK's verifier takes more than WorkOS writes, and some of that ends in a TypeError.
_SIGNATURE = re.compile(r"t=(?P<sent_at>[0-9]{1,15}), v1=[0-9a-f]{64}", re.ASCII)
_MAX_AGE = 180  # seconds; what the SDK's verifier allows
_REFUSED = "The webhook's signature does not verify"
_MAX_ID = 255


class InvalidWebhookError(AuthKitError):
    """A webhook is not WorkOS's, too old, or says nothing that can be understood."""

    code = "invalid_webhook"


def readable_signature(signatures: Sequence[str]) -> str:
    """Return what may be a webhook's signature, to be verified once its body has been read.

    Args:
        signatures: What the headers ``WorkOS-Signature`` hold; there has to be one.

    Raises:
        InvalidWebhookError: There is none, or not one of the form that WorkOS writes, or it says
            that the webhook was signed more than 3 minutes ago by this machine's clock, or as far
            ahead of it.
    """
    match = _SIGNATURE.fullmatch(signatures[0]) if len(signatures) == 1 else None
    if match is None or abs(time.time() - int(match["sent_at"]) / 1000) > _MAX_AGE:
        raise InvalidWebhookError(_REFUSED)
    return match[0]


def verified_event(body: bytes, signature: str, secrets: Sequence[str]) -> Any:
    """Return the event that a webhook's body holds.

    Args:
        body: As it came.
        signature: Returned by `readable_signature`.
        secrets: Of the endpoint in the dashboard; more than one while they change.

    Raises:
        InvalidWebhookError: It was signed with none of these, or more than 3 minutes ago by this
            machine's clock, or its body is no JSON object.
    """
    if not any(_verifies(body, signature, secret) for secret in secrets):
        raise InvalidWebhookError(_REFUSED)
    event: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        event = strict_json.parse(body.decode("utf-8"))
    if not isinstance(event, dict):
        raise InvalidWebhookError("The webhook's body is no JSON object")
    return event


def _verifies(body: bytes, signature: str, secret: str) -> bool:
    # HMAC-SHA256 over time and body, compared in constant time. The client that the verifier
    # belongs to it does not use.
    verify: Callable[..., None] = Webhooks(None).verify_header  # type: ignore[arg-type]
    try:
        verify(event_body=body, event_signature=signature, secret=secret)
    except ValueError:  # holds the header
        return False
    return True


async def apply_event(authkit: AuthKit, event: Mapping[str, Any]) -> bool:
    """End the sessions that an event of WorkOS's ends; return whether all workers have been told.

    An event that comes again ends no more than the first time.

    Raises:
        InvalidWebhookError: It is of a kind that is known, and does not say whom it is about.
        StoreUnavailableError: The session store cannot be used.
    """
    data: Any = event.get("data")
    match event.get("event"), data:
        case "session.revoked", {"id": session_id} if _is_id(session_id):
            user_id = data.get("user_id")
            return await authkit.end_session(
                session_id, user_id=user_id if _is_id(user_id) else None
            )
        case "user.deleted", {"id": user_id} if _is_id(user_id):
            before = _time(event, authkit)
            return await authkit.end_user(UserRevocation(user_id=user_id, before=before))
        case (
            "organization_membership.deleted",
            {"user_id": user_id, "organization_id": organization_id},
        ) if _is_id(user_id) and _is_id(organization_id):
            return await authkit.end_user(
                UserRevocation(
                    user_id=user_id, organization_id=organization_id, before=_time(event, authkit)
                )
            )
        case "session.revoked" | "user.deleted" | "organization_membership.deleted", _:
            raise InvalidWebhookError("The webhook does not say whom it is about")
    return True


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID


def _time(event: Mapping[str, Any], authkit: AuthKit) -> float:
    """Return when an event took place, by WorkOS's clock, as tokens have it.

    One that does not say so has taken place by now.
    """
    created_at = event.get("created_at")
    if isinstance(created_at, str):
        with contextlib.suppress(ValueError, OverflowError):
            time = dt.datetime.fromisoformat(created_at)
            return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()
    return authkit.now()
