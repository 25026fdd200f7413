"""What an application asks for at GET /user_management/authorize."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from authkit_asgi.testing.refusal import invalid_request

# SHA-256 in base64url without padding (RFC 7636, section 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_DIGITS = re.compile(r"[0-9]{1,10}")
# All that may stand in a query already encoded; what is left is encoded octet by octet.
_QUERY_CHARACTERS = "%:/?@!$'()*+,;=-._~"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request whose redirect URI may be used; it may still be at fault (see `problem`)."""

    redirect_uri: str
    parameters: Mapping[str, str]
    encoded_state: str | None

    @classmethod
    def parse(
        cls,
        query: Mapping[str, str],
        query_string: bytes,
        *,
        client_id: str,
        redirect_uris: Collection[str],
    ) -> AuthorizationRequest:
        """Read a request; `Refusal` if it must not be answered by a redirect."""
        if query.get("client_id") != client_id:
            raise invalid_request("The client_id is missing or not known.")
        redirect_uri = query.get("redirect_uri", "")
        if not is_web_address(redirect_uri) or "#" in redirect_uri:
            raise invalid_request("The redirect_uri is missing or no http(s) address.")
        if redirect_uris and redirect_uri not in redirect_uris:
            raise invalid_request("The redirect_uri is not among those allowed.")
        return cls(
            redirect_uri=redirect_uri,
            parameters=dict(query),
            encoded_state=_encoded_parameter(query_string, b"state"),
        )

    def problem(self) -> tuple[str, str] | None:
        """Return what is wrong with the request, as ``error`` and ``error_description``."""
        get = self.parameters.get
        if get("response_type") != "code":
            return "unsupported_response_type", "The response_type must be code."
        challenge = get("code_challenge")
        if challenge is None and get("code_challenge_method") is not None:
            return "invalid_request", "The code_challenge is missing."
        if challenge is not None and get("code_challenge_method") != "S256":
            return "invalid_request", "The code_challenge_method must be S256."
        if challenge is not None and not _CHALLENGE.fullmatch(challenge):
            return "invalid_request", "The code_challenge is no SHA-256 in base64url."
        if not _DIGITS.fullmatch(get("max_age", "0")):
            return "invalid_request", "The max_age must be a number of seconds."
        return None

    @property
    def application(self) -> str:
        """The host people return to."""
        return urlsplit(self.redirect_uri).netloc

    @property
    def challenge(self) -> str | None:
        """The S256 code challenge."""
        return self.parameters.get("code_challenge")

    @property
    def organization_id(self) -> str | None:
        """The organization asked for."""
        return self.parameters.get("organization_id") or None

    @property
    def login_hint(self) -> str:
        """The email address of who is expected; empty if there is none."""
        return self.parameters.get("login_hint", "")

    @property
    def wants_sign_up(self) -> bool:
        """Whether the sign-up page is asked for."""
        return self.parameters.get("screen_hint") == "sign-up"

    def accepts(self, authenticated_seconds_ago: float) -> bool:
        """Tell whether an earlier sign-in will do."""
        if self.parameters.get("prompt") == "login":
            return False
        max_age = self.parameters.get("max_age")
        return max_age is None or authenticated_seconds_ago < int(max_age)

    def success(self, code: str) -> str:
        """Return where the browser goes with a code."""
        return self._address({"code": code})

    def success_without_state(self, code: str) -> str:
        """Return where the browser goes when WorkOS, not the application, starts a sign-in."""
        return _join(self.redirect_uri, urlencode({"code": code}))

    def failure(self, error: str, description: str) -> str:
        """Return where the browser goes with an error (RFC 6749, section 4.1.2.1)."""
        return self._address({"error": error, "error_description": description})

    def _address(self, parameters: Mapping[str, str]) -> str:
        query = urlencode(parameters)
        if self.encoded_state is not None:
            query += f"&state={self.encoded_state}"
        return _join(self.redirect_uri, query)


def is_web_address(address: str) -> bool:
    """Tell whether a text is an absolute http or https address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _join(address: str, query: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{query}"


def _encoded_parameter(query_string: bytes, name: bytes) -> str | None:
    """Return a parameter as it was sent: decoding and encoding again could change it."""
    for part in query_string.split(b"&"):
        key, _, value = part.partition(b"=")
        if key == name:
            return quote(value, safe=_QUERY_CHARACTERS)
    return None
