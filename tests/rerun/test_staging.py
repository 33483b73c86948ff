"""The work area: what is put into it."""

from pathlib import Path

import pytest
from reverify.rerun.staging import _link


@pytest.mark.parametrize("target", ["data.csv", "../data.csv", "../../other/x", "l/x"])
def test_a_link_of_a_commit_that_stays_inside_is_placed(
    tmp_path: Path, target: str
) -> None:
    _link(tmp_path, "a/b/c/link", target.encode())
    assert (tmp_path / "a/b/c/link").is_symlink()


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../../../../etc/passwd", "l/../../../etc/passwd", "l/..", ".."],
)
def test_a_link_of_a_commit_that_may_lead_outside_is_left_out(
    tmp_path: Path, target: str
) -> None:
    # Behind a link, `..` does not lead to where it reads.
    depth = "a/b/c/link" if target.startswith("l") else "link"
    _link(tmp_path, depth, target.encode())
    assert not (tmp_path / depth).is_symlink()
