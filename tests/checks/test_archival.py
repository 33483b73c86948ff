"""Is it held, and was it seen where the crate says? The archive is a double."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.report import Report
from reverify.rerun.sandbox import Bubblewrap

from tests.checks.exported import (
    ORIGIN,
    Archived,
    Exported,
    refuted,
    reverify,
)
from tests.fakes import Json, write_crate
from tests.gitrepos import commit, git, make_repository
from tests.services.swh_double import SwhDouble

OTHER = "0123456789abcdef" * 2 + "01234567"
ELSEWHERE = "https://git.example.org/lab/wind"


def ask(crate: Path, double: SwhDouble, cache: Path, **more: object) -> Report:
    return verify(
        str(crate),
        only=["archival"],
        allow_private=True,
        swh_url=double.base,
        cache_dir=str(cache),
        **more,
    )


@pytest.fixture
def report_of(tmp_path: Path) -> Callable[[Archived], Report]:
    return lambda archived: ask(
        archived.made.crate, archived.double, tmp_path / "cache"
    )


Reporting = Callable[[Archived], Report]


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def found_under(report: Report, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


@pytest.mark.slow
def test_a_capsule_that_is_archived_reaches_the_level(
    archived: Archived, tmp_path: Path
) -> None:
    answer = reverify(
        *("check", "--json", "--source", archived.made.work, "--allow-private"),
        *("--require", "archived", archived.made.crate),
        REVERIFY_SWH_URL=archived.double.base,
        REVERIFY_CACHE_DIR=str(tmp_path / "cache"),
        REVERIFY_GIT_MIRRORS=f"{ORIGIN}={archived.made.work.as_uri()}",
    )
    report = json.loads(answer.stdout)
    assert report["verdict"]["level"] == "archived", answer.stdout
    assert report["verdict"]["outcome"] == "confirmed"
    assert answer.returncode == 0
    said = [f for f in report["findings"] if f["kind"] == "archival"]
    assert {f["outcome"] for f in said} == {"confirmed"}
    assert all(f["evidence"] for f in said)


@pytest.mark.slow
def test_a_capsule_that_is_archived_and_run_again_reaches_the_last_level(
    archived: Archived, tmp_path: Path
) -> None:
    if missing := Bubblewrap().missing():
        pytest.skip(missing)
    answer = reverify(
        *("reproduce", "--source", archived.made.work, "--allow-private"),
        *("--require", "reproduced", archived.made.crate),
        REVERIFY_SWH_URL=archived.double.base,
        REVERIFY_CACHE_DIR=str(tmp_path / "cache"),
        REVERIFY_GIT_MIRRORS=f"{ORIGIN}={archived.made.work.as_uri()}",
    )
    assert answer.returncode == 0, answer.stdout
    assert "CONFIRMED  level reproduced" in answer.stdout


def test_all_that_is_said_of_the_archive_is_confirmed(
    archived: Archived, report_of: Reporting
) -> None:
    report = report_of(archived)
    assert rules(report) == {
        "archival/held",
        "archival/origin-known",
        "archival/path-match",
        "archival/visit-seen",
    } | ({"archival/tree-match"} & rules(report))
    assert report.verdict.outcome is Outcome.CONFIRMED
    (visit,) = {
        f.reason.partition(": ")[2] for f in found_under(report, "archival/visit-seen")
    }
    assert "on 2025-06-01" in visit
    assert "refs/heads/main pointed to" in visit


def test_a_whole_crate_is_one_question(
    archived: Archived, report_of: Reporting
) -> None:
    report_of(archived)
    assert archived.double.count("known/") == 1


def test_offline_nothing_is_asked(archived: Archived) -> None:
    report = verify(str(archived.made.crate), offline=True, only=["archival"])
    assert {f.outcome for f in report.findings} == {Outcome.UNTESTED}
    assert archived.double.asked == []


def change_tree(made: Exported) -> None:
    made.replace(f"swh:1:dir:{made.tree}", f"swh:1:dir:{OTHER}")


def change_commit(made: Exported) -> None:
    made.replace(f"swh:1:rev:{made.commit}", f"swh:1:rev:{OTHER}")


def change_origin(made: Exported) -> None:
    made.replace(f"origin={ORIGIN}", f"origin={ELSEWHERE}")


def change_visit(made: Exported) -> None:
    text = json.dumps(made.document)
    snapshot = text.partition("visit=swh:1:snp:")[2][:40]
    made.replace(f"visit=swh:1:snp:{snapshot}", f"visit=swh:1:snp:{OTHER}")


def change_path(made: Exported) -> None:
    made.replace("path=/", "path=/lib")


def change_type(made: Exported) -> None:
    made.replace(f"swh:1:dir:{made.tree}", f"swh:1:snp:{made.tree}")


@pytest.mark.parametrize(
    ("lie", "rule", "said"),
    [
        (change_tree, "archival/not-held", f"swh:1:dir:{OTHER}"),
        (change_commit, "archival/anchor-not-held", f"swh:1:rev:{OTHER}"),
        (change_commit, "archival/identifier-not-held", f"swh:1:rev:{OTHER}"),
        (change_origin, "archival/origin-unknown", ELSEWHERE),
        (change_origin, "archival/visit-unknown", ELSEWHERE),
        (change_visit, "archival/visit-unknown", f"swh:1:snp:{OTHER}"),
        (change_path, "archival/path-mismatch", "/lib of swh:1:rev:"),
        (change_type, "archival/not-held", "perhaps that is meant"),
    ],
)
def test_each_lie_is_found_and_named(
    archived: Archived,
    report_of: Reporting,
    lie: Callable[[Exported], None],
    rule: str,
    said: str,
) -> None:
    lie(archived.made)
    report = report_of(archived)
    found = [f for f in refuted(report) if f.rule == rule]
    assert found
    assert said in found[0].reason
    assert all(f.evidence and f.fix and f.observed for f in found)
    assert report.verdict.outcome is Outcome.REFUTED


# -- one identifier --------------------------------------------------------------------


class Setting:
    """A repository in an archive, and crates with one identifier each."""

    def __init__(self, base: Path, double: SwhDouble) -> None:
        self.base = base
        self.double = double
        self.work = make_repository(base / "work", {"src/a.py": b"1\n", "b.py": b"2\n"})
        self.commit = git(self.work, "rev-parse", "HEAD")
        self.tree = git(self.work, "rev-parse", "HEAD^{tree}")
        git(self.work, "tag", "-a", "v1", "-m", "One")
        self.tag = git(self.work, "rev-parse", "v1")
        self.snapshot = double.load(self.work, ORIGIN)

    def id(self, name: str) -> str:
        return git(self.work, "rev-parse", name)

    def report(self, *identifiers: str, **said: object) -> Report:
        entity: Json = {"@id": "#code", "@type": "SoftwareSourceCode", **said}
        entity["identifier"] = list(identifiers)
        crate = write_crate(self.base / "crate", entity)
        return ask(crate, self.double, self.base / "cache")


@pytest.fixture
def setting(tmp_path: Path, swh_double: SwhDouble) -> Setting:
    return Setting(tmp_path, swh_double)


def test_an_identifier_that_is_not_held_is_a_warning(setting: Setting) -> None:
    report = setting.report(f"swh:1:rev:{OTHER}")
    (found,) = report.findings
    assert (found.rule, found.severity) == ("archival/identifier-not-held", "warning")
    assert "does not hold it now" in found.reason
    assert report.verdict.outcome is not Outcome.REFUTED


@pytest.mark.parametrize(
    "said",
    [
        {"archivedAt": f"swh:1:rev:{OTHER}"},
        {"url": f"https://archive.softwareheritage.org/swh:1:rev:{OTHER}/"},
        {"schema:archivedAt": {"@id": f"https://n2t.net/swh:1:rev:{OTHER}"}},
    ],
)
def test_what_is_said_to_be_archived_and_is_not_is_refuted(
    setting: Setting, said: Json
) -> None:
    report = setting.report(f"swh:1:rev:{OTHER}", **said)
    (found,) = report.findings
    assert (found.rule, found.severity) == ("archival/not-held", "error")
    assert report.verdict.outcome is Outcome.REFUTED


def test_a_revision_and_a_directory_that_are_not_its_own(setting: Setting) -> None:
    other = setting.id("HEAD:src")
    report = setting.report(f"swh:1:rev:{setting.commit}", f"swh:1:dir:{other}")
    (found,) = found_under(report, "archival/tree-mismatch")
    assert setting.tree in found.reason
    assert other in found.reason
    assert found.observed == f"swh:1:dir:{setting.tree}"


def test_an_archive_that_contradicts_itself_is_not_believed(setting: Setting) -> None:
    setting.double.directories[setting.commit] = OTHER
    report = setting.report(f"swh:1:rev:{setting.commit}", f"swh:1:dir:{setting.tree}")
    (found,) = found_under(report, "archival/contradictory")
    assert found.outcome is Outcome.UNDETERMINED
    assert OTHER in found.reason
    assert setting.tree in found.reason


def test_known_and_not_found_is_a_contradiction(setting: Setting) -> None:
    rev = f"swh:1:rev:{setting.commit}"
    setting.double.unserved.add(rev)
    report = setting.report(rev, f"swh:1:dir:{setting.tree}")
    (found,) = found_under(report, "archival/contradictory")
    assert "knows" in found.reason
    assert len(found_under(report, "archival/held")) == 2


def test_what_is_withheld_is_undetermined(setting: Setting) -> None:
    rev = f"swh:1:rev:{setting.commit}"
    setting.double.mask(rev)
    report = setting.report(rev, f"swh:1:dir:{setting.tree}")
    (found,) = found_under(report, "archival/withheld")
    assert found.outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize("fault", ["500", "502", "html", "html 404", "json", "shape"])
def test_an_archive_in_trouble_tells_nothing(setting: Setting, fault: str) -> None:
    setting.double.fail(fault)
    report = setting.report(f"swh:1:rev:{setting.commit}")
    assert {f.rule for f in report.findings} == {"archival/unclear"}
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_too_many_requests_tell_nothing(setting: Setting) -> None:
    setting.double.limits["swh_api"] = [(0, 3600)]
    report = setting.report(f"swh:1:rev:{setting.commit}")
    assert {f.rule for f in report.findings} == {"archival/unclear"}


@pytest.mark.parametrize(
    ("anchor", "path", "object"),
    [
        ("rev:{commit}", "/src/a.py", "cnt:{a}"),
        ("rev:{commit}", "/src/", "dir:{src}"),
        ("rel:{tag}", "/b.py", "cnt:{b}"),
        ("dir:{src}", "/a.py", "cnt:{a}"),
        ("snp:{snapshot}", "/src", "dir:{src}"),
    ],
)
def test_a_path_is_followed_from_its_anchor(
    setting: Setting, anchor: str, path: str, object: str
) -> None:
    known = {
        "commit": setting.commit,
        "tag": setting.tag,
        "snapshot": setting.snapshot,
        "src": setting.id("HEAD:src"),
        "a": setting.id("HEAD:src/a.py"),
        "b": setting.id("HEAD:b.py"),
    }
    core, start = (f"swh:1:{text.format(**known)}" for text in (object, anchor))
    report = setting.report(f"{core};anchor={start};path={path}")
    assert rules(report) == {"archival/held", "archival/path-match"}
    report = setting.report(f"{core};anchor={start};path=/b.py/x")
    (found,) = found_under(report, "archival/path-mismatch")
    assert found.observed == "absent"


def test_an_origin_is_found_with_and_without_git_at_its_end(setting: Setting) -> None:
    report = setting.report(f"swh:1:rev:{setting.commit};origin={ORIGIN}.git")
    (found,) = found_under(report, "archival/origin-known")
    assert f"as {ORIGIN}" in found.reason


def test_where_an_object_was_seen_that_is_not_held_is_moot(setting: Setting) -> None:
    report = setting.report(f"swh:1:rev:{OTHER};origin={ORIGIN}")
    assert [f.outcome for f in found_under(report, "archival/moot")] == [
        Outcome.NOT_APPLICABLE
    ]


def test_a_commit_that_only_a_proposal_points_to_is_a_warning(setting: Setting) -> None:
    git(setting.work, "checkout", "-q", "-b", "theirs")
    theirs = commit(setting.work, {"b.py": b"3\n"})
    git(setting.work, "update-ref", "refs/pull/7/head", theirs)
    git(setting.work, "checkout", "-q", "main")
    git(setting.work, "branch", "-q", "-D", "theirs")
    snapshot = setting.double.load(setting.work, ORIGIN)
    visit = f"visit=swh:1:snp:{snapshot}"
    report = setting.report(f"swh:1:rev:{theirs};origin={ORIGIN};{visit}")
    (found,) = found_under(report, "archival/proposal-only")
    assert (found.outcome, found.severity) == (Outcome.REFUTED, "warning")
    assert "refs/pull/7/head" in found.reason


def test_an_annotated_tag_is_followed_to_its_commit(setting: Setting) -> None:
    git(setting.work, "tag", "-a", "v2", "-m", "Two", "v1")  # a tag of a tag
    git(setting.work, "update-ref", "refs/pull/7/head", setting.commit)
    commit(setting.work, {"b.py": b"3\n"})
    snapshot = setting.double.load(setting.work, ORIGIN)
    visit = f"visit=swh:1:snp:{snapshot}"
    report = setting.report(f"swh:1:rev:{setting.commit};origin={ORIGIN};{visit}")
    assert "archival/proposal-only" not in rules(report)
    (found,) = found_under(report, "archival/visit-seen")
    assert f"where refs/tags/v2 pointed to swh:1:rev:{setting.commit}" in found.reason


def test_more_tags_than_are_followed_leave_it_open(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reverify.services.software_heritage.tags.MOST_TAGS", 0)
    git(setting.work, "update-ref", "refs/pull/7/head", setting.commit)
    commit(setting.work, {"b.py": b"3\n"})
    snapshot = setting.double.load(setting.work, ORIGIN)
    visit = f"visit=swh:1:snp:{snapshot}"
    report = setting.report(f"swh:1:rev:{setting.commit};origin={ORIGIN};{visit}")
    assert "archival/proposal-only" not in rules(report)
    assert setting.double.count("/release/") == 0


def test_a_commit_that_is_no_tip_is_not_held_against_anybody(setting: Setting) -> None:
    commit(setting.work, {"b.py": b"3\n"})
    snapshot = setting.double.load(setting.work, ORIGIN)
    visit = f"visit=swh:1:snp:{snapshot}"
    git(setting.work, "tag", "-d", "v1")
    report = setting.report(f"swh:1:rev:{setting.commit};origin={ORIGIN};{visit}")
    assert "archival/proposal-only" not in rules(report)
    assert report.verdict.kinds[ClaimKind.ARCHIVAL].outcome is Outcome.CONFIRMED


def test_a_malformed_identifier_spoils_no_other(setting: Setting) -> None:
    report = setting.report(f"swh:1:ext:{OTHER}", f"swh:1:rev:{setting.commit}")
    assert rules(report) == {"archival/swhid-invalid", "archival/held"}


def test_answers_are_kept_for_the_next_time(setting: Setting) -> None:
    setting.report(f"swh:1:rev:{setting.commit}")
    before = len(setting.double.asked)
    report = setting.report(f"swh:1:rev:{setting.commit}")
    assert len(setting.double.asked) == before
    (found,) = report.findings
    assert "kept" in found.evidence[0].method


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"git_commit": OTHER}, f"perhaps swh:1:rev:{OTHER} is meant, as git_commit"),
        ({"tree_hash": OTHER}, f"perhaps swh:1:dir:{OTHER} is meant, as tree_hash"),
        ({"git_commit": OTHER[::-1]}, ""),
    ],
)
def test_what_a_wrong_type_means_is_said_where_it_is_known(
    tmp_path: Path, said: Json, meant: str
) -> None:
    identifier = f"swh:1:ext:{OTHER}"
    entity = {"@id": "#code", "@type": "SoftwareSourceCode", "identifier": identifier}
    crate = write_crate(tmp_path, entity | said)
    report = verify(str(crate), offline=True, only=["archival"])
    (found,) = found_under(report, "archival/swhid-invalid")
    assert "there is no type 'ext'" in found.reason
    assert meant in found.reason
    assert ("perhaps" in found.reason) is bool(meant)


def test_offline_the_answers_that_are_kept_count(
    archived: Archived, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    ask(archived.made.crate, archived.double, cache)
    before = len(archived.double.asked)
    report = ask(archived.made.crate, archived.double, cache, offline=True)
    assert report.verdict.kinds[ClaimKind.ARCHIVAL].outcome is Outcome.CONFIRMED
    evidence = [each for f in report.findings for each in f.evidence]
    assert any("answered before and kept" in each.method for each in evidence)
    other = write_crate(
        tmp_path / "other",
        {
            "@id": "#a",
            "@type": "SoftwareSourceCode",
            "identifier": f"swh:1:rev:{OTHER}",
        },
    )
    report = ask(other, archived.double, cache, offline=True)
    assert {f.rule for f in report.findings} == {"archival/not-tested"}
    assert len(archived.double.asked) == before
