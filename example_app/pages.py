"""What people see: the home page, the dashboard with its switcher, and the administrators' page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from authkit_asgi import AuthKitError, SignedIn
from authkit_asgi.fastapi import CurrentAuth, CurrentSession, require_role
from authkit_asgi.fetch_metadata import is_own_form
from example_app.organizations import list_organizations
from example_app.templating import render
from example_app.words import Notice, switch_notice

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """Greet everybody: the template asks who it is and, if nobody, why."""
    return render(request, "home.html")


@router.get("/front-end")
async def front_end(request: Request) -> Response:
    """Show the same page to everybody; its script asks who is signed in."""
    return render(request, "front_end.html")


@router.get("/dashboard")
async def dashboard(request: Request, auth: CurrentAuth, session: CurrentSession) -> Response:
    """Show everything the session says. `CurrentAuth` sends whoever is signed out to sign in."""
    return await show_dashboard(request, auth, session)


# The same path as the page: should the session be over, signing in returns here by a GET.
@router.post("/dashboard")
async def switch_organization(
    request: Request, auth: CurrentAuth, session: CurrentSession, organization_id: str
) -> Response:
    """Move the session to another organization; the middleware writes the new cookie."""
    if not is_own_form(request.scope, session.config.origin):
        raise HTTPException(403, "Switch organizations on a page of this site.")
    try:
        await session.switch_organization(organization_id, return_to="/dashboard")
    except AuthKitError as error:
        return await show_dashboard(request, auth, session, switch_notice(error, organization_id))
    return RedirectResponse("/dashboard", status_code=303)


@router.get("/admin")
async def admin(
    request: Request, auth: Annotated[SignedIn, Depends(require_role("admin"))]
) -> Response:
    """Show a page to administrators of the current organization only."""
    return render(request, "admin.html", auth=auth)


async def show_dashboard(
    request: Request, auth: SignedIn, session: CurrentSession, notice: Notice | None = None
) -> Response:
    """Show the dashboard, with a notice where a switch did not work."""
    return render(
        request,
        "dashboard.html",
        status=notice.status if notice else 200,
        auth=auth,
        notice=notice,
        organizations=await list_organizations(session.client, auth),
    )
