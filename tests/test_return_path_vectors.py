"""Return paths as the browsers' URL parser judges them: tests/vectors/make_return_paths.mjs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulated import ORIGIN, settings

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.pkce import safe_return_path

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors/return-paths.json").read_text(encoding="utf-8")
)
VERDICTS = {path: (origin, reached) for path, origin, reached in VECTORS["verdicts"]}
DEFAULT = "/default"


def result_of(path: str) -> str | None:
    result = safe_return_path(path, DEFAULT)
    return None if result == DEFAULT else result


KEPT = {path: result for path in VERDICTS if (result := result_of(path)) is not None}


def test_vectors_name_their_maker_and_have_both_kinds():
    assert VECTORS["maker"].startswith("Node.js")
    assert sum(origin == ORIGIN for origin, _ in VERDICTS.values()) > 300
    assert sum(origin not in {ORIGIN, None} for origin, _ in VERDICTS.values()) > 300


def test_path_that_leads_a_browser_elsewhere_is_never_kept():
    assert [path for path in KEPT if VERDICTS[path][0] != ORIGIN] == []


def test_result_leads_a_browser_to_the_page_that_the_path_means():
    """What was percent-encoded on the way is judged too."""
    for path, result in KEPT.items():
        assert VERDICTS[result][0] == ORIGIN, path
        assert VERDICTS[result][1] == VERDICTS[path][1], path


def test_plain_path_of_this_site_is_always_kept():
    plain = [
        path
        for path, (origin, _) in VERDICTS.items()
        if origin == ORIGIN
        and path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and not any(character <= " " or character == "\x7f" for character in path)
        and not any("\ud800" <= character <= "\udfff" for character in path)
    ]
    assert len(plain) > 200
    assert [path for path in plain if path not in KEPT] == []
    assert [path for path in plain if path.isascii() and KEPT[path] != path] == []


@pytest.mark.parametrize("step", ["sign-in", "sign-out"])
def test_no_path_makes_a_sign_in_or_sign_out_end_elsewhere(step):
    authkit = AuthKit(AuthKitConfig(**settings(default_return_path=DEFAULT)))
    for path in VERDICTS:
        if step == "sign-in":
            state = authkit.authorization_url(return_to=path).state
            kept = authkit.unseal_state(state).return_path
            assert kept is None or VERDICTS[kept][0] == ORIGIN, path
        else:
            target = authkit.logout_url(None, path)
            assert target == path or target.startswith(f"{ORIGIN}/"), path
            assert target != path or VERDICTS[path][0] == ORIGIN, path
