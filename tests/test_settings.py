"""Settings: flag, REVERIFY_*, the project's file, the user's, the defaults."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from reverify.cli import _run
from reverify.errors import UsageError
from reverify.model.outcome import ClaimKind, Level
from reverify.settings import (
    NAMES,
    TOLD,
    Settings,
    load_settings,
    read_duration,
    read_size,
)

from tests.fakes import file, write_crate


class House:
    """A folder where the user stands, and one for the user's own file."""

    def __init__(self, base: Path) -> None:
        self.here, self.user = base / "here", base / "user"
        self.here.mkdir()
        self.user.mkdir()

    def load(
        self,
        flags: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        return load_settings(
            flags, environ=environ or {}, folder=self.here, user_folder=self.user
        )

    def project(self, text: str, name: str = "reverify.toml") -> Path:
        path = self.here / name
        path.write_text(text, encoding="utf-8")
        return path

    def own(self, text: str) -> Path:
        path = self.user / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# -- which place counts ------------------------------------------------------------


def test_without_anything_the_defaults_hold(house: House) -> None:
    settings = house.load()
    assert (settings.offline, settings.require, settings.format) == (
        False,
        None,
        ("text",),
    )
    assert settings.kinds == frozenset(ClaimKind)
    assert set(settings.origins.values()) == {"default"}


def test_the_users_file_goes_before_the_default(house: House) -> None:
    path = house.own("jobs = 3")
    settings = house.load()
    assert (settings.jobs, settings.origins["jobs"]) == (3, str(path))


def test_the_projects_file_goes_before_the_users(house: House) -> None:
    house.own("jobs = 3\nstrict = true")
    path = house.project("jobs = 4")
    settings = house.load()
    assert (settings.jobs, settings.strict) == (4, True)
    assert settings.origins["jobs"] == str(path)


def test_the_environment_goes_before_the_projects_file(house: House) -> None:
    house.project("jobs = 4")
    settings = house.load(environ={"REVERIFY_JOBS": "5"})
    assert (settings.jobs, settings.origins["jobs"]) == (5, "environment")


def test_a_flag_goes_before_the_environment(house: House) -> None:
    settings = house.load({"jobs": 6}, {"REVERIFY_JOBS": "5"})
    assert (settings.jobs, settings.origins["jobs"]) == (6, "command line")


def test_a_flag_that_is_not_given_hides_nothing(house: House) -> None:
    assert house.load({"jobs": None}, {"REVERIFY_JOBS": "5"}).jobs == 5


def test_false_in_a_stronger_place_goes_before_true_in_a_weaker(house: House) -> None:
    house.project("offline = true")
    assert not house.load(environ={"REVERIFY_OFFLINE": "0"}).offline


def test_pyproject_has_a_table_for_it(house: House) -> None:
    path = house.project("[tool.reverify]\njobs = 4\n", "pyproject.toml")
    settings = house.load()
    assert (settings.jobs, settings.origins["jobs"]) == (
        4,
        f"{path} [tool.reverify]",
    )


def test_reverify_toml_goes_instead_of_pyproject(house: House) -> None:
    house.project("[tool.reverify]\nstrict = true\n", "pyproject.toml")
    house.project("jobs = 4")
    assert not house.load().strict


@pytest.mark.parametrize("text", ["[project]\nname = 'x'", "tool = 1", "[tool.x]\ny=1"])
def test_a_pyproject_of_others_says_nothing(house: House, text: str) -> None:
    house.project(text, "pyproject.toml")
    assert house.load() == house.load()


def test_a_table_that_is_none_is_an_error(house: House) -> None:
    house.project("[tool]\nreverify = 1", "pyproject.toml")
    with pytest.raises(UsageError, match="table"):
        house.load()


def test_settings_in_a_crate_say_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = write_crate(house.here / "crate", file("a"), files={"a": b"1"})
    (crate / "reverify.toml").write_text("nonsense = 1")
    (crate / "pyproject.toml").write_text("[tool.reverify]\nnonsense = 1")
    monkeypatch.chdir(house.here)
    arguments = ["check", "--offline", "--skip", "conformance", "-qq", "crate"]
    assert _run(arguments) == 0


@pytest.mark.parametrize("spelled", ["max-bytes", "max_bytes"])
@pytest.mark.parametrize("table", ["", "[tool.reverify]\n"])
def test_keys_are_written_with_a_dash_or_a_line(
    house: House, spelled: str, table: str
) -> None:
    name = "pyproject.toml" if table else "reverify.toml"
    house.project(f"{table}{spelled} = '2kB'", name)
    assert house.load().max_bytes == 2000


# -- what is wrong -----------------------------------------------------------------


def test_an_unknown_key_is_an_error_with_a_suggestion(house: House) -> None:
    path = house.project("ofline = true")
    with pytest.raises(UsageError) as caught:
        house.load()
    assert str(caught.value) == (
        f"{path}: there is no setting 'ofline'; did you mean offline?"
    )


def test_a_key_like_no_other_is_an_error(house: House) -> None:
    house.own("xyzzy = true")
    with pytest.raises(UsageError, match=r"no setting 'xyzzy'$"):
        house.load()


def test_a_variable_that_is_nearly_ours_is_an_error_with_a_suggestion(
    house: House,
) -> None:
    with pytest.raises(UsageError, match="did you mean REVERIFY_OFFLINE"):
        house.load(environ={"REVERIFY_OFF_LINE": "1"})


def test_variables_of_other_commands_are_let_be(house: House) -> None:
    assert house.load(environ={"REVERIFY_TOKEN": "x"}).format == ("text",)


# -- where code is looked for ------------------------------------------------------


def test_mirrors_are_listed_with_commas_between(house: House) -> None:
    text = "https://a.example/=file:///srv/a/, https://b.example/=https://c.example/"
    settings = house.load(environ={"REVERIFY_GIT_MIRRORS": text})
    assert settings.git_mirrors == tuple(text.split(", "))


def test_a_mirror_that_makes_no_sense_is_an_error(house: House) -> None:
    with pytest.raises(
        UsageError, match=r"environment: git-mirrors: .*=file:///FOLDER"
    ):
        house.load(environ={"REVERIFY_GIT_MIRRORS": "/srv/mirrors"})


def test_sources_and_clones_may_be_several(house: House) -> None:
    house.own('source = ["../code", "https://a.example/b,c"]\ngit-clones = "x,y"')
    settings = house.load()
    assert settings.source == ("../code", "https://a.example/b,c")
    assert settings.git_clones == (Path("x"), Path("y"))


@pytest.mark.parametrize(
    "text",
    [
        "use-git-credentials = true",
        'git-mirrors = ["https://a.example/=https://b.example/"]',
        'source = "https://b.example/a"',
    ],
)
def test_a_project_does_not_say_where_credentials_go(house: House, text: str) -> None:
    house.project(text)
    environ = {"REVERIFY_USE_GIT_CREDENTIALS": "1"}
    if text.startswith("use"):
        environ = {}
    with pytest.raises(UsageError, match="where your credentials would go"):
        house.load(environ=environ).git_credentials()


def test_credentials_are_used_if_the_user_says_so(house: House) -> None:
    assert not house.load().git_credentials()
    settings = house.load(environ={"REVERIFY_USE_GIT_CREDENTIALS": "1"})
    assert settings.git_credentials()


def test_a_variable_like_none_of_ours_is_let_be(house: House) -> None:
    assert house.load(environ={"REVERIFY_TEST_SECRET": "x"}).format == ("text",)


def test_an_unknown_option_of_the_function_is_an_error(house: House) -> None:
    with pytest.raises(UsageError, match="did you mean offline"):
        house.load({"off_line": True})


def test_a_file_that_is_no_toml_is_an_error(house: House) -> None:
    path = house.project("offline =")
    with pytest.raises(UsageError, match=f"{path}: cannot be read"):
        house.load()


@pytest.mark.parametrize(
    "text",
    [
        "offline = 'maybe'",
        "jobs = 0",
        "jobs = -1",
        "jobs = 'many'",
        "jobs = '²'",
        "jobs = 2.5",
        "max-bytes = 'lots'",
        "max-bytes = -1",
        "max-time = '5 minutes'",
        "require = 'perfect'",
        "only = ['fixety']",
        "skip = 'everything'",
        "offline = []",
        "jobs = {a = 1}",
        "format = [1, {}]",
    ],
)
def test_a_value_that_makes_no_sense_is_an_error(house: House, text: str) -> None:
    house.project(text)
    with pytest.raises(UsageError, match=text.partition(" ")[0]):
        house.load()


@pytest.mark.parametrize(
    ("text", "near"),
    [("require = 'intakt'", "intact"), ("only = 'fixety'", "fixity")],
)
def test_a_value_that_is_nearly_right_has_a_suggestion(
    house: House, text: str, near: str
) -> None:
    house.project(text)
    with pytest.raises(UsageError, match=f"did you mean {near}"):
        house.load()


# -- how values are read -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500000", 500_000),
        ("1b", 1),
        ("500kB", 500_000),
        ("2GB", 2_000_000_000),
        ("2 gb", 2_000_000_000),
        ("1.5GiB", 1_610_612_736),
        ("1KiB", 1024),
        ("3MB", 3_000_000),
        ("1TB", 10**12),
        (" 7 ", 7),
    ],
)
def test_a_size_is_a_number_with_or_without_a_unit(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1,5GB", "2 gigabytes", "1e3", "²"])
def test_other_text_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        read_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("0.5", 0.5), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400)],
)
def test_a_duration_is_a_number_with_or_without_a_unit(
    text: str, seconds: float
) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5m", "5 min", "1:30", "inf", "nan"])
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        read_duration(text)


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "yes", "on"])
def test_many_words_mean_yes(house: House, word: str) -> None:
    assert house.load(environ={"REVERIFY_OFFLINE": word}).offline


@pytest.mark.parametrize("word", ["0", "false", "No", "off", ""])
def test_many_words_mean_no(house: House, word: str) -> None:
    assert not house.load(environ={"REVERIFY_OFFLINE": word}).offline


def test_kinds_are_read_from_a_list_and_from_commas(house: House) -> None:
    house.project("skip = ['source', 'archival']")
    settings = house.load({"only": ["fixity,source"]})
    assert settings.only == (ClaimKind.FIXITY, ClaimKind.SOURCE)
    assert settings.kinds == {ClaimKind.FIXITY}


def test_a_level_is_read(house: House) -> None:
    assert house.load({"require": "intact"}).require is Level.INTACT


def test_a_comma_in_the_name_of_a_file_is_no_separator(house: House) -> None:
    settings = house.load({"format": ("json=a,b.json", "text")})
    assert settings.format == ("json=a,b.json", "text")


def test_the_environment_lists_formats_with_commas(house: House) -> None:
    settings = house.load(environ={"REVERIFY_FORMAT": "text,json=report.json"})
    assert settings.format == ("text", "json=report.json")


def test_every_setting_is_read_by_someone() -> None:
    defaults = {f.name for f in dataclasses.fields(Settings)} - {"origins"}
    assert set(NAMES) == defaults
    for name in NAMES:
        load_settings({name: None}, environ={})


# -- the archive -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "archive.example", "ftp://a.example/", "https://u@a.example/", "https://a/?x"],
)
def test_the_base_of_the_archive_is_a_plain_address(house: House, text: str) -> None:
    with pytest.raises(UsageError, match="is no base of an API"):
        house.load(environ={"REVERIFY_SWH_URL": text})


def test_the_base_of_the_archive_ends_in_a_slash(house: House) -> None:
    settings = house.load(environ={"REVERIFY_SWH_URL": "https://swh.example/api/1"})
    assert settings.swh_url == "https://swh.example/api/1/"


def test_a_token_is_shown_nowhere(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = house.load(environ={"REVERIFY_SWH_TOKEN": "abc.def-1"})
    assert settings.archive_token() == "abc.def-1"
    assert "abc.def" not in repr(settings)
    monkeypatch.chdir(house.here)
    monkeypatch.setenv("REVERIFY_SWH_TOKEN", "abc.def-1")
    assert _run(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["swh_token"]["value"] == "***"


def test_a_token_is_read_from_a_file_of_ones_own(house: House) -> None:
    path = house.user / "token"
    path.write_text("abc.def-1\n")
    path.chmod(0o600)
    settings = house.load(environ={"REVERIFY_SWH_TOKEN": f"@{path}"})
    assert settings.archive_token() == "abc.def-1"
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        settings.archive_token()
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        settings.archive_token()


def test_what_is_no_token_is_not_repeated(house: House) -> None:
    settings = house.load(environ={"REVERIFY_SWH_TOKEN": "se cret\r\nX: y"})
    with pytest.raises(UsageError) as caught:
        settings.archive_token()
    assert "se cret" not in str(caught.value)


def test_a_token_goes_nowhere_that_a_projects_file_alone_names(house: House) -> None:
    house.project("swh-url = 'https://evil.example/'")
    settings = house.load(environ={"REVERIFY_SWH_TOKEN": "abc"})
    with pytest.raises(UsageError, match="where your token would go"):
        settings.archive_token()
    house.project("swh-url = 'https://swh.example/'\nswh-token = 'abc'")
    assert house.load().archive_token() == "abc"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://swh.example/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://swh.example/", False),
        ("http://127.0.0.1.evil.example/", False),
    ],
)
def test_a_token_is_not_sent_in_the_open(house: House, url: str, *, sent: bool) -> None:
    found = {"REVERIFY_SWH_TOKEN": "abc", "REVERIFY_SWH_URL": url}
    settings = house.load(environ=found)
    if sent:
        assert settings.archive_token() == "abc"
    else:
        with pytest.raises(UsageError, match="by https only"):
            settings.archive_token()


# -- who is told -------------------------------------------------------------------


def test_the_address_of_a_mail_server_is_shown_nowhere(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "smtp://me:pass%20word@mail.example:587"
    settings = house.load(environ={"REVERIFY_SMTP_URL": url})
    assert settings.mail_server() == url
    assert "pass" not in repr(settings)
    monkeypatch.chdir(house.here)
    monkeypatch.setenv("REVERIFY_SMTP_URL", url)
    monkeypatch.setenv("REVERIFY_NOTIFY_SECRET", "whsec_abc")
    assert _run(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["smtp_url"]["value"] == shown["notify_secret"]["value"] == "***"


def test_the_address_of_a_mail_server_is_read_from_a_file(house: House) -> None:
    path = house.user / "smtp"
    path.write_text("smtps://me:secret@mail.example\n")
    path.chmod(0o600)
    settings = house.load(environ={"REVERIFY_SMTP_URL": f"@{path}"})
    assert settings.mail_server() == "smtps://me:secret@mail.example"
    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        settings.mail_server()


@pytest.mark.parametrize("text", ["smtp://a b", "smtp://a\nb", "smtp://ä"])
def test_what_is_no_address_of_a_server_is_not_repeated(
    house: House, text: str
) -> None:
    settings = house.load(environ={"REVERIFY_SMTP_URL": text})
    with pytest.raises(UsageError, match="one word of ASCII") as caught:
        settings.mail_server()
    assert text not in str(caught.value)


@pytest.mark.parametrize("name", ["reverify.toml", "pyproject.toml"])
def test_a_projects_file_does_not_say_where_mail_goes(house: House, name: str) -> None:
    table = "" if name == "reverify.toml" else "[tool.reverify]\n"
    house.project(f"{table}smtp-url = 'smtp://10.0.0.1'", name)
    with pytest.raises(UsageError, match="where your mail would go"):
        house.load().mail_server()
    own = {"REVERIFY_SMTP_URL": "smtp://mail.example"}
    assert house.load(environ=own).mail_server() == "smtp://mail.example"


def test_the_users_own_file_says_where_mail_goes(house: House) -> None:
    house.own("smtp-url = 'smtp://mail.example'")
    assert house.load().mail_server() == "smtp://mail.example"


@pytest.mark.parametrize(
    "text",
    [
        *"a a@ @b a@b@c a@b,c@d a@-b ä@b a..b@c .a@b a%c@b a@[127.0.0.1]".split(),
        *("a b@c", "a@b\n", "A <a@b>", '"a"@b', f"{'a' * 300}@b"),
    ],
)
def test_mail_comes_from_a_plain_address(house: House, text: str) -> None:
    with pytest.raises(UsageError, match="is no address of mail"):
        house.load(environ={"REVERIFY_MAIL_FROM": text})


def test_what_an_audit_tells_a_program_is_no_setting(house: House) -> None:
    told = {f"REVERIFY_{name}": "x" for name in TOLD}
    assert house.load(environ=told) == house.load()


# -- reverify config ---------------------------------------------------------------


def test_config_shows_values_and_where_they_came_from(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = house.project("jobs = 4\nrequire = 'intact'\nonly = ['fixity']")
    monkeypatch.chdir(house.here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(house.user))
    monkeypatch.setenv("REVERIFY_STRICT", "1")
    assert _run(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["jobs"] == {"value": 4, "origin": str(path)}
    assert shown["require"]["value"] == "intact"
    assert shown["only"]["value"] == ["fixity"]
    assert shown["strict"] == {"value": True, "origin": "environment"}
    assert shown["offline"] == {"value": False, "origin": "default"}
    assert list(shown) == list(NAMES)


def test_config_shows_no_password(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house.here)
    monkeypatch.setenv("REVERIFY_DB", "postgresql://ada:se:c@ret@db.example.org/caps")
    assert _run(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["db"]["value"] == "postgresql://ada:***@db.example.org/caps"


def test_a_database_is_sqlite_or_postgresql(house: House) -> None:
    with pytest.raises(
        UsageError, match=r"environment: db: 'mysql://x' is no database"
    ):
        house.load(environ={"REVERIFY_DB": "mysql://x"})


def test_the_database_of_scidex_is_found_by_its_own_variables(house: House) -> None:
    scidex = {"SCIDEX_DB_BACKEND": "postgres"}
    assert house.load(environ=scidex).db == "postgresql://"
    ours = {"REVERIFY_DB": "sqlite:////srv/capsules.sqlite"}
    assert house.load(environ=scidex | ours).db == ours["REVERIFY_DB"]


def test_config_is_for_people_too(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.project("max-bytes = '2GB'")
    monkeypatch.chdir(house.here)
    assert _run(["config"]) == 0
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if "max-bytes" in line
    ]
    assert line.split() == [
        "max-bytes",
        "2000000000",
        str(house.here / "reverify.toml"),
    ]


def test_config_of_a_broken_file_is_a_usage_error(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.project("ofline = true")
    monkeypatch.chdir(house.here)
    assert _run(["config"]) == 2
    assert "did you mean offline?" in capsys.readouterr().err
