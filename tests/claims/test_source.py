"""Which commits does a crate name?"""

from pathlib import Path

import pytest
from reverify.claims import source
from reverify.crates.opening import open_crate
from reverify.model.claim import Claim

from tests.fakes import Json, check, only, write_crate

COMMIT = "3f2a" * 10
REPOSITORY = "https://git.example.org/lab/calc.git"


def claims_of(tmp_path: Path, *entities: Json) -> list[Claim]:
    write_crate(tmp_path, *entities)
    with open_crate(str(tmp_path)) as crate:
        return list(source.claims(crate))


def code(**properties: object) -> Json:
    return {"@id": "#code", "@type": "SoftwareSourceCode", **properties}


@pytest.mark.parametrize(
    "properties",
    [
        {"codeRepository": REPOSITORY, "version": COMMIT},
        {"codeRepository": {"@id": REPOSITORY}, "version": COMMIT},
        {"codeRepository": REPOSITORY, "version": f"1.4-3-gabc ({COMMIT}, main)"},
        {"version": COMMIT},
        {"version": f"1.4.2-3-gabc1234 ({COMMIT}, branch main)"},
        {"softwareVersion": COMMIT},
        {"url": f"https://git.example.org/lab/calc/tree/{COMMIT}"},
        {"url": f"https://git.example.org/lab/calc/tree/{COMMIT}/src/run.py"},
        {"url": f"https://git.example.org/lab/calc/blob/{COMMIT}/run.py#L1"},
        {"url": f"https://git.example.org/lab/calc/raw/{COMMIT}/run.py"},
        {"url": f"https://git.example.org/lab/calc/commit/{COMMIT}"},
        {"url": f"https://git.example.org/lab/calc/archive/{COMMIT}.tar.gz"},
        {"url": f"https://git.example.org/lab/calc/archive/{COMMIT}.zip"},
        {"url": f"https://gitlab.example.org/lab/calc/-/tree/{COMMIT}"},
        {"url": f"https://gitlab.example.org/lab/calc/-/blob/{COMMIT}/run.py"},
        {"contentUrl": f"https://raw.githubusercontent.com/o/r/{COMMIT}/run.py"},
        {"isBasedOn": f"https://github.com/o/r/tree/{COMMIT}"},
        {"isBasedOn": [{"@id": f"https://github.com/o/r/tree/{COMMIT}"}]},
        {"codeRepository": f"https://github.com/o/r/tree/{COMMIT}/"},
        {"identifier": f"git+https://git.example.org/o/r.git@{COMMIT}"},
        {"identifier": f"git+https://git.example.org/o/r.git@{COMMIT}#subdirectory=x"},
        {"identifier": f"git+https://git.example.org/o/r.git@{COMMIT}/run.py"},
        {"identifier": f"pkg:github/o/r@{COMMIT}"},
        {"identifier": f"pkg:git/git.example.org/o/r@{COMMIT}"},
        {
            "identifier": "pkg:generic/r@1?vcs_url=git%2Bhttps:%2F%2Fgit.example.org"
            f"%2Fo%2Fr.git%40{COMMIT}"
        },
        {"git_commit": COMMIT},
        {"git_commit_hash": COMMIT},
    ],
    ids=lambda properties: " ".join(map(str, properties.values()))[:70],
)
def test_a_commit_is_recognised(tmp_path: Path, properties: Json) -> None:
    (claim,) = claims_of(tmp_path, code(**properties))
    assert claim.expected == f"commit:{COMMIT}"
    assert claim.subject == "#code"


def test_a_commit_in_the_name_of_an_entity_is_recognised(tmp_path: Path) -> None:
    id = f"git+https://git.example.org/o/r.git@{COMMIT}"
    (claim,) = claims_of(tmp_path, {"@id": id, "@type": "SoftwareSourceCode"})
    assert claim.stated_in.pointer == "/@graph/2/@id"


@pytest.mark.parametrize(
    "properties",
    [
        {"codeRepository": REPOSITORY},
        {"codeRepository": REPOSITORY, "version": "v1.4.2"},
        {"codeRepository": REPOSITORY, "version": COMMIT[:12]},
        {"codeRepository": REPOSITORY, "version": COMMIT + "0"},
        {"codeRepository": REPOSITORY, "version": COMMIT + COMMIT[:24]},
        {"codeRepository": "https://github.com/o/r/tree/dev/"},
        {"codeRepository": f"https://github.com/o/rtree/{COMMIT}"},
        {"url": "https://github.com/o/r/tree/v1.0"},
        {"url": f"https://github.com/o/r/tree/{COMMIT[:12]}"},
        {"url": f"https://example.org/{COMMIT}"},
        {"identifier": "git+https://git.example.org/o/r.git@main"},
        {"identifier": "pkg:github/o/r@v1.0"},
        {"softwareVersion": f"example/tool@sha256:{COMMIT}{COMMIT[:24]}"},
        {"git_commit": COMMIT[:7]},
        {"description": COMMIT},
        {"sha1": COMMIT},
    ],
    ids=lambda properties: " ".join(map(str, properties.values()))[:70],
)
def test_what_pins_nothing_is_no_claim(tmp_path: Path, properties: Json) -> None:
    assert claims_of(tmp_path, code(**properties)) == []


def test_one_commit_of_an_entity_is_one_claim(tmp_path: Path) -> None:
    entity = code(
        codeRepository=REPOSITORY,
        version=COMMIT,
        url=f"https://git.example.org/lab/calc/tree/{COMMIT}",
    )
    assert len(claims_of(tmp_path, entity)) == 1


def test_two_commits_of_an_entity_are_two_claims(tmp_path: Path) -> None:
    other = "0" * 40
    entity = code(version=COMMIT, url=f"https://git.example.org/lab/calc/tree/{other}")
    expected = [claim.expected for claim in claims_of(tmp_path, entity)]
    assert expected == [f"commit:{COMMIT}", f"commit:{other}"]


@pytest.mark.parametrize(
    ("properties", "origin", "path"),
    [
        ({"codeRepository": REPOSITORY, "version": COMMIT}, REPOSITORY, ""),
        (
            {"url": f"https://git.example.org/lab/calc/blob/{COMMIT}/src/a.py"},
            "https://git.example.org/lab/calc",
            "src/a.py",
        ),
        (
            {"url": f"https://gitlab.example.org/lab/sub/calc/-/blob/{COMMIT}/a.py"},
            "https://gitlab.example.org/lab/sub/calc",
            "a.py",
        ),
        (
            {"url": f"https://raw.githubusercontent.com/o/r/{COMMIT}/src/a.py"},
            "https://github.com/o/r",
            "src/a.py",
        ),
        (
            {"identifier": f"git+https://git.example.org/o/r.git@{COMMIT}/src/a.py"},
            "https://git.example.org/o/r.git",
            "src/a.py",
        ),
        (
            {"identifier": f"pkg:github/o/r@{COMMIT}#src/a.py"},
            "https://github.com/o/r",
            "src/a.py",
        ),
    ],
)
def test_origin_and_path_are_read_too(
    tmp_path: Path, properties: Json, origin: str, path: str
) -> None:
    write_crate(tmp_path, code(**properties))
    with open_crate(str(tmp_path)) as crate:
        assert crate.metadata is not None
        ((found, _),) = source.references(crate.metadata.by_id["#code"])
    assert (found.commit, found.origin, found.path) == (COMMIT, origin, path)


def test_a_plain_check_says_what_testing_a_commit_would_take(tmp_path: Path) -> None:
    write_crate(tmp_path, code(version=COMMIT))
    found = only(check(tmp_path), "#code", "source")
    assert found.rule == "source/not-tested"
    assert COMMIT in found.reason
