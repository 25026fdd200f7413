"""`authkit-asgi inspect` opens what the JavaScript kits have sealed, and counts all of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kit_bridge import KITS, Bridge

from authkit_asgi import cli
from authkit_asgi.pkce import begin_sign_in, verifier_cookie_name

PASSWORD = "a cookie password of 32 characters or more"
CONFIG = {"redirectUri": "https://app.example.com/callback", "cookiePassword": PASSWORD}
# {"sub": …, "sid": …, "org_id": …, "exp": 1800000300}, and a signature that is none
TOKEN = (
    "e30.eyJzdWIiOiJ1c2VyXzEiLCJzaWQiOiJzZXNzaW9uXzEiLCJvcmdfaWQiOiJvcmdfMSIsImV4cCI6MTgwMDAwMDMwMH0"
    ".c2ln"
)
USER = json.loads((Path(__file__).parents[1] / "vectors" / "users.json").read_text())["users"][0]
ANSWER = {"user": {**USER["user"], "id": "user_1"}, "access_token": TOKEN, "refresh_token": "r_1"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WORKOS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)


def inspected(text: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.main(["inspect", "--json", text]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_inspect_opens_the_cookie_that_authkit_session_writes(bridge: Bridge, capsys):
    _, state = begin_sign_in(PASSWORD)
    cookies = {verifier_cookie_name(state): state}
    done = bridge(
        "finishSignIn", config=CONFIG, answer=ANSWER, code="code_1", state=state, cookies=cookies
    )
    line = done["setCookies"][0]
    content = inspected(f"Set-Cookie: {line}", capsys)
    assert (content["user_id"], content["session_id"]) == ("user_1", "session_1")
    assert (content["organization_id"], content["expires_at"]) == ("org_1", 1_800_000_300)
    parts = {part["name"]: part["size"] for part in content["size"]["parts"]}
    assert "other content" not in parts
    assert sum(parts.values()) == content["size"]["total"]
    assert content["size"]["total"] == len(line.partition("=")[2].partition(";")[0])


@pytest.mark.parametrize("kit", KITS[:4])  # the fifth seals what it knows of an answer
def test_inspect_counts_what_a_kit_has_sealed_besides(bridge: Bridge, capsys, kit: str):
    more = {"oauthTokens": {"accessToken": "o" * 300}}
    payload = {"accessToken": TOKEN, "refreshToken": "r_1", **more}
    payload["user"] = {"id": "user_1", "email": "ada@example.com"}
    (sealed,) = bridge("seal", kit=kit, cases=[{"payload": payload, "password": PASSWORD}])
    content = inspected(sealed, capsys)
    parts = {part["name"]: part["size"] for part in content["size"]["parts"]}
    assert abs(parts["other content"] - len(json.dumps(more))) <= 20
    assert sum(parts.values()) == content["size"]["total"] == len(sealed)
