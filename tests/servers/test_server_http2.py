"""HTTP/2, where a browser may send each cookie in a header of its own (RFC 9113, 8.2.3)."""

from __future__ import annotations

import httpx
import pytest
from server_kinds import KINDS
from visitors import SESSION, Visitor

of_http2 = pytest.mark.parametrize(
    "server",
    [pytest.param(kind, id=name) for name, kind in KINDS.items() if kind.speaks_http2],
    indirect=True,
)


@of_http2
def test_session_cookie_in_a_header_of_its_own_is_read_and_renewed(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    address = visitor.server.address
    headers = [("cookie", "theme=dark"), ("cookie", visitor.cookies), ("cookie", "zoom=2")]
    with httpx.Client(base_url=address, http1=False, http2=True, trust_env=False) as browser:
        answer = browser.get("/me", headers=headers)
    assert answer.http_version == "HTTP/2"
    assert answer.json()[0] == visitor.user_id
    assert SESSION in answer.cookies
    assert visitor.exchanges == 1
