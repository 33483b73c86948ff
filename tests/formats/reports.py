"""Reports made up for tests: plain ones, and ones with hostile text in every field."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from reverify.model.claim import Claim, Place
from reverify.model.finding import Evidence, Finding
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.report import Report, Subject
from reverify.model.verdict import Tally, Verdict
from reverify.policy import Policy

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

HOSTILE: Mapping[str, str] = {
    "a CI command": "::error file=a,line=1::you were had",
    "a CI command after space": "  \u3000::add-mask::secret",
    "an Azure command": "x ##vso[task.setvariable variable=a]b",
    "an old GitHub command": "x ##[add-path]/tmp",
    "a TeamCity command": "##teamcity[buildStop]",
    "many number signs": "####[group]x",
    "an escape sequence": "\x1b[31mred\x1b]0;title\x07",
    "a C1 control": "\x9b31mred\x9d0;title\x9c",
    "overprinting": "bad\rgood\b\b",
    "lines": "one\ntwo\r\nthree\x0bfour\x0cfive\x85six\u2028seven\u2029eight",
    "a command on a line": "one\n::error::two\n##vso[task.complete]",
    "bidi": "abc\u202egpj.exe\u2066x\u2069\u200f\u061c",
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade\U000e0041f\u3164g\u115f",
    "NUL": "a\x00b",
    "a lone surrogate": "a\udc80b\ud800",
    "a pair the wrong way round": "\udc00\ud800",
    "a non-character": "a\ufffeb\uffff\U0001ffff",
    "a link": "[click](https://evil.example/) ![i](https://evil.example/x.png)",
    "a bare link": "see https://evil.example/ or www.evil.example or a@b.example",
    "a reference": "[a]: https://evil.example",
    "a mention": "@octocat closes #1 and org/repo#2 and GH-3",
    "a placeholder": "{0} {reason.__class__} %s %n {{x}}",
    "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an entity": "&lt;b&gt; &#60; &amp;",
    "a CDATA end": "]]><x/>--><!-- ",
    "backticks": "`` `a` ```b``` `",
    "only backticks": "```",
    "spaces": "  a  ",
    "a table": "a|b|c\n|---|---|",
    "a heading": "# heading",
    "a list": "- item",
    "a number": "1. item",
    "a quote": "> quote",
    "a rule": "---",
    "emphasis": "*a* **b** _c_ ~~d~~ $x$",
    "backslashes": "a\\b\\",
    "an emoji": ":smile: 👍🏽",
    "other scripts": "Ünïcödé 日本語 العربية",
    "nothing": "",
    "a megabyte": "x" * 1_000_000,
    "a megabyte of controls": "\x1b" * 1_000_000,
    "a megabyte of words": "@a " * 333_333,
}
"""What an attacker would put into a crate, by what it is."""

texts = st.one_of(
    st.sampled_from([text for text in HOSTILE.values() if len(text) < 1000]),
    st.text(max_size=40),
    st.text(
        st.sampled_from(
            "\x00\x1b\x9b\n\r\t\u202e\u2028\udc80\ud83d\ude00`|[](){}<>@#: x"
        ),
        max_size=20,
    ),
    st.builds(
        "{}{}".format, st.sampled_from(["::", " ::", "##[", "##vso["]), st.text()
    ),
)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def finding(
    subject: str = "rain.csv",
    outcome: Outcome = Outcome.REFUTED,
    *,
    rule: str = "fixity/digest-mismatch",
    topic: str = "digest",
    severity: Severity = Severity.ERROR,
    expected: str = f"sha256:{SHA256}",
    reason: str | None = None,
    fix: str = "Restore the file.",
    file: str = "ro-crate-metadata.json",
    line: int | None = 41,
) -> Finding:
    """One finding, refuted unless it is said otherwise."""
    claim = Claim(
        kind=ClaimKind(rule.partition("/")[0]),
        topic=topic,
        subject=subject,
        expected=expected,
        stated_in=Place(file, "/@graph/3", line),
        path=subject,
        severity=severity,
    )
    return Finding(
        claim=claim,
        outcome=outcome,
        rule=rule,
        reason=f"{subject}: something is wrong" if reason is None else reason,
        observed="sha256:00",
        fix=fix,
        clause="https://example.org/clause",
        evidence=(Evidence("sha256 of 4 bytes", "sha256:00", NOON, subject),),
    )


CONFORMS = finding(
    "./",
    Outcome.CONFIRMED,
    rule="conformance/graph-sound",
    topic="graph",
    reason="the graph holds together",
)


def report(
    *findings: Finding,
    location: str = "crate",
    format: str = "directory",
    policy: Policy | None = None,
) -> Report:
    """A report of findings, judged as `check` does."""
    return Report(
        subject=Subject(
            location=location,
            format=format,
            id="./",
            name="Rain at three stations",
            ro_crate_version="1.2",
            profiles=("https://w3id.org/ro/crate/1.2",),
            digest={"sha256": SHA256},
            files=3,
            bytes=1234,
            nested=(),
        ),
        verdict=(policy or Policy()).judge(findings),
        findings=findings,
        tool={"name": "reverify", "version": "0.1.0"},
        started=NOON,
        finished=NOON + timedelta(seconds=1.5),
    )


def poisoned(text: str, outcome: Outcome = Outcome.REFUTED) -> Report:
    """A report with one text wherever a text can stand, the words of ours too."""
    claim = Claim(
        kind=ClaimKind.FIXITY,
        topic=text,
        subject=text,
        expected=text,
        stated_in=Place(text, text, 1),
        path=text,
    )
    bad = Finding(
        claim=claim,
        outcome=outcome,
        rule=text,
        reason=text,
        observed=text,
        fix=text,
        clause=text,
        evidence=(Evidence(text, text, NOON, text),),
    )
    covered = Finding(
        claim=claim,
        outcome=Outcome.CONFIRMED,
        rule="fixity/covered",
        reason=text,
        observed=text,
    )
    return Report(
        subject=Subject(
            location=text,
            format=text,
            id=text,
            name=text,
            ro_crate_version=text,
            profiles=(text,),
            digest={text: text},
            files=1,
            bytes=1,
            nested=(text,),
        ),
        verdict=Verdict(
            outcome=Outcome.REFUTED,
            level=None,
            required=None,
            next_level=text,
            kinds={kind: Tally(outcome=outcome, refuted=1) for kind in ClaimKind},
        ),
        findings=(bad, bad, covered),
        tool={"name": text, "version": text},
        started=NOON,
        finished=NOON,
    )


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Any finding that the schema allows, with hostile text where text is free."""
    kind = draw(st.sampled_from(ClaimKind))
    claim = Claim(
        kind=kind,
        topic=draw(st.text("abc-/", min_size=1, max_size=4)),
        subject=draw(texts),
        expected=draw(texts),
        stated_in=Place(
            draw(texts),
            draw(st.sampled_from(["", "/", "/@graph/3/a~1b"])),
            draw(st.none() | st.integers(1, 10**9)),
        ),
        path=draw(st.none() | texts),
        severity=draw(st.sampled_from(Severity)),
    )
    evidence = st.builds(Evidence, texts.filter(bool), texts, moments, texts)
    return Finding(
        claim=claim,
        outcome=draw(st.sampled_from(Outcome)),
        rule=f"{kind}/{draw(st.text('abc-', min_size=1, max_size=3))}",
        reason=draw(texts),
        observed=draw(st.none() | texts),
        fix=draw(texts),
        clause=draw(texts),
        evidence=tuple(draw(st.lists(evidence, max_size=2))),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report that the schema allows."""
    found = tuple(draw(st.lists(findings(), max_size=4)))
    started = draw(moments)
    formats = "directory zip tar document bag bag-zip bag-tar unknown".split()
    hexes = st.text("0123456789abcdef", min_size=1, max_size=8)
    subject = Subject(
        location=draw(texts),
        format=draw(st.sampled_from(formats)),
        id=draw(st.none() | texts),
        name=draw(st.none() | texts),
        ro_crate_version=draw(st.none() | texts),
        profiles=tuple(draw(st.lists(texts, max_size=2))),
        digest=draw(st.dictionaries(st.sampled_from(["sha256", "md5"]), hexes)),
        files=draw(st.integers(0, 10**9)),
        bytes=draw(st.integers(0, 10**15)),
        nested=tuple(draw(st.lists(texts, max_size=2))),
    )
    required = draw(st.none() | st.sampled_from(Level))
    return Report(
        subject=subject,
        verdict=Policy(required=required, strict=draw(st.booleans())).judge(found),
        findings=found,
        tool={"name": "reverify", "version": "0.1.0"},
        started=started,
        finished=started + timedelta(seconds=draw(st.floats(0, 1e6))),
    )
