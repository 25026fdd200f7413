"""Signing out, and what applications ask with their API key, where the emulators differ."""

from __future__ import annotations

from typing import Any

from contract_client import (
    ADA,
    AUTHORIZE,
    LOGOUT,
    MEMBERSHIPS,
    REVOKE,
    USERS,
    WorkOS,
    answer,
    claims_of,
    listed,
    verdict,
)
from difference import Difference
from shapes import MEMBERSHIP, SESSION, USER, extra

COMMON_HEADERS = {"content-length", "content-type", "date", "x-request-id"}
# How long a connection is kept is the server's business, not the API's.
_CONNECTION_HEADERS = {"connection", "keep-alive"}


def _sign_out(workos: WorkOS, **params: str) -> str:
    session_id = claims_of(workos.sign_in())["sid"]
    return verdict(workos.get(LOGOUT, session_id=session_id, **params))


def _order_of_sessions(workos: WorkOS) -> str:
    ids = [claims_of(workos.sign_in())["sid"] for _ in range(2)]
    found = [session["id"] for session in workos.sessions() if session["id"] in ids]
    return "oldest first" if found == ids else "newest first"


def _memberships(workos: WorkOS, **params: Any) -> str:
    response = workos.memberships(**params)
    return str(len(response.json()["data"])) if response.is_success else verdict(response)


def _page_before_the_last(workos: WorkOS) -> str:
    last = answer(workos.memberships())["data"][-1]["id"]
    page = answer(workos.memberships(before=last, limit=1))["data"]
    return listed({workos.organization_name(one["organization_id"]) for one in page})


def _headers(workos: WorkOS) -> str:
    response = workos.api("GET", f"{USERS}/{workos.emulator.users[ADA]}")
    return listed(set(response.headers) - COMMON_HEADERS - _CONNECTION_HEADERS)


def _bare_key(workos: WorkOS) -> str:
    headers = {"Authorization": workos.emulator.api_key}
    path = f"{USERS}/{workos.emulator.users[ADA]}"
    return verdict(workos.request("GET", path, headers=headers))


def _foreign_host(workos: WorkOS) -> str:
    path = f"/sso/jwks/{workos.emulator.client_id}"
    return verdict(workos.request("GET", path, headers={"Host": "rebound.example.com"}))


API = (
    Difference(
        "sign-out without session_id",
        lambda workos: verdict(workos.get(LOGOUT)),
        "422 page",
        "422 invalid_request",
        "by design",
        "who reads it is a person in a browser",
    ),
    Difference(
        "sign-out without return_to",
        _sign_out,
        "200 page",
        "200 JSON",
        "as WorkOS",
        "people end on a page",
    ),
    Difference(
        "sign-out with return_to on another machine",
        lambda workos: _sign_out(workos, return_to="https://app.example.com/"),
        "302 https://app.example.com/",
        "400 invalid_redirect_uri",
        "by design",
        "applications in tests have any origin",
    ),
    Difference(
        "sign-out with return_to that is no web address",
        lambda workos: _sign_out(workos, return_to="javascript:alert(1)"),
        "200 page",
        "400 invalid_redirect_uri",
        "by design",
        "whoever signs out is told that it worked; neither redirects there",
    ),
    Difference(
        "key set of an unknown client",
        lambda workos: verdict(workos.get("/sso/jwks/client_other")),
        "404 entity_not_found",
        "200 JSON",
        "as WorkOS",
        "a wrong WORKOS_CLIENT_ID has to show",
    ),
    Difference(
        "user that does not exist",
        lambda workos: verdict(workos.api("GET", f"{USERS}/user_unknown")),
        "404 entity_not_found",
        "404 not_found",
        "as WorkOS",
        "the word that the SDKs know for what is looked up and not found",
    ),
    Difference(
        "session that does not exist, revoked",
        lambda workos: verdict(workos.api("POST", REVOKE, json={"session_id": "session_unknown"})),
        "404 entity_not_found",
        "404 not_found",
        "as WorkOS",
        "the word that the SDKs know for what is looked up and not found",
    ),
    Difference(
        "API key without Bearer",
        _bare_key,
        "401 unauthorized",
        "200 JSON",
        "stricter",
        "the scheme is part of the header (RFC 6750, section 2.1)",
    ),
    Difference(
        "endpoint that does not exist, without a key",
        lambda workos: verdict(workos.get("/user_management/nothing")),
        "404 not_found",
        "401 unauthorized",
        "by design",
        "there is nothing to protect; with a key both answer 404",
    ),
    Difference(
        "method that an endpoint does not have",
        lambda workos: verdict(workos.request("DELETE", AUTHORIZE)),
        "405 without JSON",
        "404 not_found",
        "by design",
        "405 names the methods that are there (RFC 9110, section 15.5.6)",
    ),
    Difference(
        "list of all users",
        lambda workos: verdict(workos.api("GET", USERS)),
        "404 not_found",
        "200 JSON",
        "by design",
        "only what signing in takes is here; tests add and read users from Python",
    ),
    Difference(
        "list of all organizations",
        lambda workos: verdict(workos.api("GET", "/organizations")),
        "404 not_found",
        "200 JSON",
        "by design",
        "only what signing in takes is here; tests add organizations from Python",
    ),
    Difference(
        "further fields of a user",
        lambda workos: listed(extra(workos.sign_in()["user"], USER)),
        "name",
        "none",
        "as WorkOS",
        "newer kits read it",
    ),
    Difference(
        "further fields of a session",
        lambda workos: listed(workos.sign_in() and extra(workos.sessions()[-1], SESSION)),
        "auth_method, ended_at, expires_at, status",
        "none",
        "as WorkOS",
        "the Python SDK insists on them",
    ),
    Difference(
        "order of a user's sessions",
        _order_of_sessions,
        "newest first",
        "oldest first",
        "as WorkOS",
        "as every list of the API",
    ),
    Difference(
        "further fields of a membership",
        lambda workos: listed(extra(answer(workos.memberships())["data"][0], MEMBERSHIP)),
        "custom_attributes, directory_managed, organization_name, roles, user",
        "external_id, metadata",
        "as WorkOS",
        "those that the Python SDK reads; it insists on three of them",
    ),
    Difference(
        "memberships of nobody in particular",
        lambda workos: verdict(workos.api("GET", MEMBERSHIPS)),
        "422 unprocessable_entity",
        "200 JSON",
        "as WorkOS",
        "user_id or organization_id has to be given",
    ),
    Difference(
        "number of memberships with statuses=inactive",
        lambda workos: _memberships(workos, statuses="inactive"),
        "0",
        "3",
        "as WorkOS",
        "the SDKs send one parameter, its values joined by commas",
    ),
    Difference(
        "memberships with limit=0",
        lambda workos: _memberships(workos, limit=0),
        "422 unprocessable_entity",
        "3",
        "as WorkOS",
        "a limit is between 1 and 100",
    ),
    Difference(
        "memberships with limit=101",
        lambda workos: _memberships(workos, limit=101),
        "422 unprocessable_entity",
        "3",
        "as WorkOS",
        "a limit is between 1 and 100",
    ),
    Difference(
        "memberships with order=random",
        lambda workos: _memberships(workos, order="random"),
        "422 unprocessable_entity",
        "3",
        "as WorkOS",
        "an order is asc or desc",
    ),
    Difference(
        "memberships after an unknown one",
        lambda workos: _memberships(workos, after="om_unknown"),
        "422 unprocessable_entity",
        "3",
        "stricter",
        "who goes through pages with a wrong cursor would begin again and again",
    ),
    Difference(
        "one membership before the last of Initech, Globex, Acme",
        _page_before_the_last,
        "Globex",
        "Initech",
        "as WorkOS",
        "a page before a cursor ends at it",
    ),
    Difference(
        "further headers of an answer",
        _headers,
        "none",
        "access-control-allow-origin, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
        "by design",
        "browsers have no business with this API, and tests order a 429 where they want one",
    ),
    Difference(
        "Host header that names another machine",
        _foreign_host,
        "403 without JSON",
        "200 JSON",
        "stricter",
        "pages on the web must not get at it by DNS rebinding",
    ),
)
