"""Plain words for what the package says in codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from authkit_asgi import (
    AuthKitError,
    GrantRejectedError,
    ReauthenticationRequiredError,
    SignedOutReason,
    UnavailableError,
)

_SIGNED_OUT: Mapping[SignedOutReason, str] = {
    SignedOutReason.NO_SESSION_COOKIE_PROVIDED: "Nobody is signed in with this browser.",
    SignedOutReason.INVALID_SESSION_COOKIE: "Your session could not be read. "
    "Signing in gives you a new one.",
    SignedOutReason.INVALID_JWT: "Your session is no longer valid.",
    SignedOutReason.SESSION_EXPIRED: "Your session has expired.",
    SignedOutReason.REFRESH_DENIED: "Your session has ended, perhaps on another device.",
    SignedOutReason.MFA_ENROLLMENT: "Your organization asks for a second factor. "
    "Signing in lets you set one up.",
    SignedOutReason.MFA_CHALLENGE: "Your second factor is needed again.",
    SignedOutReason.SSO_REQUIRED: "Your organization asks you to sign in "
    "through its own identity provider.",
    SignedOutReason.EMAIL_VERIFICATION_REQUIRED: "Your email address has to be verified first.",
    SignedOutReason.ORGANIZATION_SELECTION_REQUIRED: "You have to choose an organization first.",
    SignedOutReason.SIGNED_OUT: "You have signed out.",
    SignedOutReason.UNTRUSTED_ORIGIN: "The request came from another site.",
    SignedOutReason.TEMPORARILY_UNAVAILABLE: "Signing in is unavailable for a moment. "
    "You are not signed out: try again shortly.",
    SignedOutReason.NOT_EVALUATED: "This address does not ask who you are.",
}

_METHODS = {
    "AppleOAuth": "Apple",
    "GitHubOAuth": "GitHub",
    "GoogleOAuth": "Google",
    "Impersonation": "Impersonation",
    "MagicAuth": "Code by email",
    "MicrosoftOAuth": "Microsoft",
    "Passkey": "Passkey",
    "Password": "Password",
    "SSO": "Single sign-on",
}

# The first whose mark is there: browsers name those that they want to be taken for, too.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)

_SWITCH = {
    "sso_required": "This organization asks you to sign in through its own identity provider.",
    "mfa_enrollment": "This organization asks for a second factor, which you have to set up first.",
    "mfa_challenge": "This organization asks for your second factor.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What went wrong, what the response's status is, and where another sign-in puts it right."""

    text: str
    status: int
    sign_in_url: str | None = None


def signed_out(reason: SignedOutReason) -> str:
    """Say why nobody is signed in."""
    return _SIGNED_OUT.get(reason, "Your session has ended.")


def method(name: str | None) -> str:
    """Say how somebody signed in; a method without words of its own is shown as WorkOS names it."""
    return "Not known" if name is None else _METHODS.get(name, name)


def device(user_agent: str | None) -> str:
    """Say which browser and system a session is from, as far as these say it themselves."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in text), None)
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def switch_notice(error: AuthKitError, organization_id: str) -> Notice:
    """Say why the session could not move to another organization."""
    if isinstance(error, GrantRejectedError):
        text = _SWITCH.get(error.reason, "You cannot switch to this organization.")
        if isinstance(error, ReauthenticationRequiredError):
            return Notice(text=text, status=403, sign_in_url=error.authorization_url)
        query = urlencode({"organization_id": organization_id, "return_to": "/dashboard"})
        return Notice(text=text, status=403, sign_in_url=f"/login?{query}")
    if isinstance(error, UnavailableError):
        text = f"WorkOS cannot be reached. Try again in {error.retry_after} seconds."
        return Notice(text=text, status=503)
    return Notice(text=f"The switch did not work ({error.code}). Reload the page.", status=500)
