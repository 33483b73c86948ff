"""How surroundings differ from those that were recorded."""

from collections.abc import Iterator

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reverify.model.rerun import Departure, Package, Surroundings
from reverify.rerun.environments.asis import spelled

_PLATFORM = {
    "system": "operating system",
    "release": "release of the operating system",
    "machine": "architecture",
    "locale": "locale",
    "time_zone": "time zone",
}
_ALIKE = {"python": "cpython"}


def differences(recorded: Surroundings, now: Surroundings) -> tuple[Departure, ...]:
    """List what is not as it was recorded: interpreter, packages, then the machine.

    What was not recorded, or cannot be told now, is no difference. A package that is
    here and was not there is one only if packages were recorded at all.
    """
    return (
        *_interpreter(recorded, now),
        *_packages(recorded.packages, now.packages),
        *_platform(recorded, now),
        *_container(recorded, now),
    )


def _interpreter(recorded: Surroundings, now: Surroundings) -> Iterator[Departure]:
    if not recorded.interpreter or not now.interpreter:
        return
    names = [
        _ALIKE.get(name.lower(), name.lower())
        for name in (recorded.interpreter, now.interpreter)
    ]
    # A record of 3.11 is as good as met by 3.11.7: it does not say more.
    was, is_ = recorded.version, now.version
    same = not was or not is_ or is_ == was or is_.startswith(f"{was}.")
    if names[0] != names[1] or not same:
        told = [
            f"{each.interpreter} {each.version}".strip() for each in (recorded, now)
        ]
        yield Departure("interpreter", *told)


def _packages(
    recorded: tuple[Package, ...], now: tuple[Package, ...]
) -> Iterator[Departure]:
    if not recorded or not now:
        return
    was = {canonicalize_name(each.name): each for each in recorded}
    is_ = {canonicalize_name(each.name): each for each in now}
    for name in sorted({*was, *is_}):
        old, new = was.get(name), is_.get(name)
        if old is None or new is None:
            told = [each and (each.version or "some version") for each in (old, new)]
            yield Departure(f"package {name}", told[0] or "", told[1] or "")
        elif old.version and new.version and not _is_same(old.version, new.version):
            yield Departure(f"package {name}", old.version, new.version)


def _is_same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _platform(recorded: Surroundings, now: Surroundings) -> Iterator[Departure]:
    for key, name in _PLATFORM.items():
        was, is_ = recorded.platform.get(key, ""), now.platform.get(key, "")
        same = spelled(was) == spelled(is_) if key == "locale" else was == is_
        if was and is_ and not same:
            yield Departure(name, was, is_)


def _container(recorded: Surroundings, now: Surroundings) -> Iterator[Departure]:
    if recorded.container != now.container and recorded.container:
        yield Departure("container", recorded.container, now.container)
