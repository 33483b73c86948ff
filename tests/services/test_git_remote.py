"""Commits are fetched alone, from servers that are willing and from those that are not.

Each test speaks with `git http-backend` on the loopback address.
"""

import base64
import os
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify.services import Http, addresses
from reverify.services.git import (
    Bounds,
    CodeLimits,
    CodeSources,
    Credentials,
    Place,
    PlaceError,
)
from reverify.services.git.origins import read_origin
from reverify.services.git.remote import Look, Remote

from tests.gitrepos import commit, git
from tests.services.git_server import Manner, serving_git
from tests.services.git_setting import (
    FILES,
    NEVER,
    Laboratory,
    blob,
    found,
    not_found,
    undecided,
    whys,
)
from tests.services.servers import Answer, body, redirect, serving

LIMITS = CodeLimits(seconds=20.0)


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    made = Laboratory(tmp_path)
    made.publish()
    return made


# -- what is fetched -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_commit_is_fetched_without_files_and_without_history(
    lab: Laboratory, name: str
) -> None:
    with serving_git(lab.root) as server:
        id = getattr(lab, name)
        answer = found(lab.sources().find(id, origin=f"{server.url}/code.git"))
    with answer.revision as revision:
        assert answer.place is Place.ORIGIN
        assert revision.tree == git(lab.work, "rev-parse", f"{id}^{{tree}}")
        assert set(revision.entries) == set(FILES)
    data = git(lab.work, "rev-parse", f"{id}:data")
    assert set(lab.kept()) == {id, revision.tree, data}


def test_contents_are_fetched_of_the_files_that_are_asked_for(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        answer = found(
            lab.sources().find(
                lab.second, origin=f"{server.url}/code.git", paths=["data/rain.csv"]
            )
        )
    with answer.revision as revision:
        entry = revision.at("data/rain.csv")
        assert entry is not None
        assert revision.objects.blob(entry.id) == FILES["data/rain.csv"]
        assert blob(lab.work, "HEAD", "sum.py") not in lab.kept()


def test_what_is_kept_is_not_fetched_again(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        found(lab.sources().find(lab.second, origin=url)).revision.close()
        before = len(server.requests)
        answer = found(lab.sources().find(lab.second, origin=url))
        answer.revision.close()
        assert len(server.requests) == before
    assert "kept since" in answer.evidence[-1].observed
    answer = found(lab.sources(http=None).find(lab.second, origin=url))
    answer.revision.close()


def test_a_commit_that_is_not_kept_is_not_told_offline(lab: Laboratory) -> None:
    url = "https://example.org/code.git"
    answer = undecided(lab.sources(http=None).find(lab.second, origin=url))
    assert whys(answer) == ["unasked"]


@pytest.mark.parametrize("settings", [("uploadpack.allowFilter=true",), ()])
@pytest.mark.parametrize("name", ["first", "second"])
def test_a_server_that_refuses_bare_hashes_gives_its_branches(
    lab: Laboratory, name: str, settings: tuple[str, ...]
) -> None:
    with serving_git(lab.root, Manner(old=True, settings=settings)) as server:
        id, url = getattr(lab, name), f"{server.url}/code.git"
        answer = found(lab.sources().find(id, origin=url, paths=["sum.py"]))
    with answer.revision as revision:
        entry = revision.at("sum.py")
        assert entry is not None
        said = {"first": b"print(1)\n", "second": b"print(2)\n"}
        assert revision.objects.blob(entry.id) == said[name]


def test_an_older_commit_is_found_after_the_newest_was_fetched_alone(
    lab: Laboratory,
) -> None:
    with serving_git(lab.root, Manner(old=True)) as server:
        url = f"{server.url}/code.git"
        first = lab.sources().find(lab.second, origin=url, paths=["sum.py"])
        found(first).revision.close()
        found(lab.sources().find(lab.first, origin=url)).revision.close()


def test_a_server_that_leaves_nothing_out_will_do(lab: Laboratory) -> None:
    with serving_git(lab.root, Manner(settings=())) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().find(lab.first, origin=url, paths=["sum.py"])
        found(answer).revision.close()


def test_a_server_of_mere_files_will_do(lab: Laboratory) -> None:
    git(lab.root / "code.git", "update-server-info")
    answers = {}
    for path in (lab.root / "code.git").rglob("*"):
        if path.is_file():
            name = f"/code.git/{path.relative_to(lab.root / 'code.git')}"
            answers[name] = _file(path)
    with serving(answers) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().find(lab.first, origin=url, paths=["sum.py"])
        found(answer).revision.close()
        assert whys(not_found(lab.sources().find(NEVER, origin=url))) == ["not-reached"]


def _file(path: Path) -> Answer:
    return body(path.read_bytes())


def test_a_repository_of_sha256_is_read(tmp_path: Path) -> None:
    lab = Laboratory(tmp_path, "--object-format=sha256")
    lab.publish()
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().find(lab.first, origin=url, paths=["sum.py"])
        with found(answer).revision as revision:
            assert revision.algorithm == "sha256"
            assert len(revision.tree) == 64
        assert whys(not_found(lab.sources().find(NEVER, origin=url))) == ["absent"]


def test_a_commit_named_by_the_other_algorithm_is_not_there(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        assert whys(not_found(lab.sources().find("1" * 64, origin=url))) == ["absent"]


def test_a_submodule_is_told_and_not_fetched(lab: Laboratory) -> None:
    git(lab.work, "update-index", "--add", "--cacheinfo", f"160000,{NEVER},lib")
    git(lab.work, "commit", "-q", "-m", "Add a submodule")
    id = git(lab.work, "rev-parse", "HEAD")
    lab.publish("with.git")
    with serving_git(lab.root) as server:
        answer = lab.sources().find(
            id, origin=f"{server.url}/with.git", paths=["lib", "sum.py"]
        )
    with found(answer).revision as revision:
        assert revision.submodules == {"lib": NEVER}


# -- servers that do not have it -------------------------------------------------------


def test_a_server_that_does_not_have_it_is_not_asked_twice(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        sources, url = lab.sources(), f"{server.url}/code.git"
        assert whys(not_found(sources.find(NEVER, origin=url))) == ["absent"]
        before = len(server.requests)
        assert whys(not_found(sources.find(NEVER, origin=url))) == ["absent"]
        assert len(server.requests) == before


def test_a_repository_that_is_gone_is_told(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        answer = lab.sources().find(lab.first, origin=f"{server.url}/gone.git")
    assert whys(not_found(answer)) == ["gone"]


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        (Manner(status=401), "denied"),
        (Manner(status=403), "denied"),
        (Manner(status=500), "unreachable"),
        (Manner(status=429), "unreachable"),
        (Manner(cut=20), "unreachable"),
    ],
)
def test_a_server_that_does_not_tell_refutes_nothing(
    lab: Laboratory, manner: Manner, why: str
) -> None:
    with serving_git(lab.root, manner) as server:
        answer = lab.sources().find(lab.first, origin=f"{server.url}/code.git")
    assert whys(undecided(answer)) == [why]


def test_a_page_in_place_of_a_repository_refutes_nothing(lab: Laboratory) -> None:
    page = b"<html>Log in to this network</html>"
    with serving({"/code.git/info/refs": body(page)}) as server:
        answer = lab.sources().find(lab.first, origin=f"{server.url}/code.git")
    assert whys(undecided(answer)) == ["unreachable"]
    assert "no git server" in answer.evidence[0].observed


def test_a_server_that_nobody_runs_refutes_nothing(lab: Laboratory) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/code.git"
        answer = lab.sources().find(lab.first, origin=url)
    assert whys(undecided(answer)) == ["unreachable"]


def test_what_a_server_says_cannot_command_a_terminal(lab: Laboratory) -> None:
    hook = lab.root / "code.git" / "HEAD"
    hook.write_text("nonsense \x1b[31m\n")
    with serving_git(lab.root) as server:
        answer = lab.sources().find(lab.first, origin=f"{server.url}/code.git")
    assert all(item.observed.isprintable() for item in answer.evidence)


def test_a_server_without_the_contents_of_a_file_refutes_nothing(
    lab: Laboratory,
) -> None:
    bare = lab.root / "code.git"
    _unpack(bare)
    lost = blob(lab.work, "HEAD", "sum.py")
    (bare / "objects" / lost[:2] / lost[2:]).unlink()
    with serving_git(lab.root) as server:
        answer = undecided(
            lab.sources().find(
                lab.second,
                origin=f"{server.url}/code.git",
                paths=["data/rain.csv", "sum.py"],
            )
        )
    assert answer.lacking == ("sum.py",)
    assert whys(answer) == ["incomplete"]
    assert answer.revision is not None
    with answer.revision as revision:
        assert revision.commit == lab.second
        assert not revision.lacking(["data/rain.csv"])


def test_a_server_without_a_tree_refutes_nothing(lab: Laboratory) -> None:
    bare = lab.root / "code.git"
    _unpack(bare)
    lost = git(lab.work, "rev-parse", "HEAD:data")
    (bare / "objects" / lost[:2] / lost[2:]).unlink()
    with serving_git(lab.root) as server:
        answer = lab.sources().find(lab.second, origin=f"{server.url}/code.git")
    undecided(answer)


def _unpack(bare: Path) -> None:
    """Have each object of a repository in a file of its own."""
    packs = list((bare / "objects" / "pack").glob("*.pack"))
    for pack in packs:
        moved = bare / pack.name
        pack.rename(moved)
        for rest in (bare / "objects" / "pack").iterdir():
            rest.unlink()
        subprocess.run(
            ["git", f"--git-dir={bare}", "unpack-objects", "-q"],
            stdin=moved.open("rb"),
            check=True,
        )


# -- limits ----------------------------------------------------------------------------


def test_a_pack_that_is_too_large_is_broken_off(lab: Laboratory) -> None:
    id = commit(lab.work, {"big.bin": os.urandom(4 << 20)}, "Add much")
    lab.publish("big.git")
    limits = CodeLimits(bytes=1 << 20)
    with serving_git(lab.root) as server:
        url = f"{server.url}/big.git"
        sources = lab.sources(limits=limits)
        answer = undecided(sources.find(id, origin=url, paths=["big.bin"]))
    assert answer.lacking == ("big.bin",)
    assert "sends more than 1,048,576 bytes" in answer.evidence[0].observed


def test_a_pack_without_an_end_is_broken_off(lab: Laboratory) -> None:
    limits = CodeLimits(bytes=1 << 20)
    with serving_git(lab.root, Manner(endless=True)) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources(limits=limits).find(lab.first, origin=url)
    assert whys(undecided(answer)) == ["limit"]


def test_a_file_that_grows_too_large_is_stopped(lab: Laboratory) -> None:
    id = commit(lab.work, {"big.bin": os.urandom(4 << 20)}, "Add much")
    lab.publish("big.git")
    bounds = Bounds(file_bytes=1 << 20, seconds=60)
    with serving_git(lab.root, Manner(settings=())) as server:
        url = f"{server.url}/big.git"
        answer = lab.sources(bounds=bounds).find(id, origin=url)
    assert whys(undecided(answer)) == ["limit"]


def test_a_slow_server_is_left_and_nothing_runs_on(lab: Laboratory) -> None:
    limits = CodeLimits(seconds=1.0)
    with serving_git(lab.root, Manner(pause=8.0)) as server:
        url, started = f"{server.url}/code.git", time.monotonic()
        answer = lab.sources(limits=limits).find(lab.first, origin=url)
        assert time.monotonic() - started < 5
    assert whys(undecided(answer)) == ["limit"]
    listed = subprocess.run(
        ["ps", "axo", "args"], capture_output=True, text=True, check=True
    )
    assert url not in listed.stdout


# -- private networks ------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "10.0.0.1"],
)
def test_a_private_address_is_refused(lab: Laboratory, host: str) -> None:
    with serving_git(lab.root) as server:
        port = server.server_address[1]
        sources = lab.sources(http=Http(), allow_private=False)
        answer = sources.find(lab.first, origin=f"https://{host}:{port}/code.git")
        assert whys(undecided(answer)) == ["refused"]
        assert not server.requests


def test_git_itself_is_kept_from_a_name_that_is_bound_anew(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds a public address; what git then asks for is private."""
    with serving_git(lab.root) as server:
        port = server.server_address[1]
        asked: list[str] = []
        really: Callable[..., object] = socket.getaddrinfo

        def resolve(host: str, *args: object, **rest: object) -> object:
            asked.append(host)
            if host != "forge.example":
                return really(host, *args, **rest)
            # The test calls 127.0.0.1 public; afterwards the name is at 127.0.0.2.
            there = "127.0.0.1" if asked.count(host) == 1 else "127.0.0.2"
            return really(there, *args, **rest)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(addresses, "is_public", lambda item: item == "127.0.0.1")
        origin = read_origin(f"http://forge.example:{port}/code.git", plain_http=True)
        remote = Remote(origin, Http(), allow_private=False, limits=LIMITS)
        with pytest.raises(Exception, match=r"127\.0\.0\.2, which is not a public"):
            remote.references()
        assert len(server.requests) == 1


def test_git_reaches_a_name_at_the_address_that_was_looked_at(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git could not resolve this name, and need not."""
    really: Callable[..., object] = socket.getaddrinfo

    def resolve(host: str, *args: object, **rest: object) -> object:
        there = "127.0.0.1" if host == "forge.example" else host
        return really(there, *args, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with serving_git(lab.root) as server:
        url = f"http://forge.example:{server.server_address[1]}/code.git"
        found(lab.sources().find(lab.first, origin=url)).revision.close()


# -- redirects -------------------------------------------------------------------------


def test_a_repository_that_has_moved_is_followed(lab: Laboratory) -> None:
    lab.publish("new.git")
    with serving_git(lab.root, Manner(redirects={"/old.git": "/new.git"})) as server:
        url = f"{server.url}/old.git"
        found(lab.sources().find(lab.first, origin=url)).revision.close()


def test_a_redirect_to_a_private_address_is_refused(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda item: item == "127.0.0.1")
    with serving_git(lab.root) as inside:
        there = f"http://127.0.0.2:{inside.server_address[1]}"
        moved = redirect(f"{there}/code.git/info/refs?service=git-upload-pack")
        with serving({"/code.git/info/refs": moved}) as server:
            origin = read_origin(f"{server.url}/code.git", plain_http=True)
            remote = Remote(origin, Http(), allow_private=False, limits=LIMITS)
            with pytest.raises(Exception, match=r"127\.0\.0\.2, which is not a public"):
                remote.look()
        assert not inside.requests


@pytest.mark.parametrize("there", ["file:///etc/passwd", "ext::id", "ssh://h/a"])
def test_a_redirect_to_something_else_is_refused(lab: Laboratory, there: str) -> None:
    with serving({"/code.git/info/refs": redirect(there)}) as server:
        answer = lab.sources().find(lab.first, origin=f"{server.url}/code.git")
    assert whys(undecided(answer))[0] in {"refused", "unreachable"}


def test_a_server_cannot_send_git_elsewhere_later(lab: Laboratory) -> None:
    """The first look is answered well; what git asks is sent to another server."""
    with serving_git(lab.root) as other:
        sent = {"/code.git/git-upload-pack": f"{other.url}/code.git/git-upload-pack"}
        with serving_git(lab.root, Manner(redirects=sent)) as server:
            answer = lab.sources().find(lab.first, origin=f"{server.url}/code.git")
        assert whys(undecided(answer)) == ["unreachable"]
        assert not other.requests


# -- addresses of crates ---------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "ext::sh -c touch%20pwned",
        "ext::touch",
        "--upload-pack=touch pwned",
        "file:///",
        "ssh://127.0.0.1/code.git",
        "git@127.0.0.1:code.git",
        "https://user:password@example.org/code.git",
        "https://example.org/$HOME/code.git",
        "https://example.org/a%0d%0ab",
    ],
)
def test_a_hostile_address_is_refused(lab: Laboratory, origin: str) -> None:
    answer = lab.sources(allow_private=False).find(lab.first, origin=origin)
    assert whys(undecided(answer)) == ["refused"]
    assert not list(lab.base.rglob("pwned*"))


def test_a_folder_that_a_crate_names_is_not_opened(lab: Laboratory) -> None:
    for origin in (f"file://{lab.work}", str(lab.work)):
        assert whys(undecided(lab.sources().find(lab.first, origin=origin))) == [
            "refused"
        ]


# -- credentials -----------------------------------------------------------------------

PASSWORD = base64.b64encode(b"ada:secret").decode()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose git has a helper that records that it was called."""
    home = tmp_path / "home"
    home.mkdir()
    helper = home / "helper"
    helper.write_text(
        f'#!/bin/sh\necho "$1" >> {home}/called\n'
        '[ "$1" = get ] && printf "username=ada\\npassword=secret\\n"\nexit 0\n'
    )
    helper.chmod(stat.S_IRWXU)
    (home / ".gitconfig").write_text(
        f"[credential]\n\thelper = {helper}\n[core]\n\tsshCommand = touch {home}/ssh\n"
        f'[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1\n'
    )
    return {"HOME": str(home), "PATH": os.environ["PATH"], "http_proxy": "http://x/"}


def _called(environ: dict[str, str]) -> bool:
    return (Path(environ["HOME"]) / "called").exists()


def _with_helper(lab: Laboratory, environ: dict[str, str], *named: str) -> CodeSources:
    return lab.sources(*named, credentials=Credentials(environ))


def test_credentials_go_to_a_server_that_the_user_named(
    lab: Laboratory, environ: dict[str, str]
) -> None:
    with serving_git(lab.root, Manner(password=PASSWORD)) as server:
        url = f"{server.url}/code.git"
        answer = found(_with_helper(lab, environ, url).find(lab.first))
        answer.revision.close()
        assert f"Basic {PASSWORD}" in server.authorizations
    assert answer.place is Place.SOURCE
    assert _called(environ)


def test_credentials_never_go_to_a_server_that_a_crate_alone_names(
    lab: Laboratory, environ: dict[str, str]
) -> None:
    with serving_git(lab.root, Manner(password=PASSWORD)) as server:
        url = f"{server.url}/code.git"
        answer = undecided(_with_helper(lab, environ).find(lab.first, origin=url))
        assert set(server.authorizations) == {""}
    assert whys(answer) == ["denied"]
    assert not _called(environ)


def test_credentials_are_not_used_unless_asked_for(
    lab: Laboratory, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", environ["HOME"])
    with serving_git(lab.root, Manner(password=PASSWORD)) as server:
        answer = lab.sources(f"{server.url}/code.git").find(lab.first)
        assert set(server.authorizations) == {""}
    assert whys(undecided(answer)) == ["denied"]
    assert not _called(environ)


def test_credentials_do_not_follow_a_redirect_to_another_server(
    lab: Laboratory, environ: dict[str, str]
) -> None:
    with serving_git(lab.root, Manner(password=PASSWORD)) as other:
        moved = Manner(redirects={"/code.git": f"{other.url}/code.git"})
        with serving_git(lab.root, moved) as server:
            sources = _with_helper(lab, environ, f"{server.url}/code.git")
            answer = undecided(sources.find(lab.first))
        assert set(other.authorizations) == {""}
    assert whys(answer) == ["denied"]
    assert not _called(environ)


# -- TLS -------------------------------------------------------------------------------


def test_a_server_that_cannot_show_who_it_is_refutes_nothing(
    lab: Laboratory, tmp_path: Path
) -> None:
    """Both our own look and git go through TLS, and neither takes any certificate."""
    certificate = tmp_path / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=localhost", "-keyout", str(certificate)),
            *("-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with certificate.open("a") as stream:
        stream.write((tmp_path / "cert.pem").read_text())
    with serving_git(lab.root) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        port = server.server_address[1]
        origin = read_origin(f"https://localhost:{port}/code.git")
        answer = lab.sources().find(lab.first, origin=origin.url)
        assert whys(undecided(answer)) == ["unreachable"]
        assert "certificate" in answer.evidence[0].observed
        remote = Remote(
            origin, Http(allow_private=True), allow_private=True, limits=LIMITS
        )
        remote._look = Look(origin, is_dumb=False, said="")
        with pytest.raises(PlaceError, match="certificate"):
            remote.references()
        assert not server.requests


# -- much from little ------------------------------------------------------------------


@pytest.fixture
def bomb(lab: Laboratory) -> str:
    """A commit of a file of 128 MiB, of which the server sends some hundred kB."""
    id = commit(lab.work, {"noughts": bytes(128 << 20)}, "Add noughts")
    lab.publish("bomb.git")
    return id


@pytest.mark.slow
def test_a_small_pack_of_a_huge_file_is_neither_held_nor_read(
    lab: Laboratory, bomb: str
) -> None:
    bounds = Bounds(file_bytes=16 << 20, seconds=60, memory_bytes=100 << 20)
    with serving_git(lab.root) as server:
        sources, url = lab.sources(bounds=bounds), f"{server.url}/bomb.git"
        answer = found(sources.find(bomb, origin=url, paths=["noughts"]))
        answer.revision.close()
        assert server.sent < 1 << 20


@pytest.mark.slow
def test_a_git_that_takes_too_much_memory_is_stopped(
    lab: Laboratory, bomb: str
) -> None:
    bounds = Bounds(file_bytes=16 << 20, seconds=60, memory_bytes=1 << 20)
    with serving_git(lab.root) as server:
        sources, url = lab.sources(bounds=bounds), f"{server.url}/bomb.git"
        undecided(sources.find(bomb, origin=url, paths=["noughts"]))
