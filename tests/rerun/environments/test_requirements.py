"""What lock files may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.errors import LackError
from reverify.rerun.environments.requirements import Pinned, read_requirements

SHA256 = f"sha256:{'a' * 64}"


def test_requirements_are_read_with_hashes_markers_and_comments() -> None:
    text = (
        "# made by a tool\n"
        "--only-binary :all:\n"
        "numpy==1.26.4 ; python_version >= '3.9' \\\n"
        f"    --hash={SHA256} \\\n"
        f"    --hash=sha256:{'b' * 64}\n"
        "    # via pandas\n"
        f"pandas[excel] == 2.0 --hash={SHA256}"
    )
    numpy, pandas = read_requirements("requirements.txt", text)
    assert numpy == Pinned(
        'numpy==1.26.4; python_version >= "3.9"', (SHA256, f"sha256:{'b' * 64}")
    )
    assert pandas.line() == f"pandas[excel]==2.0 --hash={SHA256}"


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://index.example.org/simple",
        "-i https://index.example.org/simple",
        "--extra-index-url=https://index.example.org/simple",
        "--find-links wheels",
        "-r other.txt",
        "-c constraints.txt",
        "-e .",
        "--no-binary :all:",
        "--trusted-host index.example.org",
        "--config-settings x",
        "./rainlib",
        "../rainlib-1.0-py3-none-any.whl",
        "/srv/rainlib",
        "rainlib-1.0-py3-none-any.whl",
        "https://example.org/rainlib-1.0-py3-none-any.whl",
        "git+https://example.org/rainlib.git@main",
        "rainlib @ https://example.org/rainlib-1.0-py3-none-any.whl",
        "rainlib @ git+https://example.org/rainlib.git@0123456",
        "rainlib @ file:///srv/rainlib",
        "rainlib==1.0 --global-option=x",
        "rainlib==1.0 --hash=md5:0123456789abcdef0123456789abcdef",
        "rainlib==1.0 --hash=sha256:abc",
        "rainlib==",
        "${HOME}==1.0",
    ],
)
def test_a_line_that_asks_for_more_than_packages_of_an_index_is_refused(
    line: str,
) -> None:
    with pytest.raises(LackError, match=r"^requirements.txt, line 2: ") as refused:
        read_requirements("requirements.txt", f"six==1.0\n{line}\n")
    assert refused.value.fix


def test_a_line_that_goes_on_is_counted_from_its_beginning() -> None:
    with pytest.raises(LackError, match="line 2: the option --index-url"):
        read_requirements("r.txt", "six==1.0\n--index-url \\\n https://example.org\n")


def test_hashes_are_of_all_packages_or_of_none() -> None:
    with pytest.raises(LackError, match=r"two==2 has no hash"):
        read_requirements("r.txt", f"one==1 --hash={SHA256}\ntwo==2\n")


@pytest.mark.parametrize(
    "name", ["uv.lock", "environment.yml", "poetry.lock", "x.json"]
)
def test_lock_files_of_other_forms_are_refused_by_name(name: str) -> None:
    with pytest.raises(LackError, match=rf"{name} is no file of requirements"):
        read_requirements(f"env/{name}", "")


def test_a_pylock_is_read_with_the_hashes_of_its_wheels() -> None:
    text = f"""
        lock-version = "1.0"
        [[packages]]
        name = "rainlib"
        version = "1.0"
        marker = "python_version >= '3.9'"
        wheels = [{{ name = "x.whl", hashes = {{ sha256 = "{"a" * 64}" }} }}]
    """
    found = read_requirements("pylock.toml", text)
    assert found == (Pinned('rainlib==1.0; python_version >= "3.9"', (SHA256,)),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            '[[packages]]\nname = "a"\nversion = "1"\ndirectory = {path = "."}',
            "no index",
        ),
        ('[[packages]]\nname = "a"\nversion = "1"\nvcs = {type = "git"}', "no index"),
        ('[[packages]]\nname = "a"\nversion = "1"', "no wheel"),
        ('[[packages]]\nname = "a"', "no version"),
        ('[[packages]]\nname = "a"\nversion = "1"\nwheels = [{url = "x"}]', "SHA-256"),
        ("packages", "TOML"),
        ('[[packages]]\nname = "a @ file:///x;"\nversion = "1"', "comes from"),
    ],
)
def test_a_pylock_that_asks_for_more_is_refused(text: str, why: str) -> None:
    with pytest.raises(LackError, match=why):
        read_requirements("pylock.toml", text)


@given(st.text(alphabet=st.sampled_from("ab=1.-@:/ \\\n#[];<>~!\t"), max_size=60))
def test_whatever_is_read_holds_neither_option_nor_address(text: str) -> None:
    try:
        found = read_requirements("requirements.txt", text)
    except LackError:
        return
    for pinned in found:
        assert not pinned.line().startswith("-")
        assert " @ " not in pinned.line()
        assert "\n" not in pinned.line()
        assert "/" not in pinned.line()
