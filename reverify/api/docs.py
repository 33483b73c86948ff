"""The server describes itself, if it was asked to when it was started."""

from typing import Any

from fastapi import FastAPI
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from reverify.api.problems import AsciiJson

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ info.title }} {{ info.version }}</title></head>
<body>
<h1>{{ info.title }} {{ info.version }}</h1>
<p>{{ info.description }}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>
{% for path, operations in paths.items() %}{% for method, it in operations.items() %}
<h2><code>{{ method | upper }} {{ path }}</code></h2>
<p><strong>{{ it.summary }}</strong> {{ it.description }}</p>
<table>
{% for status, answer in it.responses.items() %}
<tr><td>{{ status }}</td><td>{{ answer.description }}</td></tr>
{% endfor %}
</table>
{% endfor %}{% endfor %}
</body>
</html>
"""
"""Without style or script: the headers of every answer forbid both."""


def add_docs(app: FastAPI, document: dict[str, Any]) -> None:
    """Add the description, for programs and for people.

    Args:
        app: what is described.
        document: in OpenAPI.
    """
    template = Environment(autoescape=True).from_string(_PAGE)
    page = template.render(document)

    def openapi() -> Response:
        return AsciiJson(document)

    def docs() -> Response:
        return HTMLResponse(page)

    for path, endpoint in (("/openapi.json", openapi), ("/docs", docs)):
        app.add_api_route(
            path, endpoint, methods=["GET", "HEAD"], include_in_schema=False
        )
