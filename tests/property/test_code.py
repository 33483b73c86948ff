"""Whatever a document says of code, reading and testing it gives findings."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.model.outcome import ClaimKind

from tests.fakes import check, document

KEYS = (
    "version",
    "codeRepository",
    "git_commit",
    "git_tree_hash",
    "identifier",
    "url",
    "archivedAt",
    "isBasedOn",
    "hasPart",
    "isSourceCodeOf",
    "hasSourceCode",
    "alternateName",
)
HEX = "3f2a" * 10
TEXTS = st.sampled_from([
    HEX,
    HEX.upper(),
    HEX[:9],
    HEX + HEX[:24],
    "main",
    "https://github.com/o/r",
    f"https://github.com/o/r/blob/{HEX}/a",
    f"https://github.com/o/rtree/{HEX}",
    f"swh:1:rev:{HEX}",
    f"swh:1:dir:{HEX};origin=https://github.com/o/r;anchor=swh:1:rev:{HEX};path=/",
    f"swh:1:cnt:{HEX};visit=swh:1:snp:{HEX};origin=https://e.org/%zz",
    f"swh:1:ext:{HEX}",
    f"git+https://e.org/r@{HEX}",
    "#a",
    "a",
])  # fmt: skip
VALUES = st.recursive(
    TEXTS | st.text(max_size=8) | st.integers() | st.none() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@id", "value", "@type"]), inner, max_size=2)
    ),
    max_leaves=4,
)
TYPES = st.sampled_from([
    "File", ["File", "SoftwareSourceCode"], "SoftwareApplication", "Dataset",
    "PropertyValue", 3,
])  # fmt: skip
ENTITIES = st.builds(
    lambda name, kind, said: {**said, "@id": name, "@type": kind},
    st.sampled_from(["a", "#a", "b/", f"https://github.com/o/r/tree/{HEX}", "./"]),
    TYPES,
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5),
)
KINDS = (ClaimKind.SOURCE, ClaimKind.ARCHIVAL)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(ENTITIES, max_size=4),
    st.sampled_from(["CITATION.cff", "codemeta.json"]),
    st.dictionaries(
        st.sampled_from(["commit", "repository-code", "codeRepository", "identifiers"]),
        VALUES,
    ),
)
def test_whatever_is_said_of_code_is_a_finding(
    entities: list[dict[str, Any]], name: str, said: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a").write_bytes(b"1\n")
        (Path(folder) / name).write_text(json.dumps(said), encoding="utf-8")
        text = json.dumps(document(*entities))
        (Path(folder) / "ro-crate-metadata.json").write_text(text, encoding="utf-8")
        report = check(folder, kinds=KINDS)
    for finding in report.findings:
        assert finding.reason
        assert finding.claim.expected
