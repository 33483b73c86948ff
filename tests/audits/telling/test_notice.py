"""Notices: of changes alone, bounded, and safe wherever they are shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.audits.telling.notice import CLAIMS, CRATES, name_of, notice_of
from reverify.model.audit import Drift

from tests.audits.telling.changes import EVIL, change, notice, run, summary
from tests.test_schemas import faults


def test_nothing_is_told_if_nothing_changed() -> None:
    assert notice_of(run(), Drift()) is None


@pytest.mark.parametrize("word", ["broke", "healed", "new", "vanished"])
def test_any_change_is_told(word: str) -> None:
    made = notice_of(run(), Drift(**{word: (change(),)}))
    assert made is not None
    assert made.subject == f"reverify: 1 {word} in /srv/crates (run 7)"
    assert made.to_dict()["data"][word]["claims"] == 1


def test_a_run_that_is_not_finished_has_nothing_to_tell() -> None:
    with pytest.raises(ValueError, match="not finished"):
        notice_of(run(finished=None, summary=None), Drift(broke=(change(),)))


def test_the_text_says_what_broke_and_which_run_last_saw_it_well() -> None:
    drift = Drift(
        broke=(change(), change("/srv/crates/b", last=None)),
        healed=(change("/srv/crates/c", last=(7, "2026-01-31T03:10:00Z")),),
    )
    made = notice_of(run(), drift)
    assert made is not None
    assert made.text() == (
        "reverify: 2 broke, 1 healed in /srv/crates (run 7)\n"
        "\n"
        "13 crates: 10 confirmed, 1 refuted, 2 undetermined\n"
        "Read: 4 in full, 9 quickly\n"
        "Run 7: 2026-01-31 03:00 UTC to 2026-01-31 03:30 UTC\n"
        "\n"
        "Broke: held before, and is refuted or cannot be told now\n"
        "  /srv/crates/a\n"
        "    fixity/digest-mismatch: data.csv: the sha256 differs"
        " (last seen well by run 5, 2026-01-29 03:00 UTC)\n"
        "  /srv/crates/b\n"
        "    fixity/digest-mismatch: data.csv: the sha256 differs"
        " (no run saw it well)\n"
        "\n"
        "Healed: wrong before, and well now\n"
        "  /srv/crates/c\n"
        "    fixity/digest-mismatch: data.csv: the sha256 differs\n"
        "\n"
        "All of it: reverify audit drift --run 7\n"
    )


def test_a_run_that_stopped_says_so() -> None:
    stopped = run(summary=summary(stopped=True, left={"due": 30, "new": 2}))
    made = notice_of(stopped, Drift(broke=(change(),)))
    assert made is not None
    assert "with 32 crates left to read in full\n" in made.text()
    assert made.to_dict()["data"]["run"]["state"] == "stopped"


def test_many_changes_are_counted_and_a_few_are_shown() -> None:
    each = [f"/srv/crates/{number:03}" for number in range(100)]
    made = notice(*(change(crate) for crate in each for _ in range(10)))
    told = made.to_dict()["data"]["broke"]
    assert (told["claims"], told["crates"]) == (1000, 100)
    assert [crate["crate"] for crate in told["shown"]] == each[:CRATES]
    assert {crate["claims"] for crate in told["shown"]} == {10}
    assert {len(crate["shown"]) for crate in told["shown"]} == {CLAIMS}
    assert "    ... and 7 more of this crate\n" in made.text()
    assert "  ... and 80 more crates; 1,000 claims in all\n" in made.text()
    assert made.text().count("\n") < 120


def test_a_crate_that_says_very_much_makes_no_large_notice() -> None:
    long = "x" * 1_000_000
    made = notice(*(change(f"{i}/{long}", long, subject=long) for i in range(100)))
    assert len(made.subject) < 200
    assert len(made.to_json()) < 500_000


def test_a_collection_of_very_many_roots_makes_no_large_notice() -> None:
    roots = tuple(f"/srv/{number}" for number in range(10_000))
    made = notice_of(run(roots=roots), Drift(broke=(change(),)))
    assert made is not None
    assert made.to_dict()["data"]["run"]["roots"] == list(roots[:CRATES])
    assert made.to_dict()["data"]["collection"]["roots"] == 10_000


@pytest.mark.parametrize("where", ["crate", "reason", "name", "root"])
def test_what_a_crate_says_is_escaped_for_people(where: str) -> None:
    said = {"crate": change(EVIL), "reason": change(reason=EVIL)}.get(where, change())
    there = run(roots=(EVIL,)) if where == "root" else run()
    drift = Drift(broke=(said,))
    made = notice_of(there, drift, EVIL if where == "name" else "")
    assert made is not None
    assert made.subject.isprintable()
    assert all(line.isprintable() for line in made.text().split("\n"))
    assert not any(line.startswith("Bcc") for line in made.text().splitlines())
    made.text().encode()
    assert "\\x1b[2J\\x0aBcc: x@evil.example" in made.text()


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_no_text_whatever_makes_a_line_or_breaks_a_schema(
    crate: str, reason: str, name: str
) -> None:
    plain = notice(change("a", "b"), name="c").text().splitlines()
    made = notice(change(crate, reason), name=name or "c")
    assert len(made.text().splitlines()) == len(plain)
    assert made.text().encode().splitlines()[0].decode() == made.subject
    assert faults(json.loads(made.to_json()), "notice") == []


def test_programs_get_it_as_it_is_in_ascii() -> None:
    told = json.loads(notice(change(EVIL)).to_json())
    crate = told["data"]["broke"]["shown"][0]["crate"]
    assert crate == EVIL.replace("\udc80", "\\udc80")
    assert notice(change(EVIL)).to_json().isascii()


def test_a_notice_fits_its_schema() -> None:
    drift = Drift(
        broke=(change(EVIL), change(last=None)),
        healed=(change(),),
        new=(change(),),
        vanished=(change(),),
    )
    made = notice_of(run(), drift)
    assert made is not None
    assert faults(json.loads(made.to_json()), "notice") == []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (("schema_version",), "2.0"),
        (("type",), "audit"),
        (("id",), "7"),
        (("timestamp",), None),
        (("data", "more"), 1),
        (("data", "run", "state"), "unfinished"),
        (("data", "crates", "confirmed"), -1),
        (("data", "broke", "claims"), "1"),
        (("data", "broke", "shown", 0, "claims"), 0),
        (("data", "broke", "shown", 0, "shown", 0, "outcome"), "failed"),
        (("data", "broke", "shown", 0, "shown", 0, "last_confirmed"), 5),
    ],
)
def test_what_is_not_so_written_is_no_notice(
    pointer: tuple[str | int, ...], value: object
) -> None:
    place = document = json.loads(notice().to_json())
    for key in pointer[:-1]:
        place = place[key]
    place[pointer[-1]] = value
    assert faults(document, "notice") != []


def test_a_notice_has_the_same_id_whenever_it_is_made() -> None:
    assert notice().id == notice(change("/other")).id
    other = notice_of(run(8), Drift(broke=(change(),)))
    assert other is not None
    assert other.id != notice().id


def test_a_collection_is_named_by_its_roots() -> None:
    assert name_of(run(roots=("/a", "/b"))) == "/a, /b"


def test_collections_of_many_roots_are_told_apart() -> None:
    roots = tuple("/a /b /c /d".split())
    assert name_of(run(roots=roots)) == "/a and 3 more (0a0a0a0a)"
    assert name_of(run(roots=roots, collection="0b" * 32)).endswith("(0b0b0b0b)")
