"""An app on a registry of its own, with a capsule whose files are at hand."""

from pathlib import Path

import pytest

from tests.api.clients import Api
from tests.capsules.builders import capsule_folder


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """Files are looked for in `files`, exports go to `out`."""
    files, out = tmp_path / "files", tmp_path / "out"
    out.mkdir()
    capsule_folder(files)
    return Api(tmp_path, files=files, exports=out)


@pytest.fixture
def registered(api: Api) -> Api:
    """The same, and the capsule is registered."""
    answer = api.client.post(
        "/api/capsules", (api.folder / "files" / "capsule.json").read_bytes()
    )
    assert answer.status_code == 201, answer.text
    return api
