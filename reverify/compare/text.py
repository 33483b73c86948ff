"""Two texts line by line."""

from reverify.compare.alignment import Alignment
from reverify.compare.interface import Job
from reverify.compare.lines import BLANKS, lines
from reverify.compare.masks import Masks
from reverify.compare.tally import Tally
from reverify.model.comparison import Comparison, Method, Rule

_ENDS = (b"\r\n", b"\n")


class LineRule:
    """Whether two lines may pass for the same.

    Raises:
        NotComparableError: a pattern of the rule cannot be used.
    """

    def __init__(self, rule: Rule) -> None:
        self._loose = rule.ignore_whitespace
        self._masks = Masks(rule)

    def same(self, one: bytes, other: bytes) -> bool:
        """Compare without what the rule says is not compared."""
        if self._loose:
            one, other = one.rstrip(BLANKS), other.rstrip(BLANKS)
        for end in _ENDS:  # so that `$` of a pattern is the end of a line
            if one.endswith(end) and other.endswith(end):
                one, other = one.removesuffix(end), other.removesuffix(end)
                break
        return self._masks.same(one, other)


def compare_text(job: Job) -> Comparison:
    """Compare line by line; where lines come in or fall out, find the way again.

    Line ends and blanks before them count unless the rule says that they do not.
    """
    tally = Tally(job.rule, job.bounds.shown)
    if job.rule.tolerant:
        tally.remarks.append("rtol and atol are not used in text: numbers are not read")
    loose = job.rule.ignore_whitespace
    rule = LineRule(job.rule)
    with job.expected.open() as expected, job.actual.open() as actual:
        walk = Alignment(
            lines(job, expected, universal=loose),
            lines(job, actual, universal=loose),
            rule.same,
            len,
        )
        for at, one, other_at, other in walk.differing():
            if one is not None and other is not None and rule.same(one, other):
                continue
            where = f"line {at if one is not None else other_at:,}"
            tally.differ(where, _text(one), _text(other))
    tally.compared = walk.length
    return tally.finish(job.name, Method.TEXT, "lines")


def _text(line: bytes | None) -> str | None:
    return None if line is None else repr(line.decode("utf-8", "backslashreplace"))
