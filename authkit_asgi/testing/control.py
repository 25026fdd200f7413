"""/_emulator/…: the emulator's own interface over HTTP, the same as in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.responses import JSONResponse, Response

from authkit_asgi.testing.calls import Call, Endpoint, Handler
from authkit_asgi.testing.faults import BODIES
from authkit_asgi.testing.refusal import Refusal

if TYPE_CHECKING:
    from authkit_asgi.testing.emulator import WorkOSEmulator

Action: TypeAlias = Callable[[dict[str, Any]], Any]


class ControlEndpoints:
    """Each takes a JSON object whose keys are the arguments of the method of that name."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self._emulator = emulator

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        posts: Mapping[str, Action] = {
            "reset": self._reset,
            "settings": self._change_settings,
            "users": self._add_user,
            "users/remove": self._remove_user,
            "organizations": self._add_organization,
            "memberships": self._add_membership,
            "api-keys": self._add_api_key,
            "api-keys/revoke": self._revoke_api_key,
            "memberships/remove": self._remove_membership,
            "sign-in": self._sign_in,
            "tokens": self._mint,
            "impersonate": self._impersonate,
            "keys/rotate": self._rotate_keys,
            "keys/withdraw": self._withdraw_keys,
            "faults": self._fail,
        }
        return (
            *(_endpoint("POST", name, _acting(action)) for name, action in posts.items()),
            _endpoint("DELETE", "faults", self._clear_faults),
            _endpoint("GET", "settings", self._settings),
            _endpoint("GET", "requests", self._requests),
        )

    def _settings(self, call: Call) -> Response:
        del call  # every handler is given one
        return JSONResponse(self._emulator.settings.as_json())

    def _requests(self, call: Call) -> Response:
        """List the requests; the query filters by endpoint, method, path and grant_type."""
        names = {"endpoint", "method", "path", "grant_type"} & call.query.keys()
        records = [
            record.as_json()
            for record in self._emulator.requests
            if all(getattr(record, name) == call.query[name] for name in names)
        ]
        return JSONResponse({"count": len(records), "data": records})

    def _clear_faults(self, call: Call) -> Response:
        del call  # every handler is given one
        self._emulator.clear_faults()
        return JSONResponse({})

    def _reset(self, body: dict[str, Any]) -> Any:
        self._emulator.reset(**body)
        return {}

    def _change_settings(self, body: dict[str, Any]) -> Any:
        self._emulator.configure(**body)
        return self._emulator.settings.as_json()

    def _add_user(self, body: dict[str, Any]) -> Any:
        return self._emulator.add_user(**body).as_json()

    def _add_organization(self, body: dict[str, Any]) -> Any:
        return self._emulator.add_organization(**body).as_json()

    def _add_membership(self, body: dict[str, Any]) -> Any:
        user, organization = body.pop("user_id"), body.pop("organization_id")
        return self._emulator.add_membership(user, organization, **body).as_json()

    def _add_api_key(self, body: dict[str, Any]) -> Any:
        organization, user = body.pop("organization_id"), body.pop("user_id", None)
        key = self._emulator.add_api_key(organization, user=user, **body)
        return {**key.as_json(), "value": key.value}

    def _revoke_api_key(self, body: dict[str, Any]) -> Any:
        self._emulator.revoke_api_key(body["id"])
        return {}

    def _remove_user(self, body: dict[str, Any]) -> Any:
        self._emulator.remove_user(body.pop("user_id"), **body)
        return {}

    def _remove_membership(self, body: dict[str, Any]) -> Any:
        user, organization = body.pop("user_id"), body.pop("organization_id")
        self._emulator.remove_membership(user, organization, **body)
        return {}

    def _sign_in(self, body: dict[str, Any]) -> Any:
        user, organization = body.pop("user_id"), body.pop("organization_id", None)
        return self._emulator.sign_in(user, organization=organization, **body)

    def _mint(self, body: dict[str, Any]) -> Any:
        return {"access_token": self._emulator.mint_access_token(**body)}

    def _impersonate(self, body: dict[str, Any]) -> Any:
        user, organization = body.pop("user_id"), body.pop("organization_id", None)
        return {"code": self._emulator.impersonate(user, organization=organization, **body)}

    def _rotate_keys(self, body: dict[str, Any]) -> Any:
        self._emulator.rotate_keys(**body)
        return self._emulator.jwks

    def _withdraw_keys(self, body: dict[str, Any]) -> Any:
        self._emulator.withdraw_old_keys(**body)
        return self._emulator.jwks

    def _fail(self, body: dict[str, Any]) -> Any:
        """Order a fault; ``{"garbage": "html"}`` is a body by its name."""
        if "garbage" in body:
            body["body"] = BODIES[body.pop("garbage")]
        self._emulator.fail(**body)
        return {}


def _endpoint(method: str, name: str, handler: Handler) -> Endpoint:
    return Endpoint(
        name="emulator", method=method, path=f"/_emulator/{name}", handler=handler, control=True
    )


def _acting(action: Action) -> Handler:
    def handler(call: Call) -> Response:
        try:
            return JSONResponse(action(call.fields()))
        except KeyError as exc:
            message = f"Missing or not known: {exc.args[0]!r}."
        except (TypeError, ValueError, AttributeError) as exc:
            # What a wrong argument of a Python call raises; here it came as JSON.
            message = str(exc)
        raise Refusal(422, "unprocessable_entity", message)

    return handler
