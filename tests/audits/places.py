"""A collection of crates, and the history of its audits, in both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reverify.audits.executing import Serial
from reverify.audits.running import Audit, Order
from reverify.model.audit import Check, Run
from reverify.model.report import Report
from reverify.runtime import Runtime
from reverify.settings import load_settings
from reverify.store.database import Database
from reverify.store.history import History

from tests.builders import METADATA, document, encode, write


class Ticking:
    """A clock that goes on by a second each time that it is looked at."""

    def __init__(self) -> None:
        self.now_is = 1_800_000_000

    def now(self) -> datetime:
        self.now_is += 1
        return datetime.fromtimestamp(self.now_is, UTC)


class Place:
    """A collection of crates, and the history of its audits."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.history = History(Database(database))
        self.clock = Ticking()
        self.asked: list[str] = []
        settings = load_settings({"offline": True, "skip": ["conformance"]})
        self.runtime = Runtime(settings)

    def crate(self, name: str, data: bytes = b"1\n") -> Path:
        files = {"a.csv": data}
        made = encode(document(files))
        write(self.folder / name, {**files, METADATA: made})
        return self.folder / name

    def verify(self, location: str) -> Iterator[Report]:
        self.asked.append(location)
        return self.runtime.verify(location)

    def audit(self, **asked: Any) -> Run:  # noqa: ANN401 - of Order
        order = Order(roots=(str(self.folder),), **asked)
        executor = Serial(self.verify, self.clock)
        return Audit(self.history, executor, self.clock).run(order)

    def checks(self, run: Run) -> dict[str, Check]:
        """What became of each crate in a run, by its name."""
        found = self.history.checks(run=run.number)
        return {Path(check.crate).name: check for check in found}


@pytest.fixture
def place(tmp_path: Path, database: str) -> Iterator[Place]:
    folder = tmp_path / "crates"
    folder.mkdir()
    made = Place(folder, database)
    for number in range(3):
        made.crate(f"crate-{number}")
    with made.runtime:
        yield made
