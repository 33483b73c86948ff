"""Is the code the one that is named? Every lie is found, and named."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.checks.exported import (
    ORIGIN,
    SCRIPT,
    Exported,
    Lie,
    refuted,
    reverify,
    source_report,
)
from tests.fakes import Json, file, of, write_crate
from tests.gitrepos import commit, git, make_repository
from tests.services.git_server import serving_git

OTHER = "0123456789abcdef" * 2 + "01234567"


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def one(report: Report, rule: str) -> str:
    (finding,) = [f for f in report.findings if f.rule == rule]
    return finding.reason


def test_a_capsule_of_a_repository_is_sourced_offline(exported: Exported) -> None:
    crate, work = exported.crate, exported.work
    answer = reverify(
        *("check", "--offline", "--json", "--source", work, "--require", "sourced"),
        crate,
    )
    report = json.loads(answer.stdout)
    assert answer.returncode == 0, answer.stderr
    assert report["verdict"]["level"] == "sourced"
    assert report["verdict"]["kinds"]["source"]["outcome"] == "confirmed"
    files = [f for f in report["findings"] if f["rule"] == "source/file-match"]
    assert {f["subject"] for f in files} == {SCRIPT, "lib/one.py", "lib/two.py"}
    (script,) = [f for f in files if f["subject"] == SCRIPT]
    assert exported.commit in script["reason"]
    sources = {evidence["source"] for evidence in script["evidence"]}
    assert sources == {str(work), SCRIPT}


def test_without_a_repository_it_is_untested_and_not_sourced(
    exported: Exported,
) -> None:
    report = source_report(exported)
    assert report.verdict.kinds["source"].outcome is Outcome.UNTESTED  # type: ignore[index]
    assert refuted(report) == []


def change_script(made: Exported) -> None:
    made.rewrite(b"print('other')\n")


def change_commit(made: Exported) -> None:
    made.say(made.code["@id"], version=OTHER)


def change_commit_in_swhid(made: Exported) -> None:
    made.replace(f"swh:1:rev:{made.commit}", f"swh:1:rev:{OTHER}")


def change_tree(made: Exported) -> None:
    made.replace(f"swh:1:dir:{made.tree}", f"swh:1:dir:{OTHER}")


def change_type_to_dir(made: Exported) -> None:
    made.replace(f"swh:1:rev:{made.commit}", f"swh:1:dir:{made.commit}")


def change_type_to_rel(made: Exported) -> None:
    made.replace(f"swh:1:rev:{made.commit}", f"swh:1:rel:{made.commit}")


def change_type_to_rev(made: Exported) -> None:
    made.replace(f"swh:1:dir:{made.tree}", f"swh:1:rev:{made.tree}")


def change_type_to_cnt(made: Exported) -> None:
    made.replace(f"swh:1:dir:{made.tree}", f"swh:1:cnt:{made.tree}")


def change_origin(made: Exported) -> None:
    made.say(
        made.code["@id"], url=f"https://git.example.org/lab/wind/tree/{made.commit}"
    )


def change_origin_qualifier(made: Exported) -> None:
    rev = f"swh:1:rev:{made.commit}"
    made.replace(rev, f"{rev};origin=https://git.example.org/lab/wind")


def change_anchor(made: Exported) -> None:
    tree = f"swh:1:dir:{made.tree}"
    made.replace(tree, f"{tree};anchor=swh:1:rev:{OTHER};path=/")


def change_path(made: Exported) -> None:
    tree = f"swh:1:dir:{made.tree}"
    anchor = f"swh:1:rev:{made.commit}"
    made.replace(tree, f"{tree};anchor={anchor};path=/lib")


LIES: list[tuple[Lie, str, str, bool]] = [
    (change_script, "source/file-mismatch", f"{SCRIPT}: is the blob", False),
    (change_commit, "source/contradiction", f"{OTHER} (version)", True),
    (change_commit_in_swhid, "source/contradiction", f"{OTHER} (identifier)", True),
    (change_tree, "source/tree-mismatch", f"not {OTHER} as is said", False),
    (change_type_to_dir, "source/contradiction", "names two trees", True),
    (change_type_to_dir, "source/tree-mismatch", "a rev and no dir", False),
    (change_type_to_rel, "source/tag-mismatch", "is a commit, no annotated tag", False),
    (change_type_to_rev, "source/contradiction", "names two commits", True),
    (change_type_to_cnt, "source/blob-mismatch", "is a tree, not the contents", False),
    (change_origin, "source/contradiction", "lab/wind (url)", True),
    (change_origin_qualifier, "source/contradiction", "lab/wind (identifier)", True),
    (change_anchor, "source/contradiction", f"{OTHER} (identifier)", True),
    (change_path, "source/tree-mismatch", "the folder 'lib'", False),
]


@pytest.mark.parametrize(
    ("lie", "rule", "said", "offline"),
    LIES,
    ids=[f"{x[0].__name__}-{x[1]}" for x in LIES],
)
def test_each_lie_is_found_and_named(
    exported: Exported, tmp_path: Path, lie: Lie, rule: str, said: str, *, offline: bool
) -> None:
    made = exported.copy(tmp_path / "crate")
    lie(made)
    report = source_report(made, made.work)
    assert report.verdict.outcome is Outcome.REFUTED
    found = [f for f in refuted(report) if f.rule == rule and said in f.reason]
    assert found
    assert all(f.fix and f.observed for f in found)
    if offline:  # told without any repository
        alone = refuted(source_report(made))
        assert any(f.rule == rule and said in f.reason for f in alone)


def test_a_script_that_differs_in_line_ends_alone_is_told_so(
    exported: Exported, tmp_path: Path
) -> None:
    made = exported.copy(tmp_path / "crate")
    made.rewrite((made.crate / SCRIPT).read_bytes().replace(b"\n", b"\r\n"))
    report = source_report(made, made.work)
    assert "differ in their line ends alone" in one(report, "source/file-mismatch")


def test_a_file_that_moved_is_found_by_its_contents(
    exported: Exported, tmp_path: Path
) -> None:
    made = exported.copy(tmp_path / "crate")
    (made.crate / "lib/one.py").rename(made.crate / "one.py")
    made.replace('"lib/one.py"', '"one.py"')
    (found,) = of(source_report(made, made.work), "one.py", "source")
    assert found.rule == "source/file-match"
    assert "has at lib/one.py, another path" in found.reason


def test_a_script_replaced_by_another_of_the_repository_is_refuted(
    exported: Exported, tmp_path: Path
) -> None:
    made = exported.copy(tmp_path / "crate")
    made.rewrite(b"TWO = 2\n", "lib/one.py")
    (found,) = of(source_report(made, made.work), "lib/one.py", "source")
    assert found.rule == "source/file-mismatch"


def test_a_generated_file_is_a_note_and_keeps_the_crate_from_being_sourced(
    exported: Exported, tmp_path: Path
) -> None:
    made = exported.copy(tmp_path / "crate")
    (made.crate / SCRIPT).rename(made.crate / "made.py")
    made.replace(f'"{SCRIPT}"', '"made.py"')
    made.rewrite(b"print('generated')\n", "made.py")
    report = source_report(made, made.work)
    (found,) = of(report, "made.py", "source")
    assert found.rule == "source/file-not-in-commit"
    assert found.severity == "note"
    assert report.verdict.outcome is Outcome.CONFIRMED
    answer = verify(
        str(made.crate),
        offline=True,
        source=[str(made.work)],
        skip=["conformance"],
    )
    assert answer.verdict.level != "sourced"


# -- repositories ----------------------------------------------------------------------


def code(**properties: object) -> Json:
    return {"@id": "#code", "@type": "SoftwareSourceCode", **properties}


def check_code(crate: Path, work: Path) -> Report:
    return verify(str(crate), offline=True, only=["source"], source=[str(work)])


def crate_of(
    where: Path, id: str, files: dict[str, bytes], *more: Json, **said: object
) -> Path:
    parts = [{"@id": path} for path in files]
    entities = [*(file(path) for path in files), *more]
    entity = code(git_commit=id, hasPart=parts, **said)
    return write_crate(where, *entities, entity, files=files)


def test_a_commit_that_is_nowhere_is_refuted(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    crate = crate_of(tmp_path / "crate", OTHER, {"a.py": b"1\n"})
    report = check_code(crate, work)
    assert str(work) in one(report, "source/commit-missing")
    (found,) = of(report, "a.py", "source")
    assert found.outcome is Outcome.UNDETERMINED


def test_a_commit_whose_origin_was_not_asked_is_undetermined(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    crate = crate_of(tmp_path / "crate", OTHER, {}, codeRepository=ORIGIN)
    (found,) = [
        f for f in check_code(crate, work).findings if f.claim.topic == "commit"
    ]
    assert (found.rule, found.outcome) == ("source/unclear", Outcome.UNDETERMINED)
    assert str(work) in found.reason


def test_a_shallow_clone_does_not_refute(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    first = git(work, "rev-parse", "HEAD")
    commit(work, {"a.py": b"2\n"})
    url = f"file://{work}"
    git(tmp_path, "clone", "-q", "--depth=1", url, "shallow")
    crate = crate_of(tmp_path / "crate", first, {})
    (found,) = check_code(crate, tmp_path / "shallow").findings
    assert (found.rule, found.outcome) == ("source/unclear", Outcome.UNDETERMINED)
    assert "shallow" in found.reason


def test_an_id_of_a_tree_is_no_commit(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    tree = git(work, "rev-parse", "HEAD^{tree}")
    crate = crate_of(tmp_path / "crate", tree, {})
    assert f"{tree} is a tree" in one(check_code(crate, work), "source/commit-missing")


def test_sha256_repositories_are_read_too(tmp_path: Path) -> None:
    files = {"a.py": b"1\n"}
    work = make_repository(tmp_path / "work", files, "--object-format=sha256")
    crate = crate_of(tmp_path / "crate", git(work, "rev-parse", "HEAD"), files)
    assert rules(check_code(crate, work)) == {
        "source/commit-found",
        "source/file-match",
    }


def test_a_missing_blob_is_undetermined_and_refutes_nothing(tmp_path: Path) -> None:
    files = {"a.py": b"1\n", "b.py": b"2\n"}
    work = make_repository(tmp_path / "work", files)
    blob = git(work, "rev-parse", "HEAD:a.py")
    (work / ".git/objects" / blob[:2] / blob[2:]).unlink()
    crate = crate_of(tmp_path / "crate", git(work, "rev-parse", "HEAD"), files)
    report = check_code(crate, work)
    assert refuted(report) == []
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert "lacks the contents of a.py" in one(report, "source/incomplete")


def test_a_missing_tree_is_undetermined(tmp_path: Path) -> None:
    files = {"src/a.py": b"1\n"}
    work = make_repository(tmp_path / "work", files)
    tree = git(work, "rev-parse", "HEAD:src")
    (work / ".git/objects" / tree[:2] / tree[2:]).unlink()
    crate = crate_of(tmp_path / "crate", git(work, "rev-parse", "HEAD"), files)
    report = check_code(crate, work)
    assert {f.outcome for f in report.findings} == {Outcome.UNDETERMINED}
    assert tree in report.findings[0].reason


def test_a_pointer_of_lfs_stands_for_the_file(tmp_path: Path) -> None:
    data = b"a large file\n"
    digest = hashlib.sha256(data).hexdigest()
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\n"
        f"size {len(data)}\n"
    )
    work = make_repository(tmp_path / "work", {"model.bin": pointer.encode()})
    crate = crate_of(
        tmp_path / "crate", git(work, "rev-parse", "HEAD"), {"model.bin": data}
    )
    (found,) = of(check_code(crate, work), "model.bin", "source")
    assert found.rule == "source/file-match"
    assert "pointer of Git LFS" in found.reason


def test_a_file_in_a_submodule_is_undetermined(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{OTHER},ext")
    git(work, "commit", "-q", "-m", "Add a submodule")
    id = git(work, "rev-parse", "HEAD")
    crate = crate_of(tmp_path / "crate", id, {"ext/b.py": b"2\n"})
    (found,) = of(check_code(crate, work), "ext/b.py", "source")
    assert found.outcome is Outcome.UNDETERMINED
    assert "submodule ext" in found.reason


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("src/a.py", Outcome.CONFIRMED),
        ("src/b.py", Outcome.REFUTED),
        ("c", Outcome.REFUTED),
    ],
)
def test_a_link_to_a_path_at_a_commit_is_held_to_it(
    tmp_path: Path, said: str, outcome: Outcome
) -> None:
    work = make_repository(tmp_path / "work", {"src/a.py": b"1\n", "src/b.py": b"2\n"})
    id = git(work, "rev-parse", "HEAD")
    link = f"https://git.example.org/lab/calc/raw/{id}/{said}"
    crate = write_crate(
        tmp_path / "crate", file("run.py", url=link), files={"run.py": b"1\n"}
    )
    found = [f for f in check_code(crate, work).findings if "file" in f.rule]
    assert [f.outcome for f in found] == [outcome]
    assert said in found[0].reason


@pytest.mark.parametrize(
    "hint",
    [
        {"alternateName": "tools/run.py"},
        {"path": "/tools/run.py"},
        {"url": "https://github.com/lab/calc/blob/main/tools/run.py"},
        {"contentUrl": {"@id": "https://gitlab.com/l/c/-/raw/v1/tools/run.py"}},
    ],
)
def test_a_hint_of_the_crate_leads_to_the_file(tmp_path: Path, hint: Json) -> None:
    work = make_repository(
        tmp_path / "work", {"tools/run.py": b"1\n", "run.py": b"another\n"}
    )
    id = git(work, "rev-parse", "HEAD")
    entity = code(git_commit=id, hasPart={"@id": "run.py"})
    crate = write_crate(
        tmp_path / "crate", file("run.py", **hint), entity, files={"run.py": b"1\n"}
    )
    (found,) = of(check_code(crate, work), "run.py", "source")
    assert found.rule == "source/file-match"
    assert "tools/run.py" in found.reason


def test_an_annotated_tag_points_to_the_commit(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    git(work, "tag", "-a", "v1", "-m", "One")
    tag, id = git(work, "rev-parse", "v1"), git(work, "rev-parse", "HEAD")
    crate = crate_of(tmp_path / "crate", id, {}, identifier=f"swh:1:rel:{tag}")
    assert id in one(check_code(crate, work), "source/tag-match")


@pytest.mark.parametrize(("data", "rule"), [(b"1\n", "match"), (b"2\n", "mismatch")])
def test_a_file_is_held_to_its_own_swhid_without_any_repository(
    tmp_path: Path, data: bytes, rule: str
) -> None:
    swhid = "swh:1:cnt:d00491fd7e5bb6fa28c517a0bb32b8b506539d4d"
    write_crate(tmp_path, file("a", identifier=swhid), files={"a": data})
    (found,) = of(verify(str(tmp_path), offline=True, only=["source"]), "a", "source")
    assert found.rule == f"source/blob-{rule}"


def test_a_tree_that_is_a_folder_of_the_commit_is_told_so(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"src/a.py": b"1\n"})
    folder, id = git(work, "rev-parse", "HEAD:src"), git(work, "rev-parse", "HEAD")
    crate = crate_of(tmp_path / "crate", id, {}, identifier=f"swh:1:dir:{folder}")
    assert "is its folder 'src'" in one(check_code(crate, work), "source/tree-mismatch")


def test_a_source_that_is_no_repository_is_a_wrong_use(
    exported: Exported, tmp_path: Path
) -> None:
    answer = reverify("check", "--offline", "--source", tmp_path, exported.crate)
    assert answer.returncode == 2
    assert "is no git repository" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_hostile_repository_in_the_crate_is_not_run(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    id = git(work, "rev-parse", "HEAD")
    crate = crate_of(
        tmp_path / "crate",
        id,
        {"a.py": b"1\n"},
        codeRepository=f"ext::sh -c touch% {tmp_path}/ran",
    )
    shutil.copytree(work / ".git", crate / ".git")
    config = crate / ".git/config"
    config.write_text(f"[core]\n\tfsmonitor = touch {tmp_path}/ran\n")
    report = check_code(crate, work)
    assert not (tmp_path / "ran").exists()
    assert "source/malformed" in rules(report)


# -- branches and tags -----------------------------------------------------------------


class Laboratory:
    """A repository, a mirror of it, and a crate that names its first commit."""

    def __init__(self, base: Path) -> None:
        self.work = make_repository(base / "work", {"a.py": b"1\n"})
        self.first = git(self.work, "rev-parse", "HEAD")
        self.mirror = base / "mirror"
        self.crate = crate_of(
            base / "crate", self.first, {"a.py": b"1\n"}, codeRepository=ORIGIN
        )

    def report(self) -> Report:
        git(self.work, "clone", "-q", "--mirror", str(self.work), str(self.mirror))
        return verify(
            str(self.crate),
            offline=True,
            only=["source"],
            git_mirrors=[f"{ORIGIN}={self.mirror.as_uri()}"],
        )


def test_a_branch_of_the_repository_holds_on_to_the_commit(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    commit(laboratory.work, {"a.py": b"2\n"})
    report = laboratory.report()
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert "main" in one(report, "source/reached")


def test_a_commit_that_no_branch_reaches_is_a_warning(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    git(laboratory.work, "update-ref", "refs/notes/kept", laboratory.first)
    git(laboratory.work, "commit", "-q", "--amend", "-m", "Written anew")
    (found,) = [f for f in laboratory.report().findings if f.claim.topic == "reached"]
    assert (found.rule, found.severity) == ("source/not-reached", "warning")
    assert found.outcome is Outcome.REFUTED
    assert "rewritten" in found.reason


def test_a_mirror_that_is_not_there_refutes_nothing(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    report = verify(
        str(laboratory.crate),
        offline=True,
        only=["source"],
        git_mirrors=[f"{ORIGIN}={(tmp_path / 'nowhere').as_uri()}"],
    )
    assert refuted(report) == []


def test_a_repository_that_does_not_answer_leaves_the_rest_as_it_is(
    exported: Exported, tmp_path: Path
) -> None:
    made = exported.copy(tmp_path / "crate")
    made.replace("https://git.example.org/lab/rain.git", "https://127.0.0.1:1/rain")
    report = verify(
        str(made.crate),
        only=["source"],
        allow_private=True,
        source=[str(made.work)],
        cache_dir=str(tmp_path / "cache"),
    )
    (found,) = [f for f in report.findings if f.claim.topic == "reached"]
    assert (found.rule, found.severity) == ("source/reach-unclear", "note")
    assert report.verdict.outcome is Outcome.CONFIRMED


def reached(crate: Path, cache: Path, *sources: Path) -> Finding:
    report = verify(
        str(crate),
        offline=True,
        only=["source"],
        source=[str(path) for path in sources],
        cache_dir=str(cache),
    )
    (found,) = [f for f in report.findings if f.claim.topic == "reached"]
    return found


def test_offline_a_clone_tells_of_its_branches_and_is_named(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    git(laboratory.work, "remote", "add", "origin", f"{ORIGIN}.git")
    found = reached(laboratory.crate, tmp_path / "cache", laboratory.work)
    assert (found.rule, found.observed) == ("source/reached", "refs/heads/main")
    assert f"{laboratory.work}, a clone of it" in found.reason
    assert [each.source for each in found.evidence] == [ORIGIN, str(laboratory.work)]


def test_what_a_clone_saw_at_its_origin_counts(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    git(laboratory.work, "remote", "add", "origin", ORIGIN)
    git(laboratory.work, "update-ref", "refs/remotes/origin/idea", laboratory.first)
    git(laboratory.work, "commit", "-q", "--amend", "-m", "Written anew")
    found = reached(laboratory.crate, tmp_path / "cache", laboratory.work)
    assert found.observed == "refs/remotes/origin/idea"


def test_a_clone_that_does_not_reach_it_refutes_nothing(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    git(laboratory.work, "commit", "-q", "--amend", "-m", "Written anew")
    found = reached(laboratory.crate, tmp_path / "cache", laboratory.work)
    assert (found.rule, found.outcome) == ("source/reach-unclear", Outcome.UNDETERMINED)
    assert "no branch or tag reaches it in" in found.reason


def test_a_clone_of_another_repository_tells_nothing(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    git(laboratory.work, "remote", "add", "origin", "https://git.example.org/lab/wind")
    found = reached(laboratory.crate, tmp_path / "cache", laboratory.work)
    assert found.rule == "source/reach-unclear"
    assert "lab/wind, another repository" in found.reason


def test_offline_what_was_fetched_before_counts(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"a.py": b"1\n"})
    git(tmp_path, "clone", "-q", "--mirror", str(work), "root/code.git")
    options = {"only": ["source"], "cache_dir": str(tmp_path / "cache")}
    with serving_git(tmp_path / "root") as server:
        crate = crate_of(
            tmp_path / "crate",
            git(work, "rev-parse", "HEAD"),
            {"a.py": b"1\n"},
            codeRepository=f"{server.url}/code.git",
        )
        before = verify(str(crate), offline=True, allow_private=True, **options)
        assert {f.outcome for f in before.findings} == {Outcome.UNTESTED}
        verify(str(crate), allow_private=True, **options)
        asked = len(server.requests)
        report = verify(str(crate), offline=True, allow_private=True, **options)
        assert len(server.requests) == asked
    assert rules(report) == {
        "source/commit-found",
        "source/file-match",
        "source/not-tested",  # whether a branch reaches it changes
    }
    assert "kept since" in report.findings[0].evidence[0].observed


def test_a_password_in_an_address_is_not_repeated(tmp_path: Path) -> None:
    crate = write_crate(
        tmp_path / "crate",
        code(
            codeRepository="https://ada:secret@git.example.org/lab/rain",
            url="https://ada:secret@git.example.org/lab/wind/-/tree/main",
            git_commit=OTHER,
        ),
        {**code(codeRepository="https://secret@git.example.org/lab/a"), "@id": "#b"},
    )
    mirrors = [f"{ORIGIN}={tmp_path.as_uri()}"]
    more = {"only": ["source"], "offline": True, "git_mirrors": mirrors}
    report = verify(str(crate), cache_dir=str(tmp_path / "cache"), **more)
    assert "secret" not in json.dumps(report.to_dict())
    assert "***@git.example.org" in json.dumps(report.to_dict())
