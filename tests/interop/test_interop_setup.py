"""Without Node.js or the kits these tests fail and say what to do; they are never skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_bridge import Bridge, node_command


@pytest.mark.parametrize("missing", [{"modules": Path("missing")}, {"program": "no-such-node"}])
def test_missing_tools_fail_with_what_to_do(missing: dict[str, object]):
    with pytest.raises(pytest.fail.Exception, match="make interop"):
        node_command(**missing)


def test_bridge_says_what_went_wrong_and_goes_on(bridge: Bridge):
    assert "TypeError" in bridge.attempt("noSuchOperation")["error"]
    case = {"sealed": "none", "password": "short"}
    (answer,) = bridge("unseal", kit="iron-session", cases=[case])
    assert "refused" in answer
