"""What is code, in which language, and what runs it."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_SHEBANG_BYTES = 512
_ENV_S = "-S"


class Language(NamedTuple):
    """A language that analyses are written in.

    Attributes:
        name: what to call it.
        url: its home page.
        suffixes: those of its files, in lower case.
        programs: what runs it; a version may follow, as in `python3.11`.
        interpreter: what `--version` begins with, before a number; "" if that is not
            known, and then it is not asked.
    """

    name: str
    url: str
    suffixes: tuple[str, ...]
    programs: tuple[str, ...]
    interpreter: str = ""


PYTHON = Language(
    "Python", "https://www.python.org/", (".py",), ("python", "pypy"), "Python"
)
LANGUAGES = (
    PYTHON,
    Language("R", "https://www.r-project.org/", (".r", ".rmd"), ("Rscript", "R"), "R"),
    Language(
        "Bash", "https://www.gnu.org/software/bash/", (".bash",), ("bash",), "GNU bash"
    ),
    Language(
        "Shell",
        "https://pubs.opengroup.org/onlinepubs/9799919799/",
        (".sh",),
        ("sh", "dash"),
    ),
    Language("Julia", "https://julialang.org/", (".jl",), ("julia",), "julia"),
    Language("Perl", "https://www.perl.org/", (".pl",), ("perl",), "perl"),
    Language("Ruby", "https://www.ruby-lang.org/", (".rb",), ("ruby",), "ruby"),
    Language(
        "JavaScript", "https://tc39.es/ecma262/", (".js", ".mjs"), ("node",), "Node.js"
    ),
    Language("Octave", "https://octave.org/", (".m",), ("octave",), "GNU Octave"),
    Language(
        "AWK",
        "https://pubs.opengroup.org/onlinepubs/9799919799/",
        (".awk",),
        ("awk", "gawk", "mawk"),
    ),
    Language("Snakemake", "https://snakemake.github.io/", (".smk",), ("snakemake",)),
    Language("Nextflow", "https://www.nextflow.io/", (".nf",), ("nextflow",)),
    Language(
        "Common Workflow Language", "https://www.commonwl.org/", (".cwl",), ("cwltool",)
    ),
    Language("SQL", "https://www.iso.org/standard/76583.html", (".sql",), ()),
    Language("Jupyter Notebook", "https://jupyter.org/", (".ipynb",), ()),
    Language("C", "https://www.open-std.org/jtc1/sc22/wg14/", (".c", ".h"), ()),
    Language("C++", "https://isocpp.org/", (".cc", ".cpp", ".cxx", ".hpp"), ()),
    Language("Fortran", "https://fortran-lang.org/", (".f", ".f90", ".f95"), ()),
    Language("Rust", "https://www.rust-lang.org/", (".rs",), ()),
    Language("Go", "https://go.dev/", (".go",), ()),
    Language("Java", "https://dev.java/", (".java",), ()),
)
_NAMES = {"makefile": "Make", "gnumakefile": "Make", "snakefile": "Snakemake"}
_BY_SUFFIX = {suffix: lang for lang in LANGUAGES for suffix in lang.suffixes}
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh"}


def language_of_file(path: Path) -> Language | None:
    """The language of a file, by its first line or by its suffix."""
    words = shebang(path)
    known = language_of_program(words[0]) if words else None
    return known or _BY_SUFFIX.get(path.suffix.lower())


def is_code(path: str) -> bool:
    """Whether a name is that of a file of code."""
    name = path.rpartition("/")[2].lower()
    return Path(name).suffix in _BY_SUFFIX or name in _NAMES


def language_of_program(program: str) -> Language | None:
    """The language that a program runs, by its name."""
    name = Path(program).name
    for language in LANGUAGES:
        for known in language.programs:
            if re.fullmatch(rf"{known}[0-9.]*", name):
                return language
    return None


def shebang(path: Path) -> list[str]:
    """What runs a script, and with which arguments, by its first line; or nothing."""
    try:
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            line = stream.read(_SHEBANG_BYTES).partition(b"\n")[0]
    except OSError:
        return []
    if not line.startswith(b"#!"):
        return []
    words = line[2:].decode("utf-8", "replace").split()
    if words and Path(words[0]).name == "env":
        words = words[1:]
        while words and (words[0] == _ENV_S or "=" in words[0]):
            words = words[1:]
    return words


def named_code(command: Sequence[str], folder: Path) -> Iterator[Path]:
    """The files of code that a command line names.

    That is the program itself where it is a script; every argument that is a file of a
    known language; the file behind `python -m MODULE`; and the same for the words that
    `sh -c` is given.

    Args:
        command: a program and its arguments.
        folder: where it runs.
    """
    program = Path(command[0]).name
    for index, word in enumerate(command):
        if "\0" in word or len(word) > 4096:  # noqa: PLR2004 - the longest path
            continue
        if index and program in _SHELLS and command[index - 1].endswith("c"):
            yield from _named_in_line(word, folder)
            continue
        if index and command[index - 1] == "-m" and _is_python(program):
            yield from _module(word, folder)
            continue
        if index == 0 and "/" not in word:
            continue  # looked for in PATH, not here
        path = folder / word
        if _is_file(path) and (is_code(word) or language_of_file(path) is not None):
            yield path


def _is_python(program: str) -> bool:
    return language_of_program(program) is PYTHON


def _named_in_line(line: str, folder: Path) -> Iterator[Path]:
    try:
        words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    except ValueError:
        words = line.split()
    for word in words:
        if is_code(word) and _is_file(folder / word):
            yield folder / word


def _module(name: str, folder: Path) -> Iterator[Path]:
    base = folder.joinpath(*name.split("."))
    for path in (base.with_name(f"{base.name}.py"), base / "__main__.py"):
        if _is_file(path):
            yield path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
