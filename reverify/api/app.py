"""Puts the app together, and stands the guard before it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from reverify.api.capsules import add_capsules
from reverify.api.description import describe
from reverify.api.health import add_health
from reverify.api.interface import Serving
from reverify.api.problems import AsciiJson, add_handlers
from reverify.api.security import Guard
from reverify.capsules.registry import Registry, open_registry
from reverify.settings import Settings


def create_app(settings: Settings, serving: Serving) -> Guard:
    """The whole ASGI app.

    Args:
        settings: where the registry is.
        serving: what the server may do.

    Raises:
        UsageError: `db` is no address of a database.
    """
    return Guard(create_api(settings, serving), serving.hosts)


def create_api(settings: Settings, serving: Serving) -> FastAPI:
    """The app without the guard.

    Raises:
        UsageError: `db` is no address of a database.
    """
    registry = open_registry(settings)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=AsciiJson,
        lifespan=_closing(registry),
    )
    add_capsules(app, registry, serving)
    add_health(app, settings)
    add_handlers(app)
    if serving.docs:
        from reverify.api.docs import add_docs  # noqa: PLC0415 - seldom asked for

        add_docs(app, describe(app))
    return app


def _closing(
    registry: Registry,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with registry:
            yield

    return lifespan
