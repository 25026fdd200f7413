"""Pages that ask for more than somebody who is signed in: each has a guard of its own."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from authkit_asgi.fastapi import (
    CurrentAuth,
    require_entitlement,
    require_feature_flag,
    require_organization,
    require_recent_auth,
)
from example_app.templating import render

router = APIRouter(prefix="/guarded", include_in_schema=False)


@router.get("/recent", dependencies=[Depends(require_recent_auth(max_age=60))])
async def recent(request: Request) -> Response:
    """Show a page to who has signed in within a minute; all others sign in once more."""
    return render(request, "guarded.html", need="a sign-in no older than a minute")


@router.get("/organization", dependencies=[Depends(require_organization())])
async def organization(request: Request, auth: CurrentAuth) -> Response:
    """Show a page to who is in an organization, whichever it is."""
    return render(request, "guarded.html", need=f"an organization: {auth.organization_id}")


@router.get("/entitlement", dependencies=[Depends(require_entitlement("audit-log"))])
async def entitlement(request: Request) -> Response:
    """Show a page to organizations that have paid for it."""
    return render(request, "guarded.html", need="the entitlement audit-log")


@router.get("/feature-flag", dependencies=[Depends(require_feature_flag("new-dashboard"))])
async def feature_flag(request: Request) -> Response:
    """Show a page to those for whom a feature is switched on."""
    return render(request, "guarded.html", need="the feature flag new-dashboard")
