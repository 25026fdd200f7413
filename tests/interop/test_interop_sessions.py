"""Users and whole sessions: what WorkOS answers comes to the same in the kits and here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit_bridge import NODE_8, NODE_10, Bridge
from plaintext import plaintext
from random_sessions import SessionMaker

from authkit_asgi.pkce import begin_sign_in, verifier_cookie_name
from authkit_asgi.session import seal_session, session_from_answer, unseal_session

PASSWORD = "a cookie password of 32 characters or more"
CONFIG = {"redirectUri": "https://app.example.com/callback", "cookiePassword": PASSWORD}
ANSWERS = 300
WHOLE = 60  # sign-ins that authkit-session completes

TOKENS = {"access_token": "e30.e30.c2ln", "refresh_token": "refresh_1"}
VECTORS = Path(__file__).parents[1] / "vectors" / "users.json"
USERS = [vector["user"] for vector in json.loads(VECTORS.read_text())["users"]]
FULL, LEAST = USERS[:2]


def answers() -> list[dict[str, Any]]:
    maker = SessionMaker("answers")
    fixed = [{"user": user, **TOKENS} for user in USERS]
    return [*fixed, *(maker.answer() for _ in range(ANSWERS))]


def in_order(value: Any) -> str:
    """Return JSON that shows the order of keys too."""
    return json.dumps(value)


def test_user_is_sealed_as_the_kit_converts_it(bridge: Bridge):
    made = answers()
    converted = bridge("answers", answers=made, password=PASSWORD, folder=NODE_10)
    for answer, theirs in zip(made, converted, strict=True):
        ours = session_from_answer(answer).user_json
        assert in_order(ours) == in_order(theirs["response"]["user"])


def test_user_of_the_older_kit_lacks_nothing_but_the_name(bridge: Bridge):
    made = answers()
    converted = bridge("answers", answers=made, password=PASSWORD, folder=NODE_8)
    for answer, theirs in zip(made, converted, strict=True):
        ours = dict(session_from_answer(answer).user_json)
        assert "name" in ours
        del ours["name"]
        assert in_order(ours) == in_order(theirs["response"]["user"])


@pytest.mark.parametrize("folder", [NODE_8, NODE_10])
def test_session_of_the_kit_is_the_one_that_the_answer_makes(bridge: Bridge, folder: str):
    made = answers()
    for answer, theirs in zip(
        made, bridge("answers", answers=made, password=PASSWORD, folder=folder), strict=True
    ):
        read = unseal_session(theirs["sealed"], PASSWORD)
        expected = session_from_answer(answer)
        assert read.access_token == expected.access_token
        assert read.refresh_token == expected.refresh_token
        assert read.impersonator == expected.impersonator
        assert read.authentication_method == expected.authentication_method
        assert read.user_id == expected.user_id
        if folder == NODE_10:
            assert read == expected
            assert read.user == expected.user


def sealed_by_authkit(bridge: Bridge, answer: dict[str, Any], folder: str) -> str:
    """Complete a sign-in, begun here, in authkit-session; return the session cookie's value."""
    _, state = begin_sign_in(PASSWORD)
    done = bridge(
        "finishSignIn",
        config=CONFIG,
        folder=folder,
        answer=answer,
        code="code_1",
        state=state,
        cookies={verifier_cookie_name(state): state},
    )
    name, _, rest = done["setCookies"][0].partition("=")
    assert name == "wos-session"
    return rest.partition(";")[0]


def whole_answers() -> list[dict[str, Any]]:
    """Return answers with text as metadata, as in WorkOS: JavaScript writes 1e-7, not 1e-07."""
    maker = SessionMaker("whole")
    made = [maker.answer() for _ in range(WHOLE)]
    for answer in made:
        if answer["user"].get("metadata"):
            answer["user"]["metadata"] = {f"k{maker.text()}": maker.text() for _ in range(3)}
    return [*made, {"user": FULL, **TOKENS}, {"user": LEAST, **TOKENS}]


def test_session_text_is_what_authkit_session_seals(bridge: Bridge):
    written = set()
    for answer in whole_answers():
        sealed = sealed_by_authkit(bridge, answer, NODE_10)
        theirs = plaintext(sealed, PASSWORD)
        ours = plaintext(seal_session(session_from_answer(answer), PASSWORD), PASSWORD)
        method = answer.get("authentication_method")
        written.add((method is not None, "impersonator" in answer))
        if method is not None:
            # authkit-session drops it; authkit-nextjs puts it at the end, and so do we.
            assert theirs.endswith("}")
            theirs = f'{theirs[:-1]},"authenticationMethod":"{method}"}}'
        assert ours == theirs
    assert len(written) == 4


def test_session_over_the_older_kit_has_the_same_keys_but_for_the_name(bridge: Bridge):
    for answer in whole_answers()[-20:]:
        theirs = json.loads(plaintext(sealed_by_authkit(bridge, answer, NODE_8), PASSWORD))
        ours = json.loads(plaintext(seal_session(session_from_answer(answer), PASSWORD), PASSWORD))
        del ours["user"]["name"]
        ours.pop("authenticationMethod", None)
        assert in_order(ours) == in_order(theirs)


def test_impersonator_null_is_kept_by_the_kit_and_left_out_here(bridge: Bridge):
    answer = {"user": FULL, **TOKENS, "impersonator": None}
    theirs = json.loads(plaintext(sealed_by_authkit(bridge, answer, NODE_10), PASSWORD))
    ours = json.loads(plaintext(seal_session(session_from_answer(answer), PASSWORD), PASSWORD))
    assert theirs.pop("impersonator", "absent") is None
    assert in_order(ours) == in_order(theirs)


def test_impersonator_is_written_in_full_where_the_answer_omits_the_reason(bridge: Bridge):
    answer = {"user": FULL, **TOKENS, "impersonator": {"email": "eve@example.com"}}
    theirs = json.loads(plaintext(sealed_by_authkit(bridge, answer, NODE_10), PASSWORD))
    ours = json.loads(plaintext(seal_session(session_from_answer(answer), PASSWORD), PASSWORD))
    assert theirs["impersonator"] == {"email": "eve@example.com"}
    assert ours["impersonator"] == {"email": "eve@example.com", "reason": None}
