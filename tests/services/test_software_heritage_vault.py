"""Bundles of the vault: waited for, read as a stream, believed only where they hash."""

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.errors import ServiceError
from reverify.model.swhid import git_id
from reverify.services.software_heritage import CouldNotTell, NotHeld, Patience
from reverify.services.software_heritage.bare import read_bare
from reverify.services.software_heritage.bundle import Bundle
from reverify.services.software_heritage.flat import read_flat
from reverify.services.software_heritage.objects import Directory
from reverify.services.software_heritage.recovery import recover
from reverify.services.software_heritage.tarball import BundleLimits
from reverify.services.software_heritage.vault import Downloaded

from tests.services.swh_bundles import HIDDEN, MISSING, SKIPPED, bare, flat
from tests.services.swh_objects import Objects, git
from tests.services.swh_setting import Setting, described, repository, served, untold

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    found = Setting(tmp_path)
    with found.double.at_the_wire():
        yield found


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary files, in which nothing may be left behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


# -- cooking -----------------------------------------------------------------------


def test_a_bundle_is_asked_for_waited_for_and_fetched(setting: Setting) -> None:
    target = io.BytesIO()
    answer = setting.archive.vault.fetch("flat", setting.repository.dir, target)
    found = served(answer, Downloaded)
    assert found.size == len(target.getvalue())
    place = f"/api/1/vault/flat/{setting.repository.dir}/"
    asked = [(each.method, each.path) for each in setting.double.asked]
    get = ("GET", place)
    assert asked == [("POST", place), get, get, ("GET", f"{place}raw/")]
    assert setting.time.slept == [2, 4]


def test_a_bundle_that_nobody_asked_for_is_not_held(setting: Setting) -> None:
    assert isinstance(
        setting.archive.vault.progress("flat", setting.repository.dir), NotHeld
    )
    unknown = f"swh:1:dir:{'1' * 40}"
    assert isinstance(setting.archive.vault.cook("flat", unknown), NotHeld)


def test_a_bundle_that_is_not_ready_in_time_tells_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, patience=Patience(seconds=20))
    setting.double.cooking = ["new"] + ["pending"] * 50 + ["done"]
    with setting.double.at_the_wire():
        answer = recover(setting.archive, setting.repository.rev)
    assert "still at work" in untold(answer).reason
    assert sum(setting.time.slept) <= 20


def test_a_bundle_that_fails_tells_nothing(setting: Setting) -> None:
    message = "Traceback (most recent call last):\n  File x\nBundle is too large"
    setting.double.cooking_fails = message
    answer = untold(recover(setting.archive, setting.repository.rev))
    assert answer.reason.endswith("could not make the bundle: Bundle is too large")


def test_a_bundle_that_expired_is_asked_for_again(setting: Setting) -> None:
    vault = setting.archive.vault
    real = setting.double.answer
    gone = iter([True])

    def answer(*request: object) -> object:
        found = real(*request)  # type: ignore[arg-type]
        if "/raw/" in str(request[1]) and next(gone, False):
            setting.double.cooked.clear()
            return real(*request)  # type: ignore[arg-type]
        return found

    setting.double.answer = answer  # type: ignore[method-assign,assignment]
    with setting.double.at_the_wire():
        found = vault.fetch("flat", setting.repository.dir, io.BytesIO())
    served(found, Downloaded)
    assert setting.double.count("/vault/", "POST") == 2


@pytest.mark.parametrize(
    ("kind", "type"),
    [("flat", "rev"), ("flat", "cnt"), ("git-bare", "cnt"), ("gitfast", "rev")],
)
def test_a_bundle_that_there_cannot_be_is_not_asked_for(
    setting: Setting, kind: str, type: str
) -> None:
    untold(setting.archive.vault.cook(kind, f"swh:1:{type}:{'1' * 40}"))
    assert setting.double.asked == []


def test_a_bundle_that_is_too_large_is_not_fetched(setting: Setting) -> None:
    answer = recover(setting.archive, setting.repository.rev, limit=1000)
    assert "larger than 1,000 bytes" in untold(answer).reason


def test_a_download_that_breaks_off_begins_anew(setting: Setting) -> None:
    setting.double.cooking = ["done"]
    setting.double.fail("ok", 1)
    setting.double.fail("reset", 1)
    target = io.BytesIO(b"what was there before" * 100_000)
    answer = setting.archive.vault.fetch("flat", setting.repository.dir, target)
    assert served(answer, Downloaded).size == len(target.getvalue())


# -- whole bundles -----------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("type", ["rev", "dir", "rel", "snp"])
def test_lost_code_is_brought_back(
    setting: Setting, type: str, *, packed: bool
) -> None:
    setting.double.packed = packed
    repo = setting.repository
    id = {"rev": repo.commit, "dir": repo.tree, "rel": repo.tag}.get(type)
    swhid = f"swh:1:{type}:{id or setting.snapshot}"
    with served(recover(setting.archive, swhid), Bundle) as bundle:
        assert (bundle.complete, bundle.faults) == (True, ())
        files = {e.name: e.id for e in bundle.objects.files(repo.tree)}
        assert files["src/a.txt"] == repo.blob
        assert bundle.objects.blob(repo.blob) == b"hello\n"
        assert bundle.checked == {"dir": 4, "rev": 5, "rel": 6, "snp": 6}[type]


def test_the_files_of_a_directory_are_brought_back(setting: Setting) -> None:
    swhid = setting.repository.dir
    with served(recover(setting.archive, swhid, "flat"), Bundle) as bundle:
        assert bundle.complete
        assert bundle.objects.tree(setting.repository.tree)
        assert bundle.objects.blob(setting.repository.blob) == b"hello\n"
    assert setting.double.count("/directory/") == 0, "the id came out by itself"


def test_an_empty_directory_is_brought_back(setting: Setting) -> None:
    setting.double.objects.add("tree", b"")
    swhid = f"swh:1:dir:{EMPTY}"
    for kind in ("flat", "git-bare"):
        with served(recover(setting.archive, swhid, kind), Bundle) as bundle:
            assert bundle.complete


def test_the_history_is_looked_at_if_it_is_asked_for(setting: Setting) -> None:
    path = setting.repository.path
    first = setting.repository
    (path / "src.txt").write_text("changed\n")
    git("commit", "-q", "-a", "-m", "Second", at=path)
    second = described(path)
    setting.double.load(path)
    setting.double.objects.lost.add(first.rev)
    setting.double.packed = False
    with served(recover(setting.archive, second.rev), Bundle) as bundle:
        (fault,) = bundle.faults
        assert (fault.swhid, fault.path) == (first.rev, "")
        assert "missing from the bundle" in fault.reason
    tip = recover(setting.archive, second.rev, history=False)
    with served(tip, Bundle) as bundle:
        assert bundle.complete


def _odd_tree(objects: Objects, blob: str) -> str:
    """A tree with odd names, old permissions, a submodule and an empty folder."""
    rows = [
        (b"100664", b"a\\b", bytes.fromhex(blob)),
        (b"100644", b"caf\xe9", bytes.fromhex(blob)),
        (b"40000", b"empty", bytes.fromhex(EMPTY)),
        (b"160000", b"ext", b"\x11" * 20),
        (b"120000", b"link", bytes.fromhex(objects.add("blob", b"/etc/\xff")[10:])),
        (b"100755", b"long" * 60, bytes.fromhex(blob)),
    ]
    body = b"".join(b"%s %s\0%s" % row for row in rows)
    objects.add("tree", b"")
    inner = objects.add("tree", body)[10:]
    outer = b"40000 deep\0" + bytes.fromhex(inner)
    return objects.add("tree", outer)[10:]


@pytest.mark.parametrize("kind", ["flat", "git-bare"])
def test_odd_names_and_old_permissions_and_submodules_come_out(
    setting: Setting, kind: str
) -> None:
    tree = _odd_tree(setting.double.objects, setting.repository.blob)
    answer = recover(setting.archive, f"swh:1:dir:{tree}", kind)
    with served(answer, Bundle) as bundle:
        assert bundle.faults == ()
        names = {entry.name for entry in bundle.objects.files(tree)}
        assert {"deep/caf\udce9", "deep/ext", "deep/link"} <= names


def test_a_submodule_is_not_guessed_without_a_listing(setting: Setting) -> None:
    body = b"160000 ext\0" + b"\x11" * 20
    tree = setting.double.objects.add("tree", body)
    data = io.BytesIO(flat(setting.double.objects, tree[10:]))
    with read_flat(data, tree) as bundle:
        assert not bundle.complete
        assert [fault.path for fault in bundle.faults] == ["", "ext"]
        assert "submodule" in bundle.faults[1].reason


def test_a_zero_padded_tree_comes_out_of_a_bare_bundle(setting: Setting) -> None:
    body = b"040000 src\0" + bytes.fromhex(EMPTY)
    setting.double.objects.add("tree", b"")
    tree = setting.double.objects.add("tree", body)
    for packed in (True, False):
        setting.double.packed = packed
        setting.double.bundles.clear()
        with served(recover(setting.archive, tree), Bundle) as bundle:
            assert bundle.complete


# -- what is not there -------------------------------------------------------------

STATES = {"absent": "for its size", "hidden": "hidden", "lost": "missing"}


@pytest.mark.parametrize("kind", ["flat", "git-bare", "git-bare loose"])
@pytest.mark.parametrize("state", STATES)
def test_a_sentence_in_place_of_a_file_is_named_and_leaves_it_open(
    setting: Setting, kind: str, state: str
) -> None:
    swhid = f"swh:1:cnt:{setting.repository.blob}"
    getattr(setting.double.objects, state).add(swhid)
    setting.double.packed = kind == "git-bare"
    kind = kind.partition(" ")[0]
    answer = recover(setting.archive, setting.repository.dir, kind)
    with served(answer, Bundle) as bundle:
        assert not bundle.complete
        assert {fault.swhid for fault in bundle.faults} == {swhid}
        assert "src.txt" in {fault.path for fault in bundle.faults} or kind != "flat"
        for fault in bundle.faults:
            assert "sentence stands in" in fault.reason
            assert STATES[state] in fault.reason
        link = git_id("blob", b"src/a.txt")
        assert bundle.objects.blob(link) == b"src/a.txt", "the rest is of use"


@pytest.mark.parametrize("kind", ["flat", "git-bare", "git-bare loose"])
def test_a_folder_that_the_archive_lacks_is_named(setting: Setting, kind: str) -> None:
    repo = setting.repository
    setting.double.packed = kind == "git-bare"
    kind = kind.partition(" ")[0]
    src = git("rev-parse", "HEAD:src", at=repo.path).decode().strip()
    setting.double.objects.lost.add(f"swh:1:dir:{src}")
    with served(recover(setting.archive, repo.dir, kind), Bundle) as bundle:
        (fault,) = bundle.faults
        assert (fault.swhid, fault.path) == (f"swh:1:dir:{src}", "src")


def test_without_a_listing_the_bundle_alone_is_told_of(setting: Setting) -> None:
    setting.double.objects.absent.add(f"swh:1:cnt:{setting.repository.blob}")
    data = io.BytesIO(flat(setting.double.objects, setting.repository.tree))
    with read_flat(data, setting.repository.dir) as bundle:
        paths = sorted(fault.path for fault in bundle.faults)
        assert paths == ["", "run", "src.txt", "src/a.txt"]


def test_a_file_that_really_says_so_is_no_placeholder(setting: Setting) -> None:
    objects = setting.double.objects
    blob = objects.add("blob", SKIPPED)[10:]
    tree = objects.add("tree", b"100644 a.txt\0" + bytes.fromhex(blob))
    for kind in ("flat", "git-bare"):
        with served(recover(setting.archive, tree, kind), Bundle) as bundle:
            assert bundle.complete


def test_the_sentences_are_those_that_the_reader_knows() -> None:
    from reverify.services.software_heritage.bundle import SENTENCES  # noqa: PLC0415

    assert set(SENTENCES) == {MISSING, SKIPPED, HIDDEN}


def test_changed_bytes_are_named_with_their_id(setting: Setting) -> None:
    objects, repo = setting.double.objects, setting.repository
    objects.bodies[f"swh:1:cnt:{repo.blob}"] = b"hullo\n"
    changed = git_id("blob", b"hullo\n")
    setting.double.packed = False
    with served(recover(setting.archive, repo.rev), Bundle) as bundle:
        assert {fault.swhid for fault in bundle.faults} == {f"swh:1:cnt:{repo.blob}"}
        assert all(changed in fault.reason for fault in bundle.faults)
        with pytest.raises(ServiceError, match="has changed"):
            bundle.objects.blob(repo.blob)


def test_a_wrong_listing_makes_nothing_true(setting: Setting) -> None:
    """The archive lists another submodule than the tree has."""
    objects = setting.double.objects
    right = objects.add("tree", b"160000 ext\0" + b"\x11" * 20)
    wrong = objects.add("tree", b"160000 ext\0" + b"\x22" * 20)
    for swhid, complete in ((right, True), (wrong, False)):
        listing = dict.fromkeys(
            [right[10:]], served(setting.archive.directory(swhid[10:]), Directory)
        )
        data = io.BytesIO(flat(objects, right[10:]))
        with read_flat(data, right, listing=listing.get) as bundle:
            assert bundle.complete is complete


# -- hostile and broken bundles ----------------------------------------------------

Rows = list[tuple[str, dict[str, object], bytes]]


def _tarball(rows: Rows, *, packed: bool = True) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if packed else "w") as tar:
        for name, about, data in rows:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in about.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(data))
    return io.BytesIO(out.getvalue())


TOP = f"swh:1:dir:{EMPTY}"
FOLDER: dict[str, object] = {"type": tarfile.DIRTYPE}


@pytest.mark.parametrize(
    "row",
    [
        (f"{TOP}/../victim", {}, b"x"),
        ("/etc/victim", {}, b"x"),
        ("../victim", {}, b"x"),
        (f"{TOP}/a/./b", {}, b"x"),
        (f"{TOP}//a", {}, b"x"),
        ("elsewhere/a", {}, b"x"),
        (f"{TOP}x/a", {}, b"x"),
        (f"{TOP}/" + "v" * 256, {}, b"x"),
        (f"{TOP}/" + "/".join("v" * 300), {}, b"x"),
        (f"{TOP}/dev", {"type": tarfile.CHRTYPE}, b""),
        (f"{TOP}/fifo", {"type": tarfile.FIFOTYPE}, b""),
        (f"{TOP}/hard", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, b""),
        (TOP, {}, b"x"),
    ],
)
def test_a_hostile_member_is_refused(
    tmp_path: Path, row: tuple[str, dict[str, object], bytes]
) -> None:
    with pytest.raises(ServiceError, match="the bundle holds"):
        read_flat(_tarball([(TOP, FOLDER, b""), row]), TOP)
    assert not (tmp_path / "victim").exists()


def test_a_link_is_a_text_and_is_never_followed(tmp_path: Path) -> None:
    rows: Rows = [
        (TOP, FOLDER, b""),
        (f"{TOP}/a", {"type": tarfile.SYMTYPE, "linkname": str(tmp_path)}, b""),
        (f"{TOP}/a/victim", {}, b"x"),
    ]
    with pytest.raises(ServiceError, match="below a file"):
        read_flat(_tarball(rows), TOP)
    assert not (tmp_path / "victim").exists()


def test_a_name_twice_is_refused() -> None:
    rows: Rows = [(TOP, FOLDER, b""), (f"{TOP}/a", {}, b"1"), (f"{TOP}/a", {}, b"2")]
    with pytest.raises(ServiceError, match="twice"):
        read_flat(_tarball(rows), TOP)


def test_a_bomb_stops_at_the_limit() -> None:
    data = _tarball([(TOP, FOLDER, b""), (f"{TOP}/a", {}, bytes(50 << 20))])
    with pytest.raises(ServiceError, match="unpacks to more than"):
        read_flat(data, TOP, limits=BundleLimits(unpacked=1 << 20))
    data.seek(0)
    with pytest.raises(ServiceError, match="too large"):
        read_flat(data, TOP, limits=BundleLimits(object_bytes=1 << 20))


def test_too_many_members_are_refused() -> None:
    rows: Rows = [(TOP, FOLDER, b"")]
    rows += [(f"{TOP}/{number}", {}, b"") for number in range(20)]
    with pytest.raises(ServiceError, match="more than 10 members"):
        read_flat(_tarball(rows), TOP, limits=BundleLimits(members=10))


def test_a_huge_header_is_refused() -> None:
    about: dict[str, object] = {"pax_headers": {"comment": "x" * 100_000}}
    rows: Rows = [(TOP, FOLDER, b""), (f"{TOP}/a", about, b"")]
    with pytest.raises(ServiceError, match="a header of the bundle"):
        read_flat(_tarball(rows), TOP)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", bytes(1024), gzip.compress(b"x", mtime=0)],
    ids=["nothing", "html", "zeros", "gzip"],
)
def test_what_is_no_bundle_is_told(data: bytes) -> None:
    for read in (read_flat, read_bare):
        with pytest.raises(ServiceError, match="the bundle"):
            read(io.BytesIO(data), TOP)


class Bundles(dict[str, bytes]):
    """Bundles by kind and identifier; not to be shown when a test fails."""

    def __repr__(self) -> str:
        return f"{len(self)} bundles"


@given(where=st.floats(0, 1), what=st.binary(min_size=1, max_size=4))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_bundle_with_changed_bytes_never_passes_for_another(
    bundles: Bundles, where: float, what: bytes
) -> None:
    for name, data in bundles.items():
        kind, swhid = name.split(" ")
        place = int(where * len(data))
        broken = data[:place] + what + data[place + len(what) :]
        read: Callable[..., Bundle] = read_flat if kind == "flat" else read_bare
        try:
            bundle = read(io.BytesIO(broken), swhid)
        except ServiceError:
            continue
        with bundle:
            if bundle.complete:  # some bytes of a tarball are of no account
                tree = served_tree(bundle, swhid)
                assert bundle.objects.blob(tree["src/a.txt"]) == b"hello\n"


def served_tree(bundle: Bundle, swhid: str) -> dict[str, str]:
    id = swhid[10:]
    if swhid.startswith("swh:1:rev:"):
        commit = bundle.objects.commit(id)
        assert commit is not None
        id = commit.tree
    return {entry.name: entry.id for entry in bundle.objects.files(id)}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    repo = repository(tmp_path_factory.mktemp("bundles"))
    objects = Objects()
    objects.load(repo.path)
    found = Bundles()
    found[f"flat {repo.dir}"] = flat(objects, repo.tree)
    found[f"bare {repo.rev}"] = bare(objects, repo.rev)
    found[f"loose {repo.rev}"] = bare(objects, repo.rev, packed=False)
    return found


def test_settings_hooks_and_alternates_of_a_bundle_are_left_out(
    setting: Setting, tmp_path: Path
) -> None:
    repo = setting.repository
    top = f"{repo.rev}.git"
    marker = tmp_path / "marker"
    hook = f"#!/bin/sh\ntouch {marker}\n".encode()
    config = f"[core]\n\tfsmonitor = touch {marker}\n\tbare = true\n".encode()
    rows: Rows = [
        (top, FOLDER, b""),
        (f"{top}/config", {}, config),
        (f"{top}/hooks/post-index-change", {"mode": 0o755}, hook),
        (f"{top}/objects/info/alternates", {}, f"{repo.path}/.git/objects\n".encode()),
        (f"{top}/objects/pack/../../config", {}, config),
    ]
    with pytest.raises(ServiceError, match="no name below"):
        read_bare(_tarball(rows, packed=False), repo.rev)
    with read_bare(_tarball(rows[:-1], packed=False), repo.rev) as bundle:
        assert [fault.swhid for fault in bundle.faults] == [repo.rev]
        found = sorted(
            str(path.relative_to(bundle.git.directory))
            for path in bundle.git.directory.rglob("*")
            if path.is_file()
        )
        assert found == ["HEAD", "config"]
    assert not marker.exists()


def test_an_index_of_a_bundle_is_not_believed(setting: Setting) -> None:
    """The index names the false bytes as the wanted ones, as the vault's own does."""
    repo = setting.repository
    setting.double.objects.absent.add(f"swh:1:cnt:{repo.blob}")
    data = bare(setting.double.objects, repo.rev)
    assert b".idx" in data
    with read_bare(io.BytesIO(data), repo.rev) as bundle:
        assert not bundle.complete
        assert bundle.objects.kind(repo.blob) is None


def test_a_damaged_object_is_named_and_the_rest_is_looked_at(
    setting: Setting,
) -> None:
    repo = setting.repository
    objects = setting.double.objects
    top = f"{repo.rev}.git"
    rows: Rows = [(top, FOLDER, b"")]
    for swhid, body in objects.bodies.items():
        kind = {"cnt": "blob", "dir": "tree", "rev": "commit"}.get(swhid[6:9])
        if kind is None:
            continue
        id = swhid[10:]
        data = zlib.compress(f"{kind} {len(body)}\0".encode() + body)
        data = os.urandom(50) if id == repo.blob else data
        rows.append((f"{top}/objects/{id[:2]}/{id[2:]}", {}, data))
    with read_bare(_tarball(rows, packed=False), repo.rev) as bundle:
        assert {fault.swhid for fault in bundle.faults} == {f"swh:1:cnt:{repo.blob}"}
        assert bundle.checked == 4


def test_more_objects_than_allowed_are_refused(setting: Setting) -> None:
    data = bare(setting.double.objects, setting.repository.rev)
    for limits in (BundleLimits(objects=2), BundleLimits(total_bytes=20)):
        with pytest.raises(ServiceError, match="the bundle"):
            read_bare(io.BytesIO(data), setting.repository.rev, limits=limits)


def test_a_bundle_that_takes_too_long_is_given_up(setting: Setting) -> None:
    for packed in (True, False):
        data = bare(setting.double.objects, setting.repository.rev, packed=packed)
        ticks = iter(range(1000))
        with pytest.raises(ServiceError, match=r"took (more|too)"):
            read_bare(
                io.BytesIO(data),
                setting.repository.rev,
                limits=BundleLimits(seconds=3),
                clock=lambda ticks=ticks: next(ticks),  # type: ignore[misc]
            )


def test_a_broken_bundle_tells_nothing(setting: Setting) -> None:
    key = ("git-bare", setting.repository.rev)
    setting.double.bundles[key] = b"\0" * 600
    answer = recover(setting.archive, setting.repository.rev)
    assert isinstance(answer, CouldNotTell)
    assert "the bundle" in answer.reason
    assert answer.asked is not None


def test_a_snapshot_whose_branches_are_false_is_not_fetched(setting: Setting) -> None:
    swhid = f"swh:1:snp:{setting.snapshot}"
    body = setting.double.objects.bodies[swhid]
    setting.double.objects.bodies[swhid] = body.replace(b"main", b"mine")
    answer = recover(setting.archive, swhid)
    assert "do not have its id" in untold(answer).reason
