"""The sign-in flow under each server."""

from __future__ import annotations

from visitors import Visitor
from whole_way import go_the_whole_way


def test_sign_in_outlives_its_access_token_and_ends_with_sign_out(visitor: Visitor):
    go_the_whole_way(visitor)
