"""An in-memory WorkOS for demos and tests, and a pytest plugin around it.

``pytest_plugins = ["authkit_asgi.testing"]`` in the root conftest.py gives the fixtures
`authkit_emulator`, `authkit_env`, `sign_in`, `expire_session` and `break_workos`. pytest is
imported by nothing else than itself. There is no assertion in here: PYTEST_DONT_REWRITE.
"""

from authkit_asgi.testing.api_keys import EmulatedAPIKey as EmulatedAPIKey
from authkit_asgi.testing.client_sessions import EmulatedSession as EmulatedSession
from authkit_asgi.testing.client_sessions import ExpireSession as ExpireSession
from authkit_asgi.testing.client_sessions import SignIn as SignIn
from authkit_asgi.testing.directory import EmulatedUser as EmulatedUser
from authkit_asgi.testing.directory import Membership as Membership
from authkit_asgi.testing.directory import Organization as Organization
from authkit_asgi.testing.emulator import WorkOSEmulator as WorkOSEmulator
from authkit_asgi.testing.faults import HTML_PAGE as HTML_PAGE
from authkit_asgi.testing.faults import JSON_WITHOUT_TOKENS as JSON_WITHOUT_TOKENS
from authkit_asgi.testing.faults import TRUNCATED_JSON as TRUNCATED_JSON
from authkit_asgi.testing.faults import Fault as Fault
from authkit_asgi.testing.journal import RequestRecord as RequestRecord
from authkit_asgi.testing.outages import BreakWorkOS as BreakWorkOS
from authkit_asgi.testing.outages import Outage as Outage
from authkit_asgi.testing.sessions import Impersonator as Impersonator
from authkit_asgi.testing.settings import Settings as Settings
from authkit_asgi.testing.webhooks import SignedWebhook as SignedWebhook
from authkit_asgi.testing.webhooks import sign_webhook as sign_webhook

# pytest takes a plugin's plugins along.
pytest_plugins: tuple[str, ...] = ("authkit_asgi.testing.plugin",)
