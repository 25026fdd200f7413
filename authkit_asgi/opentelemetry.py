"""Counters and spans through OpenTelemetry (extra ``otel``)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context

from authkit_asgi.auth import Auth, SignedOutReason
from authkit_asgi.errors import AuthKitError
from authkit_asgi.telemetry import RefreshVerdict

_SIZES = (512, 1024, 1536, 2048, 3072, 3800, 4096, 5120, 7168, 10_240, 16_384)
"""Bytes; 3,800 is what the log warns of, 4,096 what browsers store in one cookie."""


class OpenTelemetry:
    """Counts sessions and traces refreshes and sign-ins; for `AuthKitMiddleware(telemetry=…)`.

    No attribute names a user, a session, a token or an address: each has few values.

    Args:
        meter_provider: Whose meter to use; the global one when `None`.
        tracer_provider: Whose tracer to use; the global one when `None`.
    """

    def __init__(
        self,
        *,
        meter_provider: metrics.MeterProvider | None = None,
        tracer_provider: trace.TracerProvider | None = None,
    ) -> None:
        name, release = "authkit_asgi", version("authkit-asgi")
        meter = metrics.get_meter(name, release, meter_provider)
        self._tracer = trace.get_tracer(name, release, tracer_provider)
        self._checks = meter.create_counter(
            "authkit.session.checks", "{check}", "Connections, by who they are from"
        )
        self._lookups = meter.create_counter(
            "authkit.session.lookups", "{lookup}", "Sessions looked up among those verified lately"
        )
        self._refreshes = meter.create_counter(
            "authkit.session.refreshes", "{refresh}", "Exchanges of refresh tokens, by verdict"
        )
        self._pauses = meter.create_counter(
            "authkit.workos.pauses", "{pause}", "Pauses in asking WorkOS after failures in a row"
        )
        self._sizes = meter.create_histogram(
            "authkit.session.size",
            "By",
            "Session cookies written, name and value",
            explicit_bucket_boundaries_advisory=_SIZES,
        )

    def session_checked(self, auth: Auth) -> None:
        """Count a connection as signed in, signed out or unavailable, with the reason."""
        if auth.user is not None:
            self._checks.add(1, {"authkit.session.outcome": "signed_in"})
            return
        is_outage = auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
        self._checks.add(
            1,
            {
                "authkit.session.outcome": "unavailable" if is_outage else "signed_out",
                "authkit.session.reason": auth.reason.value,
            },
        )

    def session_looked_up(self, *, is_hit: bool) -> None:
        """Count a hit or a miss."""
        self._lookups.add(1, {"authkit.session.lookup.result": "hit" if is_hit else "miss"})

    def session_written(self, size: int) -> None:
        """Record a cookie's bytes."""
        self._sizes.record(size)

    def session_refreshed(self, verdict: RefreshVerdict, error: AuthKitError | None = None) -> None:
        """Count an exchange by its verdict, and an outage by the error's code."""
        attributes: dict[str, str] = {"authkit.refresh.verdict": verdict}
        if error is not None:
            attributes["error.type"] = error.code
        self._refreshes.add(1, attributes)

    def paused(self, what: str) -> None:
        """Count a pause by what is not asked for."""
        self._pauses.add(1, {"authkit.pause.operation": what.lower().replace(" ", "_")})

    def origin(self) -> trace.SpanContext:
        """Return the current span, for `refreshing`: an exchange outlives its request's context."""
        return trace.get_current_span().get_span_context()

    @contextlib.contextmanager
    def refreshing(self, origin: Any) -> Iterator[Callable[[RefreshVerdict], None]]:
        """Trace an exchange as ``authkit.refresh``, below the span of the request that asked."""
        parent = trace.set_span_in_context(trace.NonRecordingSpan(origin))
        with self._span("authkit.refresh", parent) as span:
            yield lambda verdict: span.set_attribute("authkit.refresh.verdict", verdict)

    @contextlib.contextmanager
    def completing_sign_in(self) -> Iterator[None]:
        """Trace a callback's exchange as ``authkit.callback``."""
        with self._span("authkit.callback", None):
            yield

    @contextlib.contextmanager
    def _span(self, name: str, parent: Context | None) -> Iterator[trace.Span]:
        # What an exception says, and where it was raised, stays out of the trace: only its code.
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                code = error.code if isinstance(error, AuthKitError) else type(error).__qualname__
                span.set_attribute("error.type", code)
                span.set_status(trace.StatusCode.ERROR)
                raise
