"""What does a crate say of its code?"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from reverify import verify
from reverify.claims import source
from reverify.crates.opening import open_crate
from reverify.model.claim import Claim, Topic

from tests.fakes import Json, check, file, of, write_crate

COMMIT = "3f2a" * 10
TREE = "77de68da" * 5
REPOSITORY = "https://git.example.org/lab/calc.git"


def all_claims(
    tmp_path: Path, *entities: Json, files: Mapping[str, bytes] | None = None
) -> list[Claim]:
    write_crate(tmp_path, *entities, files=files)
    with open_crate(str(tmp_path)) as crate:
        return list(source.claims(crate))


def claims_of(tmp_path: Path, *entities: Json) -> list[Claim]:
    found = all_claims(tmp_path, *entities)
    return [claim for claim in found if claim.topic == Topic.COMMIT]


def texts(claims: list[Claim], topic: Topic) -> list[str]:
    return [claim.expected for claim in claims if claim.topic == topic]


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
        {"git_commit": COMMIT.upper()},
        {"commit": f"https://github.com/o/r/commit/{COMMIT}"},
        {"schema:codeRepository": REPOSITORY, "schema:version": COMMIT},
        {"http://schema.org/version": COMMIT},
        {"url": f"https://gitlab.com/g/s/r/-/archive/{COMMIT}/r-{COMMIT}.tar.gz"},
        {"url": f"https://codeberg.org/o/r/src/commit/{COMMIT}/run.py"},
        {"url": f"https://codeberg.org/o/r/raw/commit/{COMMIT}/run.py"},
        {"url": f"https://git.sr.ht/~ada/r/tree/{COMMIT}/item/run.py"},
        {"url": f"https://bitbucket.org/o/r/src/{COMMIT}/run.py"},
        {"url": f"https://bitbucket.org/o/r/commits/{COMMIT}"},
        {"url": f"https://bitbucket.org/o/r/get/{COMMIT}.zip"},
        {"url": f"https://codeload.github.com/o/r/zip/{COMMIT}"},
        {"sameAs": f"https://github.com/o/r/commit/{COMMIT.upper()}"},
        {"identifier": f"git+ssh://git@git.example.org/o/r.git@{COMMIT}"},
        {"identifier": f"swh:1:rev:{COMMIT}"},
        {"archivedAt": f"https://archive.softwareheritage.org/swh:1:rev:{COMMIT}"},
        {"identifier": f"swh:1:dir:{COMMIT};anchor=swh:1:rev:{COMMIT};path=/"},
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
        {"version": COMMIT + COMMIT[:24]},
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


def test_sixty_four_digits_are_a_commit_beside_a_repository(tmp_path: Path) -> None:
    long = COMMIT + COMMIT[:24]
    (claim,) = claims_of(tmp_path, code(codeRepository=REPOSITORY, version=long))
    assert claim.expected == f"commit:{long}"


@pytest.mark.parametrize(
    ("properties", "topic", "expected"),
    [
        ({"git_tree_hash": TREE}, Topic.TREE, f"tree:{TREE}"),
        ({"identifier": f"swh:1:dir:{TREE}"}, Topic.TREE, f"tree:{TREE}"),
        ({"identifier": f"swh:1:rel:{TREE}"}, Topic.TAG, f"tag:{TREE}"),
        ({"identifier": [f"swh:1:cnt:{TREE}"]}, Topic.BLOB, f"blob:{TREE}"),
        ({"version": COMMIT, "commit": COMMIT}, Topic.COMMITS, f"commit:{COMMIT}"),
        (
            {"codeRepository": REPOSITORY, "url": f"{REPOSITORY}/tree/{COMMIT}"},
            Topic.ORIGINS,
            f"origin:{REPOSITORY}",
        ),
        (
            {"codeRepository": REPOSITORY, "version": COMMIT},
            Topic.REACHED,
            f"reached:commit:{COMMIT}",
        ),
    ],
)
def test_what_is_said_beside_the_commit_is_a_claim_too(
    tmp_path: Path, properties: Json, topic: Topic, expected: str
) -> None:
    assert texts(all_claims(tmp_path, code(**properties)), topic) == [expected]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"codeRepository": REPOSITORY}, "and no commit of it"),
        ({"codeRepository": REPOSITORY, "version": "v1.4.2"}, "a version, 'v1.4.2'"),
        ({"codeRepository": REPOSITORY, "version": COMMIT[:12]}, "first digits"),
        ({"codeRepository": REPOSITORY, "version": "1.4-3-gabc1234"}, "first digits"),
        ({"codeRepository": "https://github.com/o/r/tree/dev/"}, "names 'dev'"),
        ({"url": "https://github.com/o/r/releases/tag/v1"}, "names 'v1'"),
        ({"identifier": "git+https://git.example.org/o/r.git@main"}, "names 'main'"),
        ({"identifier": "pkg:github/o/r@v1.0"}, "names 'v1.0'"),
        ({"isBasedOn": "https://github.com/o/r"}, "and no commit of it"),
        ({"git_commit": COMMIT[:7]}, "first digits"),
        ({"git_commit": COMMIT[:7], "codeRepository": REPOSITORY}, "first digits"),
    ],
)
def test_a_hint_is_a_note_that_says_what_would_pin_it(
    tmp_path: Path, properties: Json, reason: str
) -> None:
    write_crate(tmp_path, code(**properties))
    (found,) = of(check(tmp_path), "#code", "source")
    assert (found.rule, found.severity) == ("source/not-pinned", "note")
    assert reason in found.reason
    assert "whole commit id" in found.fix


def test_beside_a_pin_a_branch_is_not_told(tmp_path: Path) -> None:
    url = "https://git.example.org/lab/calc/tree/main"
    entity = code(codeRepository=REPOSITORY, version=COMMIT, url=url)
    assert texts(all_claims(tmp_path, entity), Topic.PIN) == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (
            {"codeRepository": f"https://github.com/o/rtree/{COMMIT}"},
            f"perhaps https://github.com/o/r/tree/{COMMIT} is meant",
        ),
        (
            {"codeRepository": "https://github.com/o/r.gittree/dev/src"},
            "perhaps https://github.com/o/r/tree/dev/src is meant",
        ),
        ({"codeRepository": "lab/calc"}, "no address of a repository"),
        ({"git_commit": COMMIT + "0"}, "it has 41 digits"),
        ({"git_commit": "latest"}, "not hexadecimal"),
        ({"url": f"https://github.com/o/r/tree/{COMMIT}0"}, "it has 41 digits"),
    ],
)
def test_what_is_malformed_is_told_with_what_was_meant(
    tmp_path: Path, properties: Json, reason: str
) -> None:
    write_crate(tmp_path, code(**properties))
    (found,) = of(check(tmp_path), "#code", "source")
    assert (found.rule, found.severity) == ("source/malformed", "warning")
    assert reason in found.reason


def test_capitals_are_told_and_read(tmp_path: Path) -> None:
    found = all_claims(tmp_path, code(git_commit=COMMIT.upper()))
    assert texts(found, Topic.SPELLING) == [COMMIT.upper()]
    assert texts(found, Topic.COMMIT) == [f"commit:{COMMIT}"]


@pytest.mark.parametrize(
    "properties",
    [
        {"url": "https://github.com/o/r"},
        {"url": "https://github.com/o/r/issues/3"},
        {"issueTracker": f"https://github.com/o/r/tree/{COMMIT}"},
        {"readme": f"https://github.com/o/r/blob/{COMMIT}/README.md"},
        {"referencePublication": f"https://github.com/o/r/tree/{COMMIT}"},
        {"programmingLanguage": f"https://github.com/o/r/tree/{COMMIT}"},
        {"tag": COMMIT},
        {"isBasedOn": "https://doi.org/10.5281/zenodo.1"},
        {"identifier": "pkg:pypi/numpy@1.26"},
        {"url": "https://example.org/plants/roots/tree/oak"},
        {"version": "2.0"},
        {"codeRepository": ""},
        {"codeRepository": {"@id": "#repository"}},
        {"codeRepository": 7, "version": [None, 3, {"@id": 4}]},
    ],
)
def test_what_is_no_word_about_code_is_no_claim(
    tmp_path: Path, properties: Json
) -> None:
    assert all_claims(tmp_path, code(**properties)) == []


def test_a_property_value_speaks_for_its_owner(tmp_path: Path) -> None:
    node = {"@id": "#id", "@type": "PropertyValue", "value": f"swh:1:rev:{COMMIT}"}
    (claim,) = claims_of(tmp_path, code(identifier={"@id": "#id"}), node)
    assert (claim.subject, claim.expected) == ("#code", f"commit:{COMMIT}")


def source_files(claims: list[Claim]) -> list[tuple[str, str]]:
    topic = Topic.SOURCE_FILE
    return [(claim.subject, claim.expected) for claim in claims if claim.topic == topic]


@pytest.mark.parametrize(
    "entities",
    [
        [file("run.py"), code(version=COMMIT, hasPart={"@id": "run.py"})],
        [file("run.py", isSourceCodeOf={"@id": "#code"}), code(version=COMMIT)],
        [file("run.py"), code(version=COMMIT, hasSourceCode={"@id": "run.py"})],
        [
            file("run.py"),
            code(hasSourceCode={"@id": "#source"}, hasPart={"@id": "run.py"}),
            {"@id": "#source", "@type": "SoftwareSourceCode", "version": COMMIT},
        ],
        [
            {
                "@id": "run.py",
                "@type": ["File", "SoftwareSourceCode"],
                "version": COMMIT,
            }
        ],
    ],
    ids=["part", "source of", "has source", "source apart", "itself"],
)
def test_an_included_file_is_claimed_to_be_of_the_commit(
    tmp_path: Path, entities: list[Json]
) -> None:
    found = all_claims(tmp_path, *entities, files={"run.py": b"1\n"})
    assert source_files(found) == [("run.py", f"in:commit:{COMMIT}")]


@pytest.mark.parametrize("key", ["url", "contentUrl", "sameAs", "identifier"])
def test_a_link_to_a_file_at_a_commit_says_its_path(tmp_path: Path, key: str) -> None:
    link = f"https://raw.githubusercontent.com/o/r/{COMMIT}/src/a%20b.py"
    found = all_claims(tmp_path, file("run.py", **{key: link}), files={"run.py": b""})
    expected = f"commit:{COMMIT}:src/a b.py"
    assert source_files(found) == [("run.py", expected)]


def test_a_file_that_is_based_on_another_is_not_compared(tmp_path: Path) -> None:
    link = f"https://raw.githubusercontent.com/o/r/{COMMIT}/src/a.py"
    found = all_claims(tmp_path, file("run.py", isBasedOn=link), files={"run.py": b""})
    assert source_files(found) == []


def test_of_a_folder_only_the_files_of_code_are_compared(tmp_path: Path) -> None:
    found = all_claims(
        tmp_path,
        file("src/data.csv"),
        {"@id": "src/run.py", "@type": ["File", "SoftwareSourceCode"]},
        {
            "@id": "src/",
            "@type": "Dataset",
            "version": COMMIT,
            "hasPart": [{"@id": "src/data.csv"}, {"@id": "src/run.py"}],
        },
        files={"src/data.csv": b"", "src/run.py": b""},
    )
    assert source_files(found) == [("src/run.py", f"in:commit:{COMMIT}")]


CITATION = f"""cff-version: 1.2.0
title: Calc
repository-code: {REPOSITORY}
commit: "{COMMIT}"
identifiers:
  - {{type: swh, value: "swh:1:dir:{TREE}"}}
  - {{type: doi, value: 10.1/2}}
"""
CODEMETA = {
    "@context": "https://w3id.org/codemeta/3.0",
    "id": f"https://identifiers.org/swh:1:rev:{COMMIT}",
    "codeRepository": REPOSITORY,
    "identifier": [{"type": "PropertyValue", "value": f"swh:1:dir:{TREE}"}],
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("CITATION.cff", CITATION.encode()),
        ("codemeta.json", json.dumps(CODEMETA).encode()),
    ],
)
def test_files_about_code_speak_too(tmp_path: Path, name: str, data: bytes) -> None:
    found = all_claims(tmp_path, file(name), files={name: data})
    assert {claim.subject for claim in found} == {name}
    assert {claim.stated_in.file for claim in found} == {name}
    assert texts(found, Topic.COMMIT) == [f"commit:{COMMIT}"]
    assert texts(found, Topic.TREE) == [f"tree:{TREE}"]


def test_a_commit_of_digits_alone_is_text_in_yaml(tmp_path: Path) -> None:
    commit = "1234567890" * 4
    data = f"repository-code: {REPOSITORY}\ncommit: {commit}\n".encode()
    found = all_claims(tmp_path, files={"CITATION.cff": data})
    assert texts(found, Topic.COMMIT) == [f"commit:{commit}"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("CITATION.cff", b"\xff\xfe"),
        ("CITATION.cff", b"a: [b"),
        ("CITATION.cff", b"- a\n- b\n"),
        ("CITATION.cff", b"a: " + b"[" * 100_000),
        ("CITATION.cff", b"a: &a [x]\n" + b"b: [" + b"*a," * 200 + b"]\n"),
        ("CITATION.cff", b"!!python/object/apply:os.system ['id']"),
        ("CITATION.cff", b"#" * 300_000),
        ("codemeta.json", b"[" * 100_000),
        ("codemeta.json", b"[]"),
        ("codemeta.json", b"{"),
    ],
    ids=range(10),
)
def test_a_broken_file_about_code_is_a_note(
    tmp_path: Path, name: str, data: bytes
) -> None:
    write_crate(tmp_path, file(name), files={name: data})
    (found,) = of(check(tmp_path), name, "source")
    assert (found.rule, found.severity) == ("source/unread", "note")


def test_a_plain_check_says_what_testing_a_commit_would_take(tmp_path: Path) -> None:
    write_crate(tmp_path, code(version=COMMIT))
    (found,) = of(check(tmp_path), "#code", "source")
    assert found.rule == "source/not-tested"
    assert COMMIT in found.reason


def test_a_citation_names_contents_of_the_code_and_not_its_own(
    tmp_path: Path,
) -> None:
    data = (
        b"cff-version: 1.2.0\nidentifiers:\n- type: swh\n"
        b"  value: swh:1:cnt:6377e7664cba1704b40b4879bd39820561352177\n"
    )
    (claim,) = [
        claim
        for claim in all_claims(tmp_path, files={"CITATION.cff": data})
        if claim.expected == "blob:6377e7664cba1704b40b4879bd39820561352177"
    ]
    assert claim.path is None


def test_what_a_file_about_code_says_is_told_with_its_line(tmp_path: Path) -> None:
    rev = f"swh:1:rev:{COMMIT}"
    citation = "cff-version: 1.2.0\ntitle: Sums\nidentifiers:\n  - type: swh\n"
    citation += f"    value: {rev}\ncommit: {COMMIT}\n"
    codemeta = f'{{\n "name": "Sums",\n "identifier": "{rev}"\n}}'
    files = {"CITATION.cff": citation.encode(), "codemeta.json": codemeta.encode()}
    crate = write_crate(tmp_path, files=files)
    report = verify(str(crate), offline=True, only=["source", "archival"])
    places = {
        (f.claim.kind.value, f.claim.stated_in.file, f.claim.stated_in.position)
        for f in report.findings
        if f.claim.topic in {"commit", "swhid"}
    }
    assert places == {
        ("source", "CITATION.cff", (6, 1)),
        ("archival", "CITATION.cff", (5, 5)),
        ("source", "codemeta.json", (3, 2)),
        ("archival", "codemeta.json", (3, 2)),
    }


@pytest.mark.parametrize(
    "identifier",
    [
        "https://doi.org/10.5281/zenodo.1",
        "doi:10.5281/zenodo.1",
        "trs://example.org/1/2",
        "https://workflowhub.eu/workflows/12?version=3",
    ],
)
def test_where_code_is_published_is_remarked_and_pins_nothing(
    tmp_path: Path, identifier: str
) -> None:
    (claim,) = all_claims(tmp_path, code(identifier=identifier))
    assert (claim.topic, claim.severity) == (Topic.PIN, "note")
    pinned = code(identifier=[identifier, f"swh:1:rev:{COMMIT}"])
    topics = {claim.topic for claim in all_claims(tmp_path, pinned)}
    assert topics == {Topic.COMMIT}
