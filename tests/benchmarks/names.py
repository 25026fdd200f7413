"""What the rows are called that more than one part of the benchmarks speaks of."""

from __future__ import annotations

BARE = "bare application"
UNSEAL, RSA = "unseal", "RSA verification alone"
NO_COOKIE = "middleware: no cookie"
HIT, MISS = "middleware: hit", "middleware: miss"
FORGED = "middleware: hostile, 4 KB, forged"

WORKOS, SESSIONS = "workos-python", "Starlette's SessionMiddleware"
AUTH0, CLERK = "auth0-fastapi, no token verified", "Clerk, no seal opened"
WORKOS_NODE, AUTHKIT_SESSION = "@workos-inc/node", "@workos/authkit-session"
PEERS = (AUTH0, CLERK, WORKOS_NODE, AUTHKIT_SESSION)
"""Those that run in processes of their own."""

ONE_REFRESH = "one refresh"
STORED_HIT, REDIS_HIT = "hit, session in Redis", "hit, session in its cookie"
STORED_REFRESH, REDIS_REFRESH = "refresh, session in Redis", "refresh, session in its cookie"
STORED_SIGN_IN = "sign-in, session in Redis"
