"""Which identifiers of the archive does a crate carry?"""

from pathlib import Path

import pytest
from reverify.claims.archival import core_swhids
from reverify.crates.opening import open_crate
from reverify.model.claim import Topic
from reverify.model.outcome import Outcome, Severity

from tests.fakes import Json, check, of, only, write_crate

HEX = "94a9ed024d3859793618152ea559a168bbcbb5e2"
QUALIFIED = (
    f"swh:1:dir:{HEX};origin=https://example.org/r;visit=swh:1:snp:{HEX};"
    f"anchor=swh:1:rev:{HEX};path=/src/"
)


def code(**properties: object) -> Json:
    return {"@id": "#code", "@type": "SoftwareSourceCode", **properties}


def expected(tmp_path: Path, *entities: Json) -> list[str]:
    write_crate(tmp_path, *entities)
    found = of(check(tmp_path), "#code", "archival")
    return [f.claim.expected for f in found if f.claim.topic == Topic.SWHID]


@pytest.mark.parametrize("kind", ["cnt", "dir", "rev", "rel", "snp"])
def test_a_bare_identifier_is_recognised(tmp_path: Path, kind: str) -> None:
    text = f"swh:1:{kind}:{HEX}"
    assert expected(tmp_path, code(identifier=text)) == [text]


def test_a_qualified_identifier_is_kept_whole(tmp_path: Path) -> None:
    assert expected(tmp_path, code(identifier=QUALIFIED)) == [QUALIFIED]


@pytest.mark.parametrize(
    "resolver",
    [
        "https://archive.softwareheritage.org/",
        "https://archive.softwareheritage.org/browse/",
        "https://identifiers.org/",
        "https://n2t.net/",
        "http://n2t.net/",
    ],
)
@pytest.mark.parametrize("end", ["", "/"])
def test_the_address_of_a_resolver_is_stripped(
    tmp_path: Path, resolver: str, end: str
) -> None:
    text = f"{resolver}swh:1:rev:{HEX}{end}"
    assert expected(tmp_path, code(url=text)) == [f"swh:1:rev:{HEX}"]


@pytest.mark.parametrize(
    "key",
    [
        "identifier",
        "url",
        "sameAs",
        "archivedAt",
        "schema:archivedAt",
        "http://schema.org/archivedAt",
    ],
)
@pytest.mark.parametrize("shape", ["text", "list", "reference"])
def test_an_identifier_is_found_under_every_key(
    tmp_path: Path, key: str, shape: str
) -> None:
    text = f"swh:1:rev:{HEX}"
    value = {"text": text, "list": ["x", text], "reference": {"@id": text}}[shape]
    assert expected(tmp_path, code(**{key: value})) == [text]


def test_an_identifier_as_a_property_value_is_found(tmp_path: Path) -> None:
    node = {"@id": "#id", "@type": "PropertyValue", "value": f"swh:1:rev:{HEX}"}
    write_crate(tmp_path, code(identifier={"@id": "#id"}), node)
    found = only(check(tmp_path), "#id", "archival")
    assert found.claim.expected == f"swh:1:rev:{HEX}"


def test_one_identifier_of_an_entity_is_one_claim(tmp_path: Path) -> None:
    text = f"swh:1:rev:{HEX}"
    entity = code(identifier=text, url=f"https://n2t.net/{text}")
    assert expected(tmp_path, entity) == [text]


@pytest.mark.parametrize("text", ["swhat", "https://example.org/swh", "", "swh:"])
def test_other_text_is_no_identifier(tmp_path: Path, text: str) -> None:
    assert expected(tmp_path, code(identifier=text)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"swh:1:ext:{HEX}", "there is no type 'ext'"),
        (f"swh:2:rev:{HEX}", "where swh:1 is needed"),
        (f"swh:1:rev:{HEX[:-1]}", "it has 39 digits"),
        (f"swh:1:rev:{HEX}0", "it has 41 digits"),
        (f"swh:1:rev:{HEX.upper()}", "lower case"),
        (f"swh:1:rev:{HEX[:-1]}x", "not hexadecimal"),
        (f"swh:1:{HEX}", "four parts"),
        (f"SWH:1:rev:{HEX}", "where swh:1 is needed"),
        (f"swh:1:{HEX}", "rev for a commit"),
        (f"swh:1:commit:{HEX}", f"perhaps swh:1:rev:{HEX} is meant"),
    ],
)
def test_a_malformed_identifier_is_refuted_with_what_is_wrong(
    tmp_path: Path, text: str, reason: str
) -> None:
    write_crate(tmp_path, code(identifier=text))
    found = only(check(tmp_path), "#code", "archival")
    assert found.rule == "archival/swhid-invalid"
    assert found.outcome is Outcome.REFUTED
    assert reason in found.reason


@pytest.mark.parametrize(
    ("qualifiers", "reason"),
    [
        ("origin=https://a.example;origin=https://b.example", "stands twice"),
        (f"visit=swh:1:snp:{HEX}", "counts only beside 'origin'"),
        ("branch=main", "'branch' is ignored: it is unknown"),
    ],
)
def test_a_qualifier_that_does_not_count_is_a_warning(
    tmp_path: Path, qualifiers: str, reason: str
) -> None:
    write_crate(tmp_path, code(identifier=f"swh:1:rev:{HEX};{qualifiers}"))
    core, remark = of(check(tmp_path), "#code", "archival")
    assert core.rule == "archival/not-tested"
    assert remark.rule == "archival/qualifier-ignored"
    assert (remark.outcome, remark.severity) == (Outcome.REFUTED, Severity.WARNING)
    assert reason in remark.reason
    assert remark.observed == f"swh:1:rev:{HEX}"


def test_a_thousand_remarks_are_one_short_finding(tmp_path: Path) -> None:
    write_crate(tmp_path, code(identifier=f"swh:1:rev:{HEX}" + ";" * 1000))
    _, remark = of(check(tmp_path), "#code", "archival")
    assert remark.reason.endswith("and 990 more")


def test_sound_identifiers_and_where_they_were_seen_are_untested_in_a_plain_check(
    tmp_path: Path,
) -> None:
    write_crate(tmp_path, code(identifier=QUALIFIED))
    found = of(check(tmp_path), "#code", "archival")
    assert {f.rule for f in found} == {"archival/not-tested"}
    assert {f.outcome for f in found} == {Outcome.UNTESTED}
    assert [f.claim.expected for f in found] == [
        QUALIFIED,
        "origin:https://example.org/r",
        f"visit:swh:1:snp:{HEX} of https://example.org/r",
        f"swh:1:dir:{HEX} at /src/ of swh:1:rev:{HEX}",
    ]


def test_a_directory_beside_a_revision_is_a_claim_of_its_own(tmp_path: Path) -> None:
    write_crate(tmp_path, code(identifier=[f"swh:1:dir:{HEX}", f"swh:1:rev:{HEX}"]))
    found = [f.claim.expected for f in of(check(tmp_path), "#code", "archival")]
    assert f"swh:1:dir:{HEX} of swh:1:rev:{HEX}" in found


def test_a_commit_of_a_sha256_repository_cannot_be_asked_for(tmp_path: Path) -> None:
    long = HEX + HEX[:24]
    write_crate(tmp_path, code(git_commit=long))
    found = only(check(tmp_path), "#code", "archival")
    assert found.rule == "archival/not-expressible"
    assert found.outcome is Outcome.NOT_APPLICABLE


def test_all_that_will_be_asked_for_is_listed_once(tmp_path: Path) -> None:
    other = HEX[::-1]
    write_crate(
        tmp_path,
        code(identifier=[QUALIFIED, f"swh:1:cnt:{other}", "swh:1:ext:" + HEX]),
        {"@id": "#b", "@type": "Thing", "url": f"https://n2t.net/swh:1:cnt:{other}"},
        files={"CITATION.cff": _CITATION % other.encode()},
    )
    with open_crate(str(tmp_path)) as crate:
        assert core_swhids(crate) == [
            f"swh:1:dir:{HEX}",
            f"swh:1:snp:{HEX}",
            f"swh:1:rev:{HEX}",
            f"swh:1:cnt:{other}",
            f"swh:1:rel:{other}",
        ]


_CITATION = b"identifiers: [{type: swh, value: 'swh:1:rel:%s'}]\n"
