"""Whole sign-ins as the JavaScript kits make them; tests/vectors/make.mjs wrote them down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.pkce import PendingSignIn, unseal_state, verifier_cookie_name
from authkit_asgi.seal import unseal
from authkit_asgi.session import Session, seal_session, session_from_answer, unseal_session

VECTORS = Path(__file__).parent / "vectors"
EXPIRES = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT"


def _vectors(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    assert vectors["maker"]
    return vectors


def _cases(name: str, of: str) -> list[Any]:
    return [pytest.param(each, id=each["name"]) for each in _vectors(name)[of]]


def _text(sealed: str, password: str) -> str:
    """Return the JSON in a seal as JavaScript writes it, keys in their order."""
    content = unseal(sealed, password, clock=lambda: 0)  # long before it expires
    return _javascript(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def _javascript(text: str) -> str:
    """Return JSON with lone surrogates escaped, as they are in a seal."""
    return text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("vector", _cases("users", "users"))
def test_user_is_sealed_as_the_kit_converts_it(vector):
    answer = {"user": vector["user"], "access_token": "a", "refresh_token": "r"}
    user = session_from_answer(answer).user_json
    assert json.dumps(user) == json.dumps(vector["sealed"])


@pytest.mark.parametrize("vector", _cases("sessions-authkit-session", "sessions"))
def test_session_of_authkit_session_has_the_text_of_ours(vector):
    password = _vectors("sessions-authkit-session")["password"]
    assert _text(vector["sealed"], password) == vector["text"]
    ours = _text(seal_session(session_from_answer(vector["answer"]), password), password)
    method = vector["answer"].get("authentication_method")
    # authkit-session drops the method; authkit-nextjs puts it at the end, and so do we.
    end = "" if method is None else f',"authenticationMethod":"{method}"'
    assert ours == vector["text"][:-1] + end + "}"


@pytest.mark.parametrize("vector", _cases("sessions-authkit-session", "sessions"))
def test_session_of_authkit_session_is_the_one_the_answer_makes(vector):
    session = unseal_session(vector["sealed"], _vectors("sessions-authkit-session")["password"])
    expected = session_from_answer({**vector["answer"], "authentication_method": None})
    assert _parts(session) == _parts(expected)


@pytest.mark.parametrize("vector", _cases("sessions-workos-node", "sessions"))
def test_session_of_workos_node_is_the_one_the_answer_makes(vector):
    password = _vectors("sessions-workos-node")["password"]
    assert _text(vector["sealed"], password) == vector["text"]
    session = unseal_session(vector["sealed"], password)
    assert _parts(session) == _parts(session_from_answer(vector["answer"]))


def _parts(session: Session) -> tuple[Any, ...]:
    return (
        session.access_token,
        session.refresh_token,
        session.user_json,
        session.user,
        session.impersonator,
        session.authentication_method,
    )


@pytest.mark.parametrize("vector", _cases("sign-ins", "signIns"))
def test_pending_sign_in_of_the_kit_is_read(vector):
    vectors = _vectors("sign-ins")
    name, _, rest = vector["line"].partition("=")
    state = rest.partition(";")[0]
    assert verifier_cookie_name(state) == name == vector["cookieName"]
    pending = unseal_state(state, vectors["password"], clock=lambda: vectors["now"] / 1000)
    assert pending == PendingSignIn(
        code_verifier=json.loads(vector["text"])["codeVerifier"],
        issued_at=vectors["now"] / 1000,
        return_path=vector["options"].get("returnPathname"),
        custom_state=vector["options"].get("state"),
    )


@pytest.mark.parametrize("vector", _cases("sign-ins", "signIns"))
def test_pending_sign_in_of_ours_has_the_keys_of_the_kits(vector):
    vectors = _vectors("sign-ins")
    theirs = json.loads(vector["text"])
    theirs.pop("redirectUri", None)  # there is one redirect URI here
    config = _config({"redirectUri": "https://app.example.com/callback"})
    ours = AuthKit(config, clock=lambda: vectors["now"] / 1000).authorization_url(
        return_to=vector["options"].get("returnPathname"),
        custom_state=vector["options"].get("state"),
    )
    text = _text(ours.state, config.cookie_password)
    fresh = {name: json.loads(text)[name] for name in ("nonce", "codeVerifier")}
    assert [len(fresh[name]) for name in fresh] == [len(theirs[name]) for name in fresh]
    assert text == json.dumps({**theirs, **fresh}, ensure_ascii=False, separators=(",", ":"))


NAMES = {
    "redirectUri": "redirect_uri",
    "cookieDomain": "cookie_domain",
    "cookieSameSite": "cookie_same_site",
    "cookieMaxAge": "cookie_max_age",
    "cookieName": "cookie_name",
    "cookiePassword": "cookie_password",
}


def _config(kit: dict[str, Any]) -> AuthKitConfig:
    settings = {"cookie_password": "a cookie password of 32 characters or more"}
    settings |= {NAMES[name]: value for name, value in kit.items()}
    return AuthKitConfig(client_id="client_1", api_key="sk_test_1", **settings)


@pytest.mark.parametrize("vector", _cases("set-cookie", "configurations"))
def test_set_cookie_lines_are_those_of_the_kit(vector):
    writer = CookieWriter(_config(vector["config"]))
    sealed, name = vector["sealed"], vector["verifierName"]
    assert writer.session(sealed)[0].line.decode() == vector["session"]
    assert writer.verifier(name, sealed).line.decode() == vector["verifier"]
    # Deletions have an Expires more: some clients look at nothing else.
    cleared = writer.expire_session()[0].line.decode()
    assert cleared == vector["cleared"].replace("; Max-Age=0", f"; Max-Age=0{EXPIRES}")
    cleared = writer.expire_verifier(name).line.decode()
    assert cleared == vector["clearedVerifier"].replace("; Max-Age=0", f"; Max-Age=0{EXPIRES}")
