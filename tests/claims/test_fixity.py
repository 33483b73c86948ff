"""Which digests and sizes does a crate state, and how?"""

import base64
import hashlib
from pathlib import Path

import pytest
from reverify.claims import fixity
from reverify.crates.digest_names import check_digit
from reverify.crates.opening import open_crate
from reverify.model.claim import Claim, Topic
from reverify.model.outcome import Severity

from tests.fakes import CONTEXT, CONTEXT_1_1, Json, file, folder, write_crate

DATA = b"1,2,3\n"
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()


def claims_of(
    tmp_path: Path,
    *entities: Json,
    context: object = CONTEXT,
    root: Json | None = None,
) -> list[Claim]:
    files = {"a.csv": DATA}
    write_crate(tmp_path, *entities, files=files, context=context, root=root)
    with open_crate(str(tmp_path)) as crate:
        return [c for c in fixity.claims(crate) if c.topic is not Topic.COVERAGE]


def expected(
    tmp_path: Path,
    *entities: Json,
    context: object = CONTEXT,
    root: Json | None = None,
) -> list[str]:
    claims = claims_of(tmp_path, *entities, context=context, root=root)
    return [claim.expected for claim in claims]


# -- keys --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "sha256",
        "SHA256",
        "sha-256",
        "SHA-256",
        "SHA_256",
        "schema:sha256",
        "http://schema.org/sha256",
        "https://schema.org/sha256",
        "https://w3id.org/ro/terms/workflow-run#sha256",
    ],
)
def test_a_digest_is_read_under_every_spelling_of_its_key(
    tmp_path: Path, key: str
) -> None:
    assert expected(tmp_path, file("a.csv", **{key: SHA256})) == [f"sha256:{SHA256}"]


@pytest.mark.parametrize("key", ["md5", "MD5", "MD-5"])
def test_md5_is_read_though_its_name_is_short(tmp_path: Path, key: str) -> None:
    assert expected(tmp_path, file("a.csv", **{key: MD5})) == [f"md5:{MD5}"]


def test_a_digest_under_a_key_that_the_context_forgot_is_read(tmp_path: Path) -> None:
    entity = file("a.csv", sha256=SHA256)
    assert expected(tmp_path, entity, context=CONTEXT_1_1) == [f"sha256:{SHA256}"]


@pytest.mark.parametrize(
    "iri",
    [
        "http://schema.org/sha256",
        "https://schema.org/sha256",
        "https://w3id.org/ro/terms/workflow-run#sha256",
    ],
)
def test_a_key_is_read_by_what_the_local_context_maps_it_to(
    tmp_path: Path, iri: str
) -> None:
    context = [CONTEXT_1_1, {"pruefsumme": iri}]
    entity = file("a.csv", pruefsumme=SHA256)
    assert expected(tmp_path, entity, context=context) == [f"sha256:{SHA256}"]


def test_a_known_key_that_the_local_context_maps_elsewhere_is_read(
    tmp_path: Path,
) -> None:
    context = [CONTEXT_1_1, {"sha256": "https://example.org/terms#sha256"}]
    entity = file("a.csv", sha256=SHA256)
    assert expected(tmp_path, entity, context=context) == [f"sha256:{SHA256}"]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sha1", "sha1"),
        ("sha224", "sha224"),
        ("sha384", "sha384"),
        ("SHA-512", "sha512"),
        ("sha3-256", "sha3_256"),
        ("SHA3_512", "sha3_512"),
        ("blake2b", "blake2b"),
        ("BLAKE2s", "blake2s"),
        ("SHA-512/256", "sha512_256"),
    ],
)
def test_other_algorithms_of_hashlib_are_read(
    tmp_path: Path, key: str, name: str
) -> None:
    digest = hashlib.new(name, DATA).hexdigest()
    assert expected(tmp_path, file("a.csv", **{key: digest})) == [f"{name}:{digest}"]


@pytest.mark.parametrize("key", ["sha", "name", "hash", "shasum", "description"])
def test_other_keys_state_no_digest(tmp_path: Path, key: str) -> None:
    assert expected(tmp_path, file("a.csv", **{key: SHA256})) == []


@pytest.mark.parametrize("key", ["blake3", "BLAKE3", "crc32", "multihash"])
def test_algorithms_that_we_lack_are_read_as_such(tmp_path: Path, key: str) -> None:
    (claim,) = claims_of(tmp_path, file("a.csv", **{key: "abc"}))
    assert claim.topic is Topic.DIGEST_FOREIGN
    assert claim.expected.lower() == f"{key.lower()}:abc"
    assert claim.severity is Severity.WARNING


def test_a_content_identifier_is_an_algorithm_that_we_lack(tmp_path: Path) -> None:
    cid = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
    (claim,) = claims_of(tmp_path, file("a.csv", cid=cid))
    assert claim.topic is Topic.DIGEST_FOREIGN


def test_a_key_called_cid_may_be_something_else(tmp_path: Path) -> None:
    assert expected(tmp_path, {"@id": "#water", "@type": "Thing", "cid": "962"}) == []


# -- values ------------------------------------------------------------------------


def test_each_value_of_a_list_is_a_claim(tmp_path: Path) -> None:
    claims = claims_of(tmp_path, file("a.csv", sha256=[SHA256, "0" * 64]))
    assert [c.expected for c in claims] == [f"sha256:{SHA256}", f"sha256:{'0' * 64}"]
    assert [c.stated_in.pointer for c in claims] == [
        "/@graph/2/sha256/0",
        "/@graph/2/sha256/1",
    ]


@pytest.mark.parametrize(
    "value",
    [SHA256.upper(), f" {SHA256}\n", f"sha256:{SHA256}", f"SHA-256:{SHA256.upper()}"],
)
def test_a_digest_is_written_one_way_however_it_is_stated(
    tmp_path: Path, value: str
) -> None:
    assert expected(tmp_path, file("a.csv", sha256=value)) == [f"sha256:{SHA256}"]


@pytest.mark.parametrize("value", [None, []])
def test_no_value_is_no_claim(tmp_path: Path, value: object) -> None:
    assert expected(tmp_path, file("a.csv", sha256=value)) == []


@pytest.mark.parametrize("value", [17, True, {"@id": "#x"}, {"@value": SHA256}, ["x"]])
def test_a_value_that_is_no_text_is_a_claim_all_the_same(
    tmp_path: Path, value: object
) -> None:
    (claim,) = claims_of(tmp_path, file("a.csv", sha256=[value]))
    assert claim.expected.startswith("sha256:")


# -- names made of digests ---------------------------------------------------------


@pytest.mark.parametrize("digit", ["", f";{check_digit(SHA256)}"])
def test_a_named_information_in_hex_is_its_own_digest(
    tmp_path: Path, digit: str
) -> None:
    grouped = "-".join(SHA256[at : at + 4] for at in range(0, 64, 4))
    (claim,) = claims_of(tmp_path, file(f"nih:sha-256;{grouped}{digit}"))
    assert claim.topic is Topic.DIGEST_IN_NAME
    assert claim.expected == f"sha256:{SHA256}"


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("nih:sha-256-32;53269057;b", "sha-256-32:53269057"),
        (
            "nih:sha-256-120;5326-9057-e12f-e2b7-4ba0-7c89-2560-a2;f",
            "sha-256-120:53269057e12fe2b74ba07c892560a2",
        ),
        (
            "nih:3;532690-57e12f-e2b74b-a07c89-2560a2;f",
            "sha-256-120:53269057e12fe2b74ba07c892560a2",
        ),
    ],
)
def test_the_names_of_the_rfc_are_read(tmp_path: Path, name: str, digest: str) -> None:
    assert expected(tmp_path, file(name)) == [digest]


def test_a_check_digit_that_does_not_fit_is_kept(tmp_path: Path) -> None:
    assert expected(tmp_path, file("nih:sha-256-32;53269057;c")) == [
        "sha-256-32:53269057;c"
    ]


def test_a_named_information_in_base64_is_its_own_digest(tmp_path: Path) -> None:
    text = base64.urlsafe_b64encode(bytes.fromhex(SHA256)).decode().rstrip("=")
    (claim,) = claims_of(tmp_path, file(f"ni:///sha-256;{text}"))
    assert claim.expected == f"sha256:{SHA256}"


def test_a_hash_uri_is_its_own_digest(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, file(f"hash://sha256/{SHA256}"))
    assert claim.topic is Topic.DIGEST_IN_NAME
    assert claim.expected == f"sha256:{SHA256}"


@pytest.mark.parametrize(
    "identifier", [f"hash://sha256/{SHA256}", f"sha256:{SHA256}", f"SHA-256:{SHA256}"]
)
def test_an_identifier_of_a_file_may_be_its_digest(
    tmp_path: Path, identifier: str
) -> None:
    (claim,) = claims_of(tmp_path, file("a.csv", identifier=identifier))
    assert claim.topic is Topic.DIGEST
    assert (claim.path, claim.expected) == ("a.csv", f"sha256:{SHA256}")


def test_an_identifier_may_be_an_md5(tmp_path: Path) -> None:
    entity = file("a.csv", identifier=f"md5:{MD5}")
    assert expected(tmp_path, entity) == [f"md5:{MD5}"]


@pytest.mark.parametrize("identifier", ["doi:10.1/x", "sha:1", "isbn:1", "plain"])
def test_other_identifiers_are_no_digests(tmp_path: Path, identifier: str) -> None:
    assert expected(tmp_path, file("a.csv", identifier=identifier)) == []


def test_an_identifier_of_the_root_states_the_digest_of_nothing_known(
    tmp_path: Path,
) -> None:
    assert expected(tmp_path, root={"identifier": f"sha256:{SHA256}"}) == []


# -- nodes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "algorithm",
    [
        {"@id": "spdx:checksumAlgorithm_sha256"},
        {"@id": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"},
        "SHA256",
        "SHA-256",
    ],
)
def test_an_inline_spdx_checksum_is_read(tmp_path: Path, algorithm: object) -> None:
    node = {
        "@type": "spdx:Checksum",
        "spdx:algorithm": algorithm,
        "spdx:checksumValue": SHA256,
    }
    entity = file("a.csv", **{"spdx:checksum": node})
    assert expected(tmp_path, entity) == [f"sha256:{SHA256}"]


def test_an_spdx_checksum_by_reference_is_read(tmp_path: Path) -> None:
    node = {
        "@id": "#sum",
        "@type": "spdx:Checksum",
        "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
        "spdx:checksumValue": SHA256,
    }
    entity = file("a.csv", **{"spdx:checksum": {"@id": "#sum"}})
    (claim,) = claims_of(tmp_path, entity, node)
    assert claim.subject == "a.csv"
    assert claim.expected == f"sha256:{SHA256}"
    assert claim.stated_in.pointer.startswith("/@graph/3")


def test_an_spdx_checksum_with_a_typed_value_is_read(tmp_path: Path) -> None:
    value = {"@type": "xsd:hexBinary", "@value": SHA256}
    node = {"algorithm": "sha256", "checksumValue": value}
    assert expected(tmp_path, file("a.csv", checksum=node)) == [f"sha256:{SHA256}"]


def test_an_spdx_name_with_a_line_below_is_not_cut(tmp_path: Path) -> None:
    digest = hashlib.sha3_256(DATA).hexdigest()
    node = {
        "algorithm": {"@id": "spdx:checksumAlgorithm_sha3_256"},
        "checksumValue": digest,
    }
    assert expected(tmp_path, file("a.csv", checksum=node)) == [f"sha3_256:{digest}"]


def test_an_spdx_checksum_of_another_algorithm_is_read_as_such(tmp_path: Path) -> None:
    node = {
        "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_blake3"},
        "spdx:checksumValue": "abc",
    }
    (claim,) = claims_of(tmp_path, file("a.csv", **{"spdx:checksum": node}))
    assert claim.topic is Topic.DIGEST_FOREIGN


@pytest.mark.parametrize("key", ["propertyID", "name"])
@pytest.mark.parametrize("on", ["identifier", "additionalProperty"])
def test_a_property_value_that_names_an_algorithm_is_read(
    tmp_path: Path, key: str, on: str
) -> None:
    node = {"@id": "#d", "@type": "PropertyValue", key: "SHA-256", "value": SHA256}
    entity = file("a.csv", **{on: {"@id": "#d"}})
    assert expected(tmp_path, entity, node) == [f"sha256:{SHA256}"]


def test_an_inline_property_value_is_read(tmp_path: Path) -> None:
    node = {"@type": "PropertyValue", "propertyID": "SHA-256", "value": SHA256}
    entity = file("a.csv", identifier=node)
    assert expected(tmp_path, entity) == [f"sha256:{SHA256}"]


def test_a_property_value_of_something_else_is_no_digest(tmp_path: Path) -> None:
    node = {"@id": "#d", "@type": "PropertyValue", "name": "colour", "value": "red"}
    assert expected(tmp_path, file("a.csv", identifier={"@id": "#d"}), node) == []


# -- sizes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", ["6", 6, 6.0, " 6 ", "6 B", "6 bytes", "6 byte", "006"]
)
def test_a_size_is_read_as_text_and_as_a_number(tmp_path: Path, size: object) -> None:
    assert expected(tmp_path, file("a.csv", contentSize=size)) == ["size:6"]


@pytest.mark.parametrize("key", ["schema:contentSize", "http://schema.org/contentSize"])
def test_a_size_is_read_under_its_iri(tmp_path: Path, key: str) -> None:
    assert expected(tmp_path, file("a.csv", **{key: "6"})) == ["size:6"]


@pytest.mark.parametrize(
    "size", ["19.1 TB", "6kB", "six", -6, 6.5, True, {"@id": "#six"}, "6e0", "²"]
)
def test_a_size_that_is_no_number_of_bytes_is_a_warning(
    tmp_path: Path, size: object
) -> None:
    (claim,) = claims_of(tmp_path, file("a.csv", contentSize=size))
    assert claim.topic is Topic.SIZE
    assert claim.severity is Severity.WARNING


def test_the_size_of_the_root_is_no_claim_about_a_file(tmp_path: Path) -> None:
    assert expected(tmp_path, root={"contentSize": "6"}) == []


# -- whose digest it is ------------------------------------------------------------


def test_a_digest_of_a_web_file_is_a_note(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, file("https://example.org/a", sha256=SHA256))
    assert (claim.path, claim.severity) == (None, Severity.NOTE)


def test_a_digest_of_a_folder_is_a_note(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, folder("data/", sha256=SHA256))
    assert claim.severity is Severity.NOTE


def test_a_digest_of_a_container_image_is_not_of_a_file(tmp_path: Path) -> None:
    image = {"@id": "#image", "@type": "ContainerImage", "sha256": SHA256}
    (claim,) = claims_of(tmp_path, image)
    assert (claim.path, claim.severity) == (None, Severity.NOTE)


def test_an_image_digest_in_a_version_is_no_digest_of_a_file(tmp_path: Path) -> None:
    tool = {
        "@id": "#tool",
        "@type": "SoftwareApplication",
        "softwareVersion": f"example/tool@sha256:{SHA256}",
    }
    assert expected(tmp_path, tool) == []
