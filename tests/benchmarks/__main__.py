"""Measure reverify beside its peers, in turn, on inputs made here.

Whole processes are timed from outside, A B A B, after one warm-up of each. What counts
is the median of the ratios, pair by pair: machines differ and are noisy. Memory is the
largest resident size of any one process.

`python -m tests.benchmarks` runs all; `python -m tests.benchmarks bag zip` some;
`--small` makes the inputs small, to see that everything works.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
REVERIFY = str(BIN / "reverify")
PAIRS = 5
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Race:
    """Two commands that do the same work, and how much slower ours may be."""

    name: str
    what: str
    ours: list[str]
    peer: str
    most: float
    codes: tuple[int, ...] = (0,)


def document(files: dict[str, tuple[int, str]]) -> str:
    """A metadata document for files of known size and sha256."""
    entities: list[dict[str, object]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "benchmark",
            "description": "made to be measured",
            "datePublished": "2026-01-31",
            "license": "CC0-1.0",
            "hasPart": [{"@id": name} for name in files],
        },
    ]
    entities += [
        {
            "@id": name,
            "@type": "File",
            "name": name,
            "contentSize": str(size),
            "sha256": digest,
        }
        for name, (size, digest) in files.items()
    ]
    context = "https://w3id.org/ro/crate/1.2/context"
    return json.dumps({"@context": context, "@graph": entities})


def large(folder: Path, *, small: bool) -> Race:
    """Fixity of 4 files of 1 GiB, beside sha256sum in two processes."""
    blocks = 1 if small else 64
    bulk = random.Random(1).randbytes(16 * MIB)
    files = {}
    for index in range(4):
        digest = hashlib.sha256()
        with (folder / f"f{index}.bin").open("wb") as stream:
            for turn in range(blocks):
                block = bytes([index, turn]) + bulk
                stream.write(block)
                digest.update(block)
        files[f"f{index}.bin"] = (blocks * (len(bulk) + 2), digest.hexdigest())
    (folder / "ro-crate-metadata.json").write_text(document(files))
    names = " ".join(str(folder / name) for name in files)
    return Race(
        "large",
        "fixity of 4 files of 1 GiB / `xargs -P2 sha256sum`",
        [REVERIFY, "check", "--offline", "--only", "fixity", str(folder)],
        f"echo {names} | xargs -n1 -P2 sha256sum",
        1.15,
    )


def bag(folder: Path, *, small: bool) -> Race:
    """A bag of 50,000 files of 4 KiB, beside bagit.py in two processes."""
    count = 1000 if small else 50_000
    source = random.Random(2)
    for index in range(count):
        target = folder / f"d{index // 500:03d}"
        target.mkdir(exist_ok=True)
        (target / f"f{index:05d}.bin").write_bytes(source.randbytes(4096))
    make = [sys.executable, "-c", "import bagit, sys; bagit.make_bag(sys.argv[1])"]
    subprocess.run([*make, str(folder)], check=True)
    validate = str(BIN / "bagit.py")
    return Race(
        "bag",
        "a bag of 50,000 files of 4 KiB / `bagit.py --validate --processes 2`",
        [REVERIFY, "check", "--offline", str(folder)],
        f"{validate} --validate --processes 2 --quiet {folder}",
        1 / 3,
        (1,),  # it is no crate, which is said
    )


def swhid(folder: Path, *, small: bool) -> Race:
    """The SWHID of a tree of 50,000 files of 4 KiB, beside git's own hashing of it.

    `git add` would write all objects, which is not our work. So git hashes the files
    (`hash-object` without `-w`), and makes the trees from the ids (`write-tree`).
    """
    tree = source_tree(folder, small=small)
    place, names = folder / "git", folder / "names"
    subprocess.run(["git", "init", "-q", "--bare", str(place)], check=True)
    peer = (
        f"cd {tree} && rm -f {place}/index && find . -type f -printf '%P\\n' > {names}"
        f" && git hash-object --no-filters --stdin-paths < {names}"
        f" | paste - {names} | sed 's/^/100644 /'"
        f" | git --git-dir={place} update-index --index-info"
        f" && git --git-dir={place} write-tree --missing-ok"
    )
    ours = [REVERIFY, "swhid", str(tree)]
    see_that_ids_agree(ours, peer)
    what = "the SWHID of 50,000 files of 4 KiB / `git hash-object`, `git write-tree`"
    return Race("swhid", what, ours, peer, 2.0)


def identify(folder: Path, *, small: bool) -> Race:
    """The same tree, beside the archive's own tool."""
    tree = source_tree(folder, small=small)
    peer = f"{BIN / 'swh'} identify --no-filename {tree}"
    ours = [REVERIFY, "swhid", str(tree)]
    see_that_ids_agree(ours, peer)
    what = "the SWHID of 50,000 files of 4 KiB / `swh identify`"
    return Race("identify", what, ours, peer, 1.0)


def source_tree(folder: Path, *, small: bool) -> Path:
    """Folders of 500 files of 4 KiB each."""
    source, tree = random.Random(4), folder / "tree"
    for index in range(1000 if small else 50_000):
        target = tree / f"d{index // 500:03d}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"f{index:05d}.bin").write_bytes(source.randbytes(4096))
    return tree


def see_that_ids_agree(ours: list[str], peer: str) -> None:
    """See that two commands give the same 40 digits."""
    found = {
        re.findall("[0-9a-f]{40}", subprocess.check_output(command, text=True))[0]
        for command in (ours, ["sh", "-c", peer])
    }
    if len(found) != 1:
        raise AssertionError(found)


def zipped(folder: Path, *, small: bool) -> Race:
    """Members of a zip, beside `unzip -p | sha256sum`."""
    words = [f"{n:x}" for n in range(4096)]
    source = random.Random(3)
    text = " ".join(source.choices(words, k=200_000)).encode()
    copies = 4 if small else 256
    archive = folder / "crate.zip"
    files = {}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for index in range(4):
            content = (b"%d" % index + text) * copies
            target.writestr(f"f{index}.txt", content)
            digest = hashlib.sha256(content).hexdigest()
            files[f"f{index}.txt"] = (len(content), digest)
        target.writestr("ro-crate-metadata.json", document(files))
    return Race(
        "zip",
        "members of a zip / `unzip -p | sha256sum`",
        [REVERIFY, "check", "--offline", "--only", "fixity", str(archive)],
        f"unzip -p {archive} | sha256sum",
        1.3,
    )


def help_page(folder: Path, *, small: bool) -> Race:
    """`--help`, beside importing the library that prints it."""
    del folder, small
    return Race(
        "help",
        '`reverify --help` / `python -c "import typer"`',
        [REVERIFY, "--help"],
        f"{sys.executable} -c 'import typer'",
        1.5,
    )


def five_files(folder: Path, *, small: bool) -> Race:
    """A crate of five files, beside the profile engine's own command line.

    The engine keeps contexts in a cache, which is filled beforehand from ours.
    """
    del small
    files = {}
    for index in range(5):
        content = f"file {index}\n".encode()
        (folder / "crate").mkdir(exist_ok=True)
        (folder / "crate" / f"f{index}.txt").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files[f"f{index}.txt"] = (len(content), digest)
    (folder / "crate" / "ro-crate-metadata.json").write_text(document(files))
    fill_cache(folder / "cache")
    validate = f"{BIN / 'rocrate-validator'} validate --offline"
    return Race(
        "five",
        "a crate of five files / `rocrate-validator validate`",
        [REVERIFY, "check", "--offline", str(folder / "crate")],
        f"{validate} --cache-path {folder / 'cache'} {folder / 'crate'}",
        1.0,
    )


def capsule(folder: Path, *, small: bool) -> Path:
    """The folder of a capsule of 1,000 files of 64 KiB, half of it text."""
    source = random.Random(4)
    words = [f"{n:x}" for n in range(4096)]
    outputs = []
    for index in range(100 if small else 1000):
        path = f"d{index // 100}/f{index}.bin"
        data = source.randbytes(1 << 16)
        if index % 2:
            data = " ".join(source.choices(words, k=20_000)).encode()[: 1 << 16]
        target = folder / "capsule" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        outputs.append({"path": path, "size": len(data), "sha256": digest})
    manifest = {
        "schema_version": "1.0",
        "id": "3f1d1c5e-6a52-4e5b-9d0a-0a1b2c3d4e5f",
        "title": "benchmark",
        "status": "completed",
        "created": "2026-01-31T12:00:00Z",
        "outputs": outputs,
    }
    (folder / "capsule" / "capsule.json").write_text(json.dumps(manifest))
    return folder / "capsule"


def export_zip(folder: Path, *, small: bool) -> Race:
    """A capsule to a zip, beside `zip -r`, which takes and compares no digest."""
    made = capsule(folder, small=small)
    target = folder / "ours.zip"
    return Race(
        "export",
        "export of 1,000 files of 64 KiB to a zip / `zip -r`",
        [REVERIFY, "export", str(made), "-o", str(target), "--force"],
        f"sh -c 'rm -f {folder}/theirs.zip; cd {made}; zip -qr {folder}/theirs.zip .'",
        1.5,
    )


def export_folder(folder: Path, *, small: bool) -> Race:
    """A capsule to a directory, beside a copy that is flushed, and its digests."""
    made = capsule(folder, small=small)
    target, copy = folder / "ours", folder / "theirs"
    theirs = f"rm -rf {copy}; cp -r {made} {copy}; sync -f {copy}"
    return Race(
        "export-dir",
        "the same to a directory / `cp -r`, `sync`, `sha256sum`",
        [REVERIFY, "export", str(made), "-o", str(target), "--force"],
        f'sh -c "{theirs}; find {copy} -type f -exec sha256sum {{}} +"',
        2.5,
    )


def fill_cache(path: Path) -> None:
    """Put the bundled contexts where the engine looks for them when offline."""
    code = (
        "import json, sys, responses, requests_cache\n"
        "from reverify.crates.contexts import OFFICIAL, terms_of\n"
        "session = requests_cache.CachedSession(sys.argv[1], expire_after=-1)\n"
        "with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:\n"
        "    for url, name in OFFICIAL.items():\n"
        "        body = json.dumps({'@context': dict(terms_of(name))})\n"
        "        mock.get(url, body=body, content_type='application/ld+json')\n"
        "        session.get(url)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


RACES: dict[str, Callable[..., Race]] = {
    "large": large,
    "bag": bag,
    "zip": zipped,
    "swhid": swhid,
    "identify": identify,
    "help": help_page,
    "five": five_files,
    "export": export_zip,
    "export-dir": export_folder,
}


def timed(command: list[str]) -> tuple[float, int, int]:
    """Run a command.

    Returns:
        wall seconds, peak memory in MiB of its largest process, exit code.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    return seconds, usage.ru_maxrss // 1024, os.waitstatus_to_exitcode(status)


def run(race: Race, pairs: int) -> Iterator[str]:
    """Run a race, and give its row."""
    peer = ["sh", "-c", f"exec {race.peer}" if "|" not in race.peer else race.peer]
    timed(race.ours)
    timed(peer)
    ratios, ours, theirs, peak = [], [], [], 0
    for _ in range(pairs):
        mine, memory, code = timed(race.ours)
        other, _, other_code = timed(peer)
        if code not in race.codes or other_code:
            yield f"{race.name}: exit {code} and {other_code}: nothing was measured"
            return
        ratios.append(mine / other)
        ours.append(mine)
        theirs.append(other)
        peak = max(peak, memory)
    ratio = statistics.median(ratios)
    verdict = "yes" if ratio <= race.most else "NO"
    yield (
        f"| {race.what} | {ratio:.2f} | {race.most:.2f} | {verdict} |"
        f" {min(ours):.2f} / {min(theirs):.2f} s | {peak} MiB |"
    )


def main() -> None:
    """Run the races that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RACES)}")
    parser.add_argument("--small", action="store_true", help="small inputs")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    print("| ours / peer | median ratio | at most | met | best | our peak |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in options.names or RACES:
        folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        try:
            # Made in another process: what ours holds counts as memory of its children.
            with ProcessPoolExecutor(1) as pool:
                race = pool.submit(RACES[name], folder, small=options.small).result()
            os.sync()
            for row in run(race, options.pairs):
                print(row, flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
