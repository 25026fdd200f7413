"""Which paths are the bundled routes'."""

from __future__ import annotations

from emulated import settings

from authkit_asgi import AuthKitConfig


def test_own_paths_follow_the_login_path_and_the_names_that_are_set():
    paths = AuthKitConfig(**settings(login_path="/auth/login", logout_path="/bye")).own_paths
    own = {"/auth/login", "/auth/signup", "/bye", "/auth/callback", "/callback"}
    assert paths == {*own, "/webhooks/workos"}
