"""A site whose telemetry is read from memory, through OpenTelemetry's own SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asgi_driver import Browser
from emulated import http_clients, settings
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.opentelemetry import OpenTelemetry
from authkit_asgi.testing import WorkOSEmulator


class Told:
    """What an `OpenTelemetry` has been told."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._exporter = InMemorySpanExporter()
        self.meter_provider = MeterProvider(metric_readers=[self._reader])
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = OpenTelemetry(
            meter_provider=self.meter_provider, tracer_provider=self.tracer_provider
        )

    def metrics(self) -> dict[str, Any]:
        """Return the metrics that have been told, by their names."""
        data = self._reader.get_metrics_data()
        found = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return {metric.name: metric for metric in found}

    def counted(self, name: str) -> dict[tuple[str, ...], int]:
        """Return the counts of a counter by the values of their attributes."""
        metric = self.metrics().get(name)
        points = metric.data.data_points if metric else ()
        return {
            tuple(value for _, value in sorted(point.attributes.items())): point.value
            for point in points
        }

    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def attributes(self) -> list[Mapping[str, Any]]:
        """Return the attributes of all points and spans."""
        points = [
            point.attributes
            for metric in self.metrics().values()
            for point in metric.data.data_points
        ]
        return [*points, *(dict(span.attributes or {}) for span in self.spans())]

    def close(self) -> None:
        self.meter_provider.shutdown()
        self.tracer_provider.shutdown()


def told_service(emulator: WorkOSEmulator, told: Told, **changes: Any) -> AuthKit:
    """An AuthKit as `emulated.service` makes it, with telemetry."""
    return AuthKit(
        AuthKitConfig(**settings(**changes)),
        http_client_factory=http_clients(emulator),
        clock=emulator._state.clock,
        telemetry=told.telemetry,
    )


def browser_with(app: Any, cookie: str | None = None) -> Browser:
    """Return a browser that has a session cookie."""
    browser = Browser(app)
    if cookie is not None:
        browser.cookies["wos-session"] = cookie
    return browser
