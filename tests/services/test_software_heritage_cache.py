"""What is kept of the archive's answers, for how long, and when it is not believed."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from reverify.errors import UsageError
from reverify.services.software_heritage import Cache, Held, Keeping, NotHeld, Served
from reverify.services.software_heritage.cache import FILE, Kept

from tests.services.swh_double import SwhDouble
from tests.services.swh_setting import NOON, ORIGIN, Setting, Time

BASE = "https://swh.example/api/1/"


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    found = Setting(tmp_path, keep=True)
    with found.double.at_the_wire():
        yield found


def look_at_everything(setting: Setting) -> None:
    archive, repo = setting.client(), setting.repository
    answers: list[object] = [
        archive.revision(repo.commit),
        archive.release(repo.tag),
        archive.directory(repo.tree),
        archive.entry(repo.tree, "src/a.txt"),
        archive.snapshot(setting.snapshot),
        archive.content(repo.blob),
        *archive.known([repo.rev, repo.dir]).values(),
    ]
    assert all(isinstance(answer, Served | Held) for answer in answers)
    archive.close()


# -- how long ----------------------------------------------------------------------


def test_objects_are_kept_for_ever(setting: Setting) -> None:
    look_at_everything(setting)
    count = len(setting.double.asked)
    setting.double.fail("503")
    setting.time.sleep(10 * 365 * 86_400)
    look_at_everything(setting)
    assert len(setting.double.asked) == count == 7


def test_a_kept_answer_says_so_and_when_it_was_given(setting: Setting) -> None:
    first = setting.archive.revision(setting.repository.commit)
    setting.time.sleep(500)
    second = setting.client().revision(setting.repository.commit)
    assert isinstance(first, Served)
    assert isinstance(second, Served)
    assert second.value == first.value
    assert second.asked.kept
    assert (second.asked.at, second.asked.url) == (NOON, first.asked.url)


def test_what_was_not_held_is_asked_again_after_an_hour(setting: Setting) -> None:
    swhid = f"swh:1:rev:{'1' * 40}"
    for passed, count in ((0, 1), (3599, 1), (2, 2)):
        setting.time.sleep(passed)
        assert isinstance(setting.client().known([swhid])[swhid], NotHeld)
        assert setting.double.count("/known/") == count


def test_how_long_can_be_said(setting: Setting) -> None:
    archive = setting.client(Keeping(absent=5, changing=0))
    archive.revision("1" * 40)
    archive.origins.exact(ORIGIN)
    setting.time.sleep(6)
    archive.revision("1" * 40)
    archive.origins.exact(ORIGIN)
    assert len(setting.double.asked) == 4


def test_an_object_that_was_not_held_is_asked_anew_if_need_be(
    setting: Setting,
) -> None:
    new = f"swh:1:rev:{'1' * 40}"
    rev = setting.repository.rev
    setting.archive.known([new, rev])
    setting.double.known_lies[new] = True
    answers = setting.archive.known([new, rev], fresh=True)
    assert isinstance(answers[new], Held)
    assert b"1111" in setting.double.asked[-1].body
    assert setting.repository.commit.encode() not in setting.double.asked[-1].body
    assert isinstance(setting.client().known([new])[new], Held)
    assert len(setting.double.asked) == 2


def test_origins_and_visits_are_kept_for_minutes(setting: Setting) -> None:
    origins = setting.archive.origins
    for passed, count in ((0, 3), (500, 3), (200, 6)):
        setting.time.sleep(passed)
        origins.exact(ORIGIN)
        origins.visits(ORIGIN)
        origins.latest_visit(ORIGIN)
        assert len(setting.double.asked) == count
    origins.visits(ORIGIN, fresh=True)
    assert len(setting.double.asked) == 7


def test_what_tells_nothing_is_not_kept(setting: Setting) -> None:
    setting.double.fail("shape", 1)
    setting.archive.revision(setting.repository.commit)
    setting.double.mask(setting.repository.rel)
    setting.archive.release(setting.repository.tag)
    setting.double.masked.clear()
    assert isinstance(setting.client().revision(setting.repository.commit), Served)
    assert isinstance(setting.client().release(setting.repository.tag), Served)


def test_requests_to_save_are_never_kept(setting: Setting) -> None:
    for _ in range(2):
        setting.archive.origins.save(ORIGIN)
        setting.archive.origins.save_requests(ORIGIN)
    assert len(setting.double.asked) == 4


def test_each_archive_has_answers_of_its_own(setting: Setting) -> None:
    setting.archive.known([setting.repository.rev])
    setting.double.base = "https://archive.softwareheritage.org/mirror/1/"
    setting.client().known([setting.repository.rev])
    assert len(setting.double.asked) == 2


# -- files -------------------------------------------------------------------------


def _put(cache: Cache, *questions: str) -> None:
    rows = [Kept(question, 200, "true", NOON) for question in questions]
    cache.keep(BASE, rows, None)


def test_an_answer_that_is_older_than_is_wanted_does_not_count(tmp_path: Path) -> None:
    time = Time()
    _put(Cache(tmp_path / "cache", time), "x")
    wary = Cache(tmp_path / "cache", time, oldest=60.0)
    time.sleep(60)
    assert wary.find(BASE, ["x"]).keys() == {"x"}
    time.sleep(1)
    assert wary.find(BASE, ["x"]) == {}
    assert Cache(tmp_path / "cache", time).find(BASE, ["x"]).keys() == {"x"}


def test_the_folder_and_the_file_are_ours_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a" / "b", Time())
    _put(cache, "x")
    assert cache.path.parent.stat().st_mode & 0o777 == 0o700
    for path in cache.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert cache.find(BASE, ["x", "y"]).keys() == {"x"}


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UsageError, match="chmod 700"):
        Cache(folder, Time()).find(BASE, ["x"])


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", Time())
    _put(cache, "x")
    cache.close()
    cache.path.chmod(0o666)
    with pytest.raises(UsageError, match="chmod 600"):
        cache.find(BASE, ["x"])


def test_a_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    (folder / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link"):
        Cache(folder, Time()).find(BASE, ["x"])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        Cache(folder, Time()).find(BASE, ["x"])


def test_a_folder_that_cannot_be_made_means_that_nothing_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache", Time())
    _put(cache, "x")
    assert cache.find(BASE, ["x"]) == {}
    assert "answers are not kept" in caplog.text


# -- damage ------------------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _other_tables(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE answers (other TEXT)")
    connection.close()


def _changed_row(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE answers SET body = 'true' WHERE question = 'q7'")
    connection.close()


def _prolonged(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE answers SET until = NULL")
    connection.close()


@pytest.mark.parametrize(
    "damage", [_garbage, _cut, _other_tables, _changed_row, _prolonged]
)
def test_a_damaged_file_is_set_aside_and_never_believed(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    cache = Cache(tmp_path / "cache", Time())
    questions = [f"q{n}" for n in range(500)]
    rows = [Kept(question, 200, '"false"', NOON) for question in questions]
    cache.keep(BASE, rows, 3600)
    cache.close()
    damage(cache.path)
    cache.path.chmod(0o600)
    assert cache.find(BASE, questions) == {}
    assert "is damaged" in caplog.text
    aside = [
        path.name for path in cache.path.parent.iterdir() if "damaged" in path.name
    ]
    assert aside
    _put(cache, "x")
    cache.close()
    assert Cache(tmp_path / "cache", Time()).find(BASE, ["x"]).keys() == {"x"}


def test_an_answer_is_kept_though_the_file_was_damaged(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", Time())
    _put(cache, "x")
    cache.close()
    _garbage(cache.path)
    _put(cache, "y")
    assert cache.find(BASE, ["x", "y"]).keys() == {"y"}


def test_answers_of_the_future_do_not_count(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", Time())
    row = Kept("x", 200, "true", NOON + timedelta(days=400))
    cache.keep(BASE, [row], 3600)
    assert cache.find(BASE, ["x"]) == {}


# -- many at once ------------------------------------------------------------------

_CHILD = """
import sys
from pathlib import Path
from reverify.services.clock import SystemClock
from reverify.services.software_heritage.cache import Cache, Kept

cache, name = Cache(Path(sys.argv[1]), SystemClock()), sys.argv[2]
for number in range(100):
    question = f"{name}-{number}"
    cache.keep("b", [Kept(question, 200, "true", SystemClock().now())], None)
    assert question in cache.find("b", [question])
print("done")
"""


def test_many_processes_keep_answers_in_one_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_CHILD), str(tmp_path / "cache")]
    children = [
        subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE) for n in range(4)
    ]
    assert [child.communicate()[0] for child in children] == [b"done\n"] * 4
    cache = Cache(tmp_path / "cache", Time())
    questions = [f"{name}-{number}" for name in range(4) for number in range(100)]
    assert len(cache.find("b", questions)) == 400


_ASKER = """
import sys
from pathlib import Path
from reverify.services import Http, SystemClock
from reverify.services.software_heritage import Archive, Cache

clock = SystemClock()
cache = Cache(Path(sys.argv[2]), clock)
archive = Archive(Http(allow_private=True), base=sys.argv[1], cache=cache, clock=clock)
archive.known(f"swh:1:cnt:{number:040x}" for number in range(20_000))
"""


def test_a_run_that_was_killed_repeats_nothing_that_was_answered(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    folder = tmp_path / "cache"
    command = [sys.executable, "-c", _ASKER, swh_double.base, str(folder)]
    child = subprocess.Popen(command)
    while swh_double.count("/known/") < 8:
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    first = swh_double.count("/known/")
    assert first < 20, "it was killed too late to tell"
    subprocess.run(command, check=True)
    bodies = [asked.body for asked in swh_double.asked]
    # The one that was under way when it was killed may have to be asked again.
    assert len(bodies) - len(set(bodies)) <= 1
    assert 20 <= len(bodies) <= 21
    shutil.rmtree(folder)
