"""What docs/observability.md says of metrics and spans is true, and its example counts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from authkit_asgi import opentelemetry

PAGE = (Path(__file__).parents[1] / "docs/observability.md").read_text(encoding="utf-8")
CODE = Path(opentelemetry.__file__).read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(# main\.py\n.*?)```", PAGE, re.DOTALL)
PROGRAM = """
import json
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.testclient import TestClient

reader = InMemoryMetricReader()
provider = MeterProvider(metric_readers=[reader])
metrics.set_meter_provider(provider)
from main import app

status = TestClient(app).get("/me").status_code
(resource,) = reader.get_metrics_data().resource_metrics
(scope,) = [one for one in resource.scope_metrics if one.scope.name == "authkit_asgi"]
(metric,) = scope.metrics
(point,) = metric.data.data_points
print(json.dumps([status, scope.scope.name, metric.name, dict(point.attributes), point.value]))
provider.shutdown()
"""


def test_page_names_every_metric_span_and_attribute_and_no_other():
    in_code = set(re.findall(r'"(authkit\.[a-z_.]+|error\.type)"', CODE))
    section = PAGE.partition("## Metrics and traces")[2]
    in_page = set(re.findall(r"`(authkit\.[a-z_.]+|error\.type)`", section))
    assert in_page == in_code
    assert len(in_code) == 13


def test_example_counts_with_the_global_providers(tmp_path):
    assert EXAMPLE is not None
    (tmp_path / "main.py").write_text(EXAMPLE[1], encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WORKOS_")}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={
            **environ,
            "WORKOS_CLIENT_ID": "client_1",
            "WORKOS_API_KEY": "sk_1",
            "WORKOS_REDIRECT_URI": "http://localhost:8000/callback",
            "WORKOS_COOKIE_PASSWORD": "x" * 32,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == [
        401,
        "authkit_asgi",
        "authkit.session.checks",
        {
            "authkit.session.outcome": "signed_out",
            "authkit.session.reason": "no_session_cookie_provided",
        },
        1,
    ]
