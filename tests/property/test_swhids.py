"""SWHIDs of any tree, any set of branches and any context: as others compute them."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.checks.own_files import Folders
from reverify.crates.opening import open_crate
from reverify.crates.swhids import Ways, identify
from reverify.model.git_objects import Branch, snapshot_body
from reverify.model.swhid import InvalidSwhid, Swhid, git_id, qualified, read_swhid
from swh.model.from_disk import Directory
from swh.model.model import Snapshot, SnapshotBranch, SnapshotTargetType
from swh.model.swhids import CoreSWHID, QualifiedSWHID

from tests.conftest import ROOT
from tests.crates.trees import File, Link, Tree, write_tree
from tests.fakes import write_crate
from tests.gitrepos import ENVIRONMENT

SLOW_DISK = [HealthCheck.too_slow, HealthCheck.data_too_large]
RESERVED = {b".", b"..", b".git", b".gitattributes", b".gitmodules", b".gitignore"}
FAMILIES = [b"src", b"src.txt", b"src-", b"src0", b"src!", b"s", b"src.d", b"Src"]

names = st.one_of(
    st.sampled_from(FAMILIES),
    st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & set(b"\0/")),
    st.text(min_size=1, max_size=12)
    .filter(lambda name: not set(name) & {"\0", "/"})
    .map(lambda name: name.encode("utf-8", "replace")),
).filter(lambda name: name not in RESERVED)
links = st.builds(
    Link, st.binary(min_size=1, max_size=30).filter(lambda text: b"\0" not in text)
)
files = st.builds(File, st.binary(max_size=64), st.booleans())
trees: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(names, files | links, max_size=6),
    lambda inner: st.dictionaries(names, files | links | inner, max_size=6),
    max_leaves=12,
)
ids = st.binary(min_size=20, max_size=20)


@contextmanager
def on_disk(tree: Tree) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "tree"
        folder.mkdir()
        write_tree(folder, tree)
        yield folder


def written_by_git(folder: Path) -> str:
    """The id that git gives a folder, from `git add` and `git write-tree`."""
    place = folder.parent / "git"
    options = ["core.autocrlf=false", "core.protectHFS=false", "core.protectNTFS=false"]
    settings = [part for option in options for part in ("-c", option)]
    command = ["git", f"--git-dir={place}", f"--work-tree={folder}", *settings]
    for words in (["init", "-q"], ["add", "--all", "--force"], ["write-tree"]):
        answer = subprocess.run(
            [*command, *words],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
    return answer.stdout.decode().strip()


def ours(folder: Path, *, empty_directories: bool = False, jobs: int = 1) -> str:
    found = identify(str(folder), Ways(jobs=jobs), empty_directories=empty_directories)
    assert found.swhid is not None, found.problems
    return found.swhid.hex


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW_DISK)
@given(tree=trees)
def test_a_directory_has_the_id_that_git_gives_it(tree: Tree) -> None:
    with on_disk(tree) as folder:
        assert ours(folder) == written_by_git(folder)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_DISK)
@given(tree=trees)
def test_with_empty_directories_it_is_as_the_archive_has_it(tree: Tree) -> None:
    with on_disk(tree) as folder:
        theirs = Directory.from_disk(path=os.fsencode(folder), max_content_length=None)
        assert ours(folder, empty_directories=True) == theirs.hash.hex()


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW_DISK)
@given(tree=trees, empty=st.booleans())
def test_a_folder_of_a_crate_has_the_same_id(tree: Tree, empty: bool) -> None:
    with on_disk({b"code": tree}) as folder:
        write_crate(folder)
        with open_crate(str(folder)) as crate:
            found = Folders(crate).list("code").id(empty=empty, plain=False)
        assert found == ours(folder / "code", empty_directories=empty)


@settings(max_examples=2, deadline=None, suppress_health_check=SLOW_DISK)
@given(tree=trees, copies=st.integers(1001, 1500))
def test_worker_processes_find_the_same(tree: Tree, copies: int) -> None:
    many: Tree = {b"%05d" % n: File(b"%d" % n, n % 3 == 0) for n in range(copies)}
    with on_disk({b"many": many, b"tree": tree}) as folder:
        assert ours(folder, jobs=2) == ours(folder, jobs=1)


# -- snapshots -------------------------------------------------------------------------

branches = st.one_of(
    st.none(),
    st.builds(
        Branch,
        st.sampled_from(["content", "directory", "revision", "release", "snapshot"]),
        ids,
    ),
    st.builds(Branch, st.just("alias"), st.binary(min_size=1, max_size=20)),
)


@given(found=st.dictionaries(st.binary(min_size=1, max_size=20), branches, max_size=8))
def test_a_snapshot_has_the_id_of_the_archives_tool(
    found: dict[bytes, Branch | None],
) -> None:
    theirs = Snapshot(
        branches={
            name: branch
            and SnapshotBranch(
                target=branch.target, target_type=SnapshotTargetType(branch.type)
            )
            for name, branch in found.items()
        }
    )
    assert git_id("snapshot", snapshot_body(found)) == theirs.id.hex()


# -- texts -----------------------------------------------------------------------------

cores = st.builds(
    Swhid, st.sampled_from(["cnt", "dir", "rev", "rel", "snp"]), ids.map(bytes.hex)
)
snapshots = cores.map(lambda core: Swhid("snp", core.hex))
anchors = cores.filter(lambda core: core.type != "cnt")
paths = st.lists(names, min_size=1, max_size=4).map(
    lambda parts: "/" + b"/".join(parts).decode("utf-8", "surrogateescape")
)
addresses = st.text("abc/.-_~%;=?&#@:\u00e9\u4e2d", max_size=20).map(
    lambda rest: f"https://example.org/{rest}"
)


@given(
    core=cores,
    origin=addresses,
    visit=st.none() | snapshots,
    anchor=anchors,
    path=paths,
)
def test_what_we_write_others_read_and_write_the_same(
    core: Swhid, origin: str, visit: Swhid | None, anchor: Swhid, path: str
) -> None:
    made = qualified(core, origin=origin, visit=visit, anchor=anchor, path=path)
    theirs = QualifiedSWHID.from_string(str(made))
    assert theirs.origin == origin
    assert theirs.path == path.encode("utf-8", "surrogateescape")
    assert str(theirs) == str(made)
    read = read_swhid(str(made))
    assert read == made
    assert isinstance(read, Swhid)
    assert not read.remarks
    assert read.qualifier("origin") == origin
    assert read.qualifier("path") == path


near = st.from_regex(
    re.compile(
        r"(swh|SWH)?:?[012]?:(cnt|dir|rev|rel|snp|ext|Rev)?:[0-9a-fA-Fg]{38,42}\n?"
    ),
    fullmatch=True,
)


@given(text=st.one_of(st.text(), near, cores.map(str)))
def test_core_identifiers_are_those_that_others_read(text: str) -> None:
    try:
        theirs = str(CoreSWHID.from_string(text))
    except Exception:  # noqa: BLE001 - it has its own
        theirs = ""
    found = read_swhid(text)
    if theirs:
        assert found == read_swhid(theirs)
        assert str(found) == text
    elif isinstance(found, Swhid):
        assert found.remarks or text != found.core
    else:
        assert isinstance(found, InvalidSwhid)


@given(
    core=cores, rest=st.text("origin=visitanchorpathlinesbytes;%/:0123 \n\tswh\udc80")
)
def test_nothing_after_the_core_makes_it_invalid(core: Swhid, rest: str) -> None:
    found = read_swhid(f"{core};{rest}")
    assert isinstance(found, Swhid)
    assert found.core == core.core
    again = read_swhid(str(found))
    assert again == found
    assert isinstance(again, Swhid)
    assert not again.remarks


# -- and it stays an oracle ------------------------------------------------------------


def test_the_archives_own_library_is_never_imported() -> None:
    modules = list((ROOT / "reverify").rglob("*.py"))
    assert modules
    for path in modules:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:import|from)\s+swh\b", text, re.MULTILINE), path
