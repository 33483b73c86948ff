"""An audit asks the archive about all crates together, whoever checks them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from reverify.store.database import Database
from reverify.store.history import History

from tests.archiving.test_ahead import batches, ids, write_many
from tests.services.swh_double import SwhDouble


@pytest.mark.slow
def test_all_crates_of_an_audit_cost_few_requests_and_the_answers_are_kept(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    listed = tmp_path / "crates.txt"
    listed.write_text("\n".join(write_many(tmp_path / "crates", 60)))
    database = f"sqlite:///{tmp_path}/h.sqlite"
    options = ("--allow-private", "--only", "archival", "--jobs", "2", "-qq")
    command = [sys.executable, "-m", "reverify", "audit", "run", *options]
    environment = {
        **os.environ,
        "REVERIFY_SWH_URL": swh_double.base,
        "REVERIFY_CACHE_DIR": str(tmp_path / "cache"),
        "REVERIFY_DB": database,
    }
    for _ in range(2):
        process = subprocess.run(
            [*command, "--full", "--list", str(listed)],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert (process.returncode, process.stderr) == (0, b"")
        assert batches(swh_double) == [240]
    history = History(Database(database))
    for id in ids(7):
        [(run, answer, _)] = history.answers(id)
        assert (run, answer) == (1, "not-held")
