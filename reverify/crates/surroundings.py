"""Surroundings: what a crate says of the machine and the software of a run."""

import re
from collections.abc import Iterator, Sequence

from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.model.rerun import Package, Surroundings

_PLATFORM = "urn:reverify:capsule:platform-"
_LOCK_FILES = re.compile(
    r"requirements.*\.txt|.*\.lock(\.txt)?|pylock.*\.toml|environment\.ya?ml"
)


def read_surroundings(
    crate: Crate, action: Entity, tools: Sequence[Entity]
) -> Surroundings:
    """Read what an action says of where it ran, and its tools of what they needed.

    Source: Process Run Crate 0.5, "containerImage", "softwareRequirements".
    """
    platform: dict[str, str] = {}
    for value in _entities(crate, action, "additionalProperty"):
        name = value.text("propertyID") or ""
        if name.startswith(_PLATFORM):
            platform[name.removeprefix(_PLATFORM)] = value.text("value") or ""
    interpreter = version = lock_file = ""
    packages: list[Package] = []
    for tool in tools:
        for each in _entities(crate, tool, "runtimePlatform"):
            interpreter = interpreter or (each.text("name") or "")
            version = version or _version(each)
        for each in _entities(crate, tool, "softwareRequirements"):
            located = crate.locate(each.id)
            if located.entry is not None and located.path is not None:
                lock_file = lock_file or located.path
            elif called := each.text("name"):
                packages.append(Package(called, _version(each)))
        for each in _entities(crate, tool, "buildInstructions"):
            located = crate.locate(each.id)
            if located.entry is not None and located.path is not None:
                known = _LOCK_FILES.fullmatch(located.path.rpartition("/")[2])
                lock_file = lock_file or (located.path if known else "")
    return Surroundings(
        interpreter=interpreter,
        version=version,
        packages=tuple(packages),
        platform=platform,
        lock_file=lock_file,
        container=_container(crate, action),
    )


def _entities(crate: Crate, entity: Entity, key: str) -> Iterator[Entity]:
    if crate.metadata is not None:
        for id in crate.metadata.references(entity, key):
            if id in crate.metadata.by_id:
                yield crate.metadata.by_id[id]


def _version(entity: Entity) -> str:
    return entity.text("softwareVersion") or entity.text("version") or ""


def _container(crate: Crate, action: Entity) -> str:
    """The image as `registry/name:tag@sha256:HEX`, as much of it as is recorded."""
    for image in _entities(crate, action, "containerImage"):
        name = image.text("name") or ""
        registry, tag = image.text("registry") or "", image.text("tag") or ""
        digest = (image.text("sha256") or "").lower()
        return "".join(
            (
                f"{registry}/" if registry else "",
                name,
                f":{tag}" if tag else "",
                f"@sha256:{digest}" if re.fullmatch("[0-9a-f]{64}", digest) else "",
            )
        )
    return action.text("containerImage") or ""
