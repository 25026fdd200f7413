"""Sessions as varied as JSON allows, the same ones at every run."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-_'",
    '"\\/\b\f\n\r\t\x00\x1f\x7f<>&=;%~*',
    "äøéßñÅçğ\u0301\u00a0\u00ad",
    "日本語のユーザー한국어中文العربيةעברית\u200f\u2028\u2029\ufeff\uffff",
    "😀👩\u200d💻𝒜𐍈🇳🇴\U0010ffff",
    "\ud83d\ude00\ud800\udfff",
)
_METHODS = ("SSO", "Password", "Passkey", "GoogleOAuth", "MagicAuth", "Impersonation")


class SessionMaker:
    """Makes sessions, and the answers of WorkOS that lead to them, from a seed."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)  # noqa: S311  # repeatable is what it has to be

    def text(self, most: int = 24) -> str:
        choose = self.random.choice
        raw = "".join(choose(choose(_ALPHABETS)) for _ in range(self.random.randint(0, most)))
        # Two surrogates that happen to make a pair are one character to JavaScript.
        return raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")

    def token(self, length: int) -> str:
        return base64.urlsafe_b64encode(self.random.randbytes(length)).decode().rstrip("=")

    def json_value(self, depth: int) -> Any:
        chance = self.random
        # Above 2**53 JavaScript writes floats as whole numbers, whose last digits are zeros.
        number = chance.uniform(-1, 1) * 10.0 ** chance.randint(-300, 15)
        whole = chance.randint(-(2**53) + 1, 2**53 - 1)
        flat = (None, chance.random() < 0.5, whole, number, self.text(), self.text())
        kind = chance.randrange(9 if depth else 6)
        if kind < len(flat):
            return flat[kind]
        if kind == len(flat):
            return [self.json_value(depth - 1) for _ in range(chance.randrange(4))]
        return self.metadata(depth - 1)

    def metadata(self, depth: int) -> dict[str, Any]:
        # JavaScript puts keys that are numbers first, whatever their order was; and no object
        # has a key that is its prototype.
        return {f"k{self.text()}": self.json_value(depth) for _ in range(self.random.randrange(5))}

    def access_token(self) -> str:
        claims: dict[str, Any] = {"sub": "user_1", "sid": f"session_{self.token(12)}"}
        if self.random.random() < 0.5:
            claims["org_id"] = f"org_{self.token(12)}"
        segments = ({"alg": "RS256", "kid": "1"}, claims)
        encoded = [
            base64.urlsafe_b64encode(json.dumps(segment).encode()).decode().rstrip("=")
            for segment in segments
        ]
        return ".".join((*encoded, self.token(256)))

    def user(self) -> dict[str, Any]:
        """Return a user as the API gives it; what it may leave out is left out at times."""
        user: dict[str, Any] = {"object": "user"}
        for name in (
            *("email_verified", "name", "first_name", "last_name", "profile_picture_url"),
            *("last_sign_in_at", "locale", "created_at", "updated_at", "external_id"),
        ):
            kind = self.random.randrange(4)
            if kind == 0:
                user[name] = None
            elif kind < 3:
                user[name] = self.text()
        if "email_verified" in user:
            user["email_verified"] = self.random.random() < 0.5
        if self.random.random() < 0.7:
            user["metadata"] = None if self.random.random() < 0.2 else self.metadata(3)
        if self.random.random() < 0.3:
            user[f"unknown_{self.token(3)}"] = self.json_value(2)
        user |= {"id": f"user_{self.token(8)}", "email": f"{self.text()}@example.com"}
        items = list(user.items())
        self.random.shuffle(items)
        return dict(items)

    def answer(self) -> dict[str, Any]:
        """Return an answer of `POST /user_management/authenticate`."""
        answer: dict[str, Any] = {
            "user": self.user(),
            "organization_id": None,
            "access_token": self.access_token(),
            "refresh_token": self.token(18),
        }
        if self.random.random() < 0.7:
            answer["authentication_method"] = self.random.choice(_METHODS)
        if self.random.random() < 0.3:
            reason = self.random.choice((None, self.text()))
            answer["impersonator"] = {"email": f"{self.text()}@example.com", "reason": reason}
        if self.random.random() < 0.2:
            answer["unknown"] = self.json_value(2)
        return answer

    def session(self) -> dict[str, Any]:
        """Return what a kit seals: 1 to 8 KB of JSON, with unknown keys at times."""
        answer = self.answer()
        session: dict[str, Any] = {
            "accessToken": answer["access_token"],
            "refreshToken": answer["refresh_token"],
            "user": {**answer["user"], "metadata": self.metadata(4)},
        }
        for name, key in (("impersonator", "impersonator"), ("authentication_method", "method")):
            if name in answer:
                session[key] = answer[name]
        if self.random.random() < 0.3:
            session["oauthTokens"] = {"scopes": [self.text()], "accessToken": self.token(40)}
        missing = self.random.randint(1024, 8192) - len(json.dumps(session))
        if missing > 0:
            session["padding"] = self.token(missing * 3 // 4)
        return session
