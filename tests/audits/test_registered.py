"""The registry as a collection: capsules exported anew, and what is kept of them."""

from pathlib import Path

import pytest
from reverify.audits.drift import drift
from reverify.audits.executing import Serial
from reverify.audits.finding import REGISTRY
from reverify.audits.running import Audit, Order
from reverify.capsules.registry import open_registry
from reverify.model.audit import Check, Run
from reverify.registered import capsules
from reverify.runtime import Runtime
from reverify.services import SystemClock
from reverify.settings import Settings, load_settings
from reverify.store.database import Database
from reverify.store.history import History

from tests.capsules.builders import capsule_folder, manifest_in


class Kept:
    """A registry with one capsule, and the history of its audits."""

    def __init__(self, folder: Path, settings: Settings, *, store: bool) -> None:
        self.folder = capsule_folder(folder / "rain")
        self.settings = settings
        with open_registry(settings) as registry:
            manifest = manifest_in(self.folder)
            self.id = registry.register(manifest, self.folder, store=store).capsule
        self.history = History(Database(settings.db))

    def audit(self, **asked: bool) -> Run:
        with Runtime(self.settings) as runtime:
            audit = Audit(
                self.history,
                Serial(runtime.audited),
                SystemClock(),
                registered=runtime.capsules,
                look=runtime.look,
            )
            return audit.run(Order(roots=(REGISTRY,), **asked))  # type: ignore[arg-type]

    def check(self, run: Run) -> Check:
        (found,) = self.history.checks(run=run.number)
        return found


@pytest.fixture(params=[False, True], ids=["by reference", "copied"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> Kept:
    settings = load_settings(
        {
            "db": database,
            "store": str(tmp_path / "store"),
            "cache_dir": str(tmp_path / "cache"),
            "offline": True,
            "skip": ["conformance"],
        }
    )
    return Kept(tmp_path, settings, store=request.param)


def files_of(kept: Kept) -> list[Path]:
    """Where the bytes of the capsule are."""
    stored = [p for p in (kept.folder.parent / "store").rglob("*") if p.is_file()]
    return stored or [kept.folder / "rain.csv"]


def test_a_capsule_is_checked_as_the_crate_that_is_made_of_it(kept: Kept) -> None:
    run = kept.audit()
    check = kept.check(run)
    assert check.crate == f"{REGISTRY}{kept.id}"
    assert (check.outcome, check.reading) == ("confirmed", "full")
    rules = {each.rule for each in kept.history.findings(check.findings)}
    assert "fixity/digest-match" in rules
    assert kept.check(kept.audit()).reading == "quick"


def test_a_file_that_is_not_what_was_registered_is_damage(kept: Kept) -> None:
    kept.audit()
    for path in files_of(kept):
        path.chmod(0o644)
        path.write_bytes(b"something else\n")
    check = kept.check(kept.audit())
    assert check.outcome == "refuted"
    (change,) = drift(kept.history).broke
    assert change.finding.rule == "fixity/capsule-damaged"
    assert "it had" in change.finding.reason
    assert change.last_confirmed is not None
    assert change.last_confirmed[0] == 1


def test_a_file_that_is_gone_is_damage(kept: Kept) -> None:
    kept.audit()
    for path in files_of(kept):
        path.unlink()
    check = kept.check(kept.audit())
    (noted,) = kept.history.findings(check.findings)
    assert (check.outcome, noted.rule) == ("refuted", "fixity/capsule-damaged")


def test_a_capsule_whose_run_is_not_over_is_left_out(kept: Kept) -> None:
    folder = capsule_folder(
        kept.folder.parent / "draft",
        id="00000000-0000-4000-8000-000000000001",
        status="draft",
    )
    with open_registry(kept.settings) as registry:
        registry.register(manifest_in(folder), folder)
        assert list(capsules(registry)) == [f"{REGISTRY}{kept.id}"]


def test_a_new_version_is_read(kept: Kept) -> None:
    kept.audit()
    folder = capsule_folder(kept.folder, title="Rain at four stations")
    with open_registry(kept.settings) as registry:
        registry.register(manifest_in(folder), folder)
    assert kept.check(kept.audit()).why == "changed"
