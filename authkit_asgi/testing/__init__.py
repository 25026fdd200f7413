"""An in-memory WorkOS for demos and tests."""

from authkit_asgi.testing.api_keys import EmulatedAPIKey as EmulatedAPIKey
from authkit_asgi.testing.directory import EmulatedUser as EmulatedUser
from authkit_asgi.testing.directory import Membership as Membership
from authkit_asgi.testing.directory import Organization as Organization
from authkit_asgi.testing.emulator import WorkOSEmulator as WorkOSEmulator
from authkit_asgi.testing.faults import HTML_PAGE as HTML_PAGE
from authkit_asgi.testing.faults import JSON_WITHOUT_TOKENS as JSON_WITHOUT_TOKENS
from authkit_asgi.testing.faults import TRUNCATED_JSON as TRUNCATED_JSON
from authkit_asgi.testing.faults import Fault as Fault
from authkit_asgi.testing.journal import RequestRecord as RequestRecord
from authkit_asgi.testing.sessions import Impersonator as Impersonator
from authkit_asgi.testing.settings import Settings as Settings
