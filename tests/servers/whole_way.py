"""In, again, past the end of an access token, and out: what each server has to let pass."""

from __future__ import annotations

import base64
import json
import time

from server_processes import until
from visitors import SESSION, Visitor


def expiry_of(token: str) -> int:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]


def go_the_whole_way(visitor: Visitor) -> None:
    """Sign in, ask again until past the end of the access token, and sign out."""
    browser = visitor.browser
    assert browser.get("/me").status_code == 401
    page = browser.get("/me?a=%20b", headers={"accept": "text/html"})
    assert page.headers["location"] == "/login?return_to=%2Fme%3Fa%3D%2520b"
    with visitor.access_tokens_of(seconds=3):
        visitor.sign_in()
        user, first = browser.get("/me").json()
        assert user == visitor.user_id
        tokens = [first]
        cookies = [browser.cookies[SESSION]]

        def first_token_has_expired() -> bool:
            answer = browser.get("/me")
            assert answer.status_code == 200
            same, token = answer.json()
            assert same == user
            assert (token != tokens[-1]) == ("set-cookie" in answer.headers)
            if token != tokens[-1]:
                tokens.append(token)
                cookies.append(browser.cookies[SESSION])
            return len(tokens) > 1 and time.time() > expiry_of(first)

        until(first_token_has_expired)
    assert len({*tokens}) == len({*cookies}) == len(tokens)
    assert visitor.exchanges == len(tokens) - 1
    out = browser.post("/logout", headers={"origin": visitor.server.address})
    assert out.status_code == 303
    assert "/user_management/sessions/logout?session_id=" in out.headers["location"]
    assert browser.get("/me").status_code == 401
    assert SESSION not in browser.cookies
