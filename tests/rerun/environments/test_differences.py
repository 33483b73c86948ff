"""What is not as it was recorded."""

from reverify.model.rerun import Departure, Package, Surroundings
from reverify.rerun.environments import differences

NOW = Surroundings(
    interpreter="CPython",
    version="3.11.7",
    packages=(Package("numpy", "2.0.0"), Package("Typing_Extensions", "4.1")),
    platform={
        "system": "Linux",
        "release": "6.1",
        "machine": "x86_64",
        "locale": "C.UTF-8",
        "time_zone": "UTC",
    },
)


def test_all_that_differs_is_listed_in_order() -> None:
    recorded = Surroundings(
        interpreter="CPython",
        version="3.10.4",
        packages=(Package("NumPy", "1.26.4"), Package("pandas", "2.1")),
        platform={
            "system": "Darwin",
            "release": "23",
            "machine": "arm64",
            "locale": "de_DE.UTF-8",
            "time_zone": "Europe/Berlin",
        },
        container="docker.io/x@sha256:0",
    )
    assert [each.describe() for each in differences(recorded, NOW)] == [
        "interpreter: was CPython 3.10.4, is CPython 3.11.7",
        "package numpy: was 1.26.4, is 2.0.0",
        "package pandas: was 2.1, and is not there",
        "package typing-extensions: 4.1, and was not there",
        "operating system: was Darwin, is Linux",
        "release of the operating system: was 23, is 6.1",
        "architecture: was arm64, is x86_64",
        "locale: was de_DE.UTF-8, is C.UTF-8",
        "time zone: was Europe/Berlin, is UTC",
        "container: was docker.io/x@sha256:0, and is not there",
    ]


def test_what_is_the_same_in_another_spelling_is_no_difference() -> None:
    recorded = Surroundings(
        interpreter="Python",
        version="3.11",
        packages=(Package("typing.extensions", "4.1.0"), Package("numpy", "")),
        platform={"locale": "C.utf8", "time_zone": ""},
    )
    assert differences(recorded, NOW) == ()


def test_a_version_that_only_begins_alike_is_a_difference() -> None:
    recorded = Surroundings(interpreter="CPython", version="3.1")
    (found,) = differences(recorded, NOW)
    assert found == Departure("interpreter", "CPython 3.1", "CPython 3.11.7")


def test_what_was_not_recorded_is_no_difference() -> None:
    assert differences(Surroundings(), NOW) == ()
    assert differences(NOW, Surroundings()) == ()


def test_versions_that_are_none_are_compared_as_text() -> None:
    old = Surroundings(packages=(Package("tool", "r12-beta?"),))
    new = Surroundings(packages=(Package("tool", "r13"),))
    assert differences(old, old) == ()
    assert differences(old, new) == (Departure("package tool", "r12-beta?", "r13"),)
