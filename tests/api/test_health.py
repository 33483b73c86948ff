"""Alive, and ready."""

import sqlite3
from pathlib import Path

from tests.api.clients import Api, problem
from tests.capsules.builders import LEAST


def test_a_registry_that_was_never_used_is_ready(tmp_path: Path) -> None:
    api = Api(tmp_path)
    for path in ("/healthz", "/readyz"):
        answer = api.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_is_damaged_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_bytes(b"no database at all" * 100)
    api = Api(tmp_path)
    answer = api.client.get("/readyz")
    problem(answer, 500, "registry-damaged")
    assert str(tmp_path) not in answer.text
    assert api.client.get("/healthz").status_code == 200


def test_a_registry_of_a_newer_migration_is_not_ready(tmp_path: Path) -> None:
    api = Api(tmp_path)
    assert api.client.register(LEAST).status_code == 201
    assert api.client.get("/readyz").status_code == 200
    with sqlite3.connect(tmp_path / "registry.sqlite") as connection:
        connection.execute("UPDATE reverify_migrations SET version_num = '9999'")
    connection.close()
    # The registry of the app is open already; readiness is looked at anew.
    answer = api.client.get("/readyz")
    problem(answer, 503, "registry-unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_a_registry_that_cannot_be_reached_is_not_ready(tmp_path: Path) -> None:
    api = Api(tmp_path, db="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    problem(api.client.get("/readyz"), 503, "registry-unavailable")
    assert api.client.get("/healthz").status_code == 200
