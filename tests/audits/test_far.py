"""Collections in a storage that speaks S3: found, read, and looked at from afar."""

from pathlib import Path

import pytest
from reverify.audits.drift import drift
from reverify.audits.executing import Serial
from reverify.audits.finding import find_crates
from reverify.audits.running import Audit, Order
from reverify.errors import UsageError
from reverify.model.audit import Run
from reverify.runtime import Runtime
from reverify.services import SystemClock
from reverify.settings import load_settings
from reverify.store.database import Database
from reverify.store.history import History

from tests.builders import METADATA, document, encode
from tests.crates.test_opening_remote import Bucket, bucket, store

__all__ = ["bucket", "store"]


def put(bucket: Bucket, crate: str, data: bytes) -> None:
    files = {"a.csv": data}
    for name, content in {**files, METADATA: encode(document(files))}.items():
        bucket.put_object(Key=f"crates/{crate}/{name}", Body=content)


class Far:
    """The history of audits of a bucket."""

    def __init__(self, folder: Path) -> None:
        self.history = History(Database(f"sqlite:///{folder}/h.sqlite"))
        self.settings = load_settings(
            {
                "allow_private": True,
                "skip": ["conformance", "archival", "source"],
                "cache_dir": str(folder / "cache"),
            }
        )

    def audit(self) -> Run:
        with Runtime(self.settings) as runtime:
            audit = Audit(
                self.history, Serial(runtime.audited), SystemClock(), look=runtime.look
            )
            return audit.run(Order(roots=("s3://bucket/crates",)))

    def readings(self, run: Run) -> dict[str, tuple[str, str]]:
        found = self.history.checks(run=run.number)
        return {c.crate: (c.outcome, c.reading) for c in found}


def test_a_bucket_is_audited_as_a_folder_is(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "one", b"1\n")
    put(bucket, "deep/two", b"2\n")
    far = Far(tmp_path)
    assert far.readings(far.audit()) == {
        "s3://bucket/crates/deep/two": ("confirmed", "full"),
        "s3://bucket/crates/one": ("confirmed", "full"),
    }
    assert {r for _, r in far.readings(far.audit()).values()} == {"quick"}
    bucket.put_object(Key="crates/one/a.csv", Body=b"9\n")
    run = far.audit()
    assert far.readings(run)["s3://bucket/crates/one"] == ("refuted", "full")
    (change,) = drift(far.history).broke
    assert change.finding.rule == "fixity/digest-mismatch"


def test_a_bucket_that_is_not_there_judges_nothing(bucket: Bucket) -> None:
    del bucket
    with pytest.raises(UsageError, match="there is nothing"):
        list(find_crates(["s3://another-bucket/crates"], lambda *_: None))


def test_offline_a_bucket_is_not_asked_and_nothing_in_it_is_called_gone(
    bucket: Bucket, tmp_path: Path
) -> None:
    put(bucket, "one", b"1\n")
    far = Far(tmp_path)
    far.audit()
    audit = Audit(far.history, Serial(lambda _: iter(())), SystemClock(), offline=True)
    faults: dict[str, str] = {}
    order = Order(roots=("s3://bucket/crates",))
    run = audit.run(order, fault=faults.__setitem__)
    assert faults == {"s3://bucket/crates": "is not listed, since we are offline"}
    assert far.readings(run) == {"s3://bucket/crates/one": ("undetermined", "none")}
