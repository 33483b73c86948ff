"""Which locations are origins, and which addresses an archive is told of."""

from pathlib import Path

import pytest
from reverify.archiving.looking import Looker, State
from reverify.archiving.saving import ask_to_save, find_requests
from reverify.archiving.subjects import (
    Collected,
    SubjectKind,
    is_origin,
    web_address,
    why_not_told,
)

from tests.services.swh_double import PUBLIC
from tests.services.swh_setting import Setting

COMMIT, TREE = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        ("https://github.com/ada/rain", True),
        ("https://github.com/ada/rain.git", True),
        ("git@github.com:ada/rain.git", True),
        ("ssh://git@example.org/ada/rain", True),
        ("git+https://example.org/ada/rain", True),
        ("https://example.org/crate.zip", False),
        ("https://example.org/ro-crate-metadata.json", False),
        ("https://doi.org/10.5281/zenodo.1", False),
        ("10.5281/zenodo.1", False),
        ("s3://bucket/crate", False),
        ("crate", False),
    ],
)
def test_an_address_that_ends_as_no_crate_does_is_an_origin(
    location: str,
    origin: bool,
) -> None:
    assert is_origin(location) is origin


@pytest.mark.parametrize(
    ("address", "web"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("git@example.org:ada/rain.git", "https://example.org/ada/rain.git"),
        ("ssh://git@example.org/ada/rain", "https://example.org/ada/rain"),
        ("git://example.org/ada/rain", "https://example.org/ada/rain"),
        ("git+https://example.org/rain", "https://example.org/rain"),
        ("https://ada:secret@example.org/a", None),
        ("https://example.org/a b", None),
        ("/home/ada/rain", None),
        ("file:///home/ada/rain", None),
        ("https://[::1", None),
        ("ext::sh -c true", None),
    ],
)
def test_an_address_is_written_as_an_archive_would_know_it(
    address: str, web: str | None
) -> None:
    assert web_address(address) == web


@pytest.mark.parametrize(
    "origin",
    [
        "http://10.0.0.1/x",
        "https://localhost/x",
        "https://forge/x",
        "https://forge.lan/x",
        "https://git.corp./x",
        "https://[fd00::1]/x",
    ],
)
def test_a_public_archive_is_not_told_of_private_addresses(
    origin: str, tmp_path: Path
) -> None:
    assert why_not_told(origin, PUBLIC)
    assert not why_not_told(origin, "http://127.0.0.1:8000/api/1/")
    setting = Setting(tmp_path)
    found = Collected()
    found.add_code(origin=origin)
    subject = found.subject(origin, SubjectKind.ORIGIN)
    with setting.double.at_the_wire():
        (looked,) = Looker(setting.archive).look_up([subject])
        (saving,) = ask_to_save(setting.archive, [origin])
        (request,) = find_requests(setting.archive, [origin])
    assert looked.state is State.UNDETERMINED
    assert (saving.word, request.word) == ("refused", "refused")
    assert not [each for each in setting.double.asked if "origin" in each.path]


def test_a_public_address_may_be_told() -> None:
    assert why_not_told("https://github.com/ada/rain", PUBLIC) == ""


def test_what_belongs_together_is_put_together() -> None:
    found = Collected()
    found.add_code(origin="https://github.com/ada/rain", commit=COMMIT)
    found.add_code(origin="git@github.com:ada/rain.git", commit=COMMIT, tree=TREE)
    found.add_code(commit=COMMIT, objects=[f"swh:1:cnt:{TREE}"])
    (code,) = found.subject("x", SubjectKind.CRATE).codes
    assert (code.origin, code.tree) == ("https://github.com/ada/rain", TREE)
    assert len(code.objects) == 3


def test_a_commit_of_a_sha256_repository_is_remarked_on() -> None:
    found = Collected()
    found.add_code(origin="https://example.org/a", commit="a" * 64)
    subject = found.subject("x", SubjectKind.CAPSULE)
    assert "SHA-256 repository" in subject.unasked[0]
    assert subject.named == ()
