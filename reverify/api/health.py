"""Is the server alive, and can it do its work?"""

from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field

from reverify.api.bodies import JSON, answers_with
from reverify.api.description import problems, readable
from reverify.capsules.registry import open_registry
from reverify.settings import Settings


class Health(BaseModel):
    """How the server is."""

    status: str = Field(description="Anything but `ok` is a problem.", pattern="^ok$")


def add_health(app: FastAPI, settings: Settings) -> None:
    """Add the two questions that whoever watches the server asks."""
    options: dict[str, Any] = {
        "tags": ["health"],
        "dependencies": [Depends(answers_with(JSON))],
    }

    def healthz() -> Health:
        return Health(status="ok")

    def readyz() -> Health:
        # Opened anew each time: what an open one once found may be so no more.
        with open_registry(settings) as registry:
            next(registry.list(), None)
        return Health(status="ok")

    readable(
        app,
        "/healthz",
        healthz,
        summary="Is the process alive?",
        description="Nothing but the process itself is looked at.",
        **options,
        responses=problems("not-acceptable"),
    )
    readable(
        app,
        "/readyz",
        readyz,
        summary="Can the registry be read?",
        description="Connects to the database, sees that its tables are of the"
        " migration they must be of, and reads from them. A registry that nothing was"
        " ever written to is ready too.",
        **options,
        responses=problems(
            "not-acceptable", "registry-damaged", "registry-unavailable"
        ),
    )
