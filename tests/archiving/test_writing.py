"""Two keys are written into a manifest, and nothing else of it changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.archiving.writing import with_archive
from reverify.capsules.manifest import read_manifest
from reverify.errors import CapsuleError

from tests.capsules.builders import LEAST

VALUES = {
    "swh_origin_url": "https://github.com/ada/rain",
    "swh_snapshot_id": f"swh:1:snp:{'a' * 40}",
}
CODE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(codec="utf-8")),
        "swh_origin_url": st.sampled_from([None, "https://example.org/a"]),
        "files": st.just([{"path": "code", "name": '{"code": {}}'}]),
        "swh_snapshot_id": st.none(),
        "dirty": st.booleans(),
    },
)


@given(
    code=CODE,
    order=st.permutations([*LEAST, "code", "notes"]),
    indent=st.sampled_from([None, 1, 4, "\t"]),
    compact=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
    lines=st.sampled_from(["\n", "\r\n"]),
)
def test_all_else_stays(
    code: dict[str, Any],
    order: list[str],
    indent: int | str | None,
    *,
    compact: bool,
    mark: str,
    lines: str,
) -> None:
    values = LEAST | {"code": code, "notes": '"code": {"swh_origin_url": 1}'}
    document = {key: values[key] for key in order}
    separators = (",", ":") if compact else None
    text = json.dumps(document, indent=indent, separators=separators)
    before = read_manifest(f"{mark}{text}".replace("\n", lines).encode())
    after = with_archive(before, VALUES)
    assert after.document == document | {"code": code | VALUES}
    assert list(after.document) == order
    assert [key for key in after.document["code"] if key in code] == list(code)
    assert with_archive(after, VALUES).data == after.data
    head = before.data.index(b'"code"') if order.index("code") else 0
    assert after.data[:head] == before.data[:head]
    if order[-1] != "code":
        tail = before.data[before.data.rindex(f'"{order[-1]}"'.encode()) :]
        assert after.data.endswith(tail)


def test_new_keys_get_lines_like_the_others() -> None:
    text = json.dumps(LEAST | {"code": {"name": "rain"}}, indent=2)
    after = with_archive(read_manifest(text.encode()), VALUES)
    assert after.data.decode() == json.dumps(
        LEAST | {"code": {"name": "rain", **VALUES}}, indent=2
    )


@pytest.mark.parametrize("code", [{"code": None}, {}])
def test_what_says_nothing_of_code_is_refused(code: dict[str, None]) -> None:
    manifest = read_manifest(json.dumps(LEAST | code).encode())
    with pytest.raises(CapsuleError, match="nothing can be written"):
        with_archive(manifest, VALUES)
