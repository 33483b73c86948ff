"""What a manifest does not say, though its crate has to.

Some things only the author of a capsule knows, and they are never made up. Who exports
without them is told which key to add, before a check tells.
"""

from collections.abc import Iterator

from reverify.capsules.mapping.keeping import kept_of
from reverify.capsules.mapping.run import tells_of_a_run
from reverify.capsules.mapping.terms import is_url
from reverify.model.capsule import Manifest

_SHA1_DIGITS = 40
_SHOWN = 20
_RUN = {
    "command": 'the command, as a list: ["python3", "sum.py"]',
    "started": "when it began, with a time zone",
    "ended": "when it was over, with a time zone",
}


def lacking(manifest: Manifest, ro_crate: str) -> tuple[str, ...]:
    """What to add to a manifest, so that its crate says all that it has to.

    Args:
        manifest: of the capsule.
        ro_crate: the version of RO-Crate that is written.

    Returns:
        one sentence each, the key in front as a JSON pointer: first that for want of
        which a check refutes the crate, then that without which the crate does not
        claim the capsule profile. Empty if nothing is missing, or if an earlier crate
        of the capsule is said again. What a crate only should say is not told.

    Source: RO-Crate 1.1 to 1.3, "Direct properties of the Root Data Entity"; 1.2 and
    1.3, "Representing Software"; our capsule profile, its MUSTs.
    """
    if kept_of(manifest) is not None:
        return ()  # an earlier crate may have said it in words of its own
    files = list(_files(manifest))
    if len(files) > _SHOWN:
        files[_SHOWN:] = [f"and {len(files) - _SHOWN:,} more files likewise"]
    refuted, unclaimed = _code(manifest, ro_crate)
    return (*_licence(manifest), *refuted, *_run(manifest), *unclaimed, *files)


def _licence(manifest: Manifest) -> Iterator[str]:
    if not manifest.document.get("license"):
        yield _refuted("/license", "the licence, as an SPDX id: CC-BY-4.0")


def _run(manifest: Manifest) -> Iterator[str]:
    run = manifest.part("run")
    for key, what in _RUN.items():
        if not run.get(key):
            yield _unclaimed(f"/run/{key}", what)


def _code(manifest: Manifest, ro_crate: str) -> tuple[list[str], list[str]]:
    code = manifest.part("code")
    if code.get("files"):
        return [], []
    commit, tree = code.get("git_commit"), code.get("git_tree_hash")
    links = (code.get("repository"), code.get("swh_origin_url"))
    has_swhid = any(hex and len(hex) == _SHA1_DIGITS for hex in (commit, tree))
    has_address = has_swhid or any(link and is_url(link) for link in links)
    is_software = ro_crate != "1.1" and tells_of_a_run(dict(manifest.document))
    what = "the commit that was run, or files of the code under /code/files"
    if is_software and not (commit or code.get("version")):
        return [_refuted("/code/git_commit", what)], []
    if is_software and not has_address:
        where = "where the code is on the web, or files of it under /code/files"
        return [_refuted("/code/repository", where)], []
    if not commit and not has_swhid:
        return [], [_unclaimed("/code/git_commit", what)]
    return [], []


def _files(manifest: Manifest) -> Iterator[str]:
    """Files that are not kept: of the others, size and digest are measured."""
    for file in manifest.files():
        wanted = [key for key in ("size", "sha256") if file.record.get(key) is None]
        if file.path is None and wanted:
            keys = " and ".join(wanted)
            yield _unclaimed(f"{file.pointer}/{wanted[0]}", f"{keys} of {file.url}")


def _refuted(pointer: str, what: str) -> str:
    return f"{pointer} is missing, and a check will refute the crate for it; add {what}"


def _unclaimed(pointer: str, what: str) -> str:
    return (
        f"{pointer} is missing, so the crate does not claim the capsule profile; add"
        f" {what}"
    )
