"""The OpenAPI document: complete, sound, and true of a real server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docs import generate
from jsonschema import Draft202012Validator
from reverify.api.app import create_api
from reverify.api.description import describe
from reverify.api.interface import Serving
from reverify.api.problems import KINDS, TYPE_PREFIX
from reverify.capsules.manifest import schema

from tests.api.clients import ID, TOKEN, Api, served, settings_in
from tests.capsules.builders import LEAST, capsule_folder
from tests.conftest import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("api")
    return describe(create_api(settings_in(folder), Serving()))


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_there_is_every_operation_that_is_promised(document: dict[str, Any]) -> None:
    assert set(operations(document)) == {
        "POST /api/capsules",
        "GET /api/capsules",
        "GET /api/capsules/{id}",
        "GET /api/capsules/{id}/export",
        "POST /api/capsules/{id}/export-files",
        "GET /api/capsules/{id}/crate.zip",
        "GET /healthz",
        "GET /readyz",
    }


def test_writes_need_a_token_and_a_body_and_nothing_else_does(
    document: dict[str, Any],
) -> None:
    for name, operation in operations(document).items():
        is_write = name.startswith("POST ")
        assert ("security" in operation) == is_write
        assert ("requestBody" in operation) == is_write
        kinds = {"401", "403", "413", "415"}
        assert (kinds <= operation["responses"].keys()) == is_write


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    names = set()
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            if isinstance(value.get("$ref"), str):
                names.add(value["$ref"].removeprefix("#/components/schemas/"))
    assert names <= schemas.keys()
    assert {"Manifest", "Problem"} <= names


def test_all_schemas_are_schemas(document: dict[str, Any]) -> None:
    for part in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(part)


def test_the_schema_of_manifests_is_that_of_the_product(
    document: dict[str, Any],
) -> None:
    body = operations(document)["POST /api/capsules"]["requestBody"]
    reference = {"$ref": "#/components/schemas/Manifest"}
    assert body["content"]["application/json"]["schema"] == reference
    theirs = Draft202012Validator({**document, **reference})
    ours = Draft202012Validator(schema())
    bad = {"id": ID.upper(), "inputs": [{}], "run": {"command": "x"}, "x": 1}
    for changes in ({}, bad, *({key: value} for key, value in bad.items())):
        tried = LEAST | changes
        found = [
            sorted(error.json_path for error in each.iter_errors(tried))
            for each in (theirs, ours)
        ]
        assert found[0] == found[1]
    assert not theirs.is_valid(LEAST | bad)


def test_every_kind_of_problem_is_told_by_some_operation(
    document: dict[str, Any],
) -> None:
    text = json.dumps([op["responses"] for op in operations(document).values()])
    everywhere = {"not-found", "method-not-allowed"}  # of paths that are not there
    for kind in KINDS.keys() - everywhere:
        assert TYPE_PREFIX + kind in text, kind


def test_every_kind_of_problem_and_operation_has_its_row() -> None:
    page = (ROOT / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
    for kind, (status, title) in KINDS.items():
        assert f"| `{kind}` | {status} | {title} |" in page
    for name in operations(json.loads(generate.openapi())):
        assert f"`{name}`" in page


def test_the_document_in_the_docs_is_current(document: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(text) == document


CONFIG = """
[checks.positive_data_acceptance]
# 422: a schema cannot say all that must hold (SPDX licences, contradictions between
# two records, paths that are a file and a folder); 406, 413: limits of the server.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "filled",
    [pytest.param(False, marks=pytest.mark.long), True],
    ids=["empty", "with a capsule"],
)
def test_a_real_server_does_as_it_says(
    tmp_path: Path,
    document: dict[str, Any],
    filled: bool,
) -> None:
    """Every check of schemathesis, with data that is right and data that is wrong."""
    out = tmp_path / "out"
    out.mkdir()
    # With a folder of files, few generated manifests would find theirs and be kept.
    files = capsule_folder(tmp_path / "files") if filled else None
    api = Api(tmp_path, exports=out, files=files)
    described = json.loads(json.dumps(document))
    if filled:
        data = (tmp_path / "files" / "capsule.json").read_bytes()
        assert api.client.post("/api/capsules", data).status_code == 201
        for path, item in described["paths"].items():
            if "{id}" in path:
                for operation in item.values():
                    operation["parameters"][0]["example"] = ID
    (tmp_path / "openapi.json").write_text(json.dumps(described))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with served(api.app) as url:
        answer = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={tmp_path}/schemathesis.toml",
                "run",
                str(tmp_path / "openapi.json"),
                f"--url={url}",
                f"--header=Authorization: Bearer {TOKEN}",
                "--checks=all",
                "--mode=all",
                "--max-examples=5",
                "--generation-deterministic",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "8 selected / 8 total" in answer.stdout
