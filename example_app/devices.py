"""Where somebody is signed in: listed, and signed out from here."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from authkit_asgi.fastapi import CurrentAuth, CurrentSession
from authkit_asgi.fetch_metadata import is_own_form
from example_app.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/devices")
async def devices(request: Request, auth: CurrentAuth, session: CurrentSession) -> Response:
    """List the user's sessions; when WorkOS cannot be asked, the error becomes a 503 by itself."""
    return render(request, "devices.html", auth=auth, sessions=await session.list_sessions())


# The same path as the page: should the session be over, signing in returns here by a GET.
@router.post("/devices")
async def sign_out_devices(
    request: Request,
    _auth: CurrentAuth,
    session: CurrentSession,
    session_id: str | None = None,
) -> Response:
    """Sign out one device, this one even, or without an id all the others."""
    if not is_own_form(request.scope, session.config.origin):
        raise HTTPException(403, "Sign devices out on a page of this site.")
    if session_id is None:
        await session.revoke_other_sessions()
    else:
        await session.revoke_session(session_id)  # somebody else's is a 404
    return RedirectResponse("/devices", status_code=303)
