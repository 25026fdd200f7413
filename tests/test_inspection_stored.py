"""`authkit-asgi inspect` and the cookies of sessions that are kept on the server."""

from __future__ import annotations

import pytest
from emulated import PASSWORD

from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.inspection import CookieSettings, inspect_cookie
from authkit_asgi.session_records import SessionRecords


def test_cookie_that_names_a_session_on_the_server_is_called_so():
    records = SessionRecords(PASSWORD)
    with pytest.raises(InvalidSessionError, match="kept on the server"):
        inspect_cookie(records.seal_id(records.new_id()), CookieSettings(password=PASSWORD))
