"""Pages for people: what is hostile is shown, and does nothing."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jinja2 import Template


class Style(NamedTuple):
    """A style sheet of ours, and what a content security policy calls it.

    Attributes:
        text: the style, not to be escaped.
        source: `sha256-...`, a source of `style-src`.
    """

    text: str
    source: str


@cache
def _unshown() -> re.Pattern[str]:
    """What HTML forbids, and what turns text round or cannot be seen."""
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
        "\ud800-\udfff\ufdd0-\ufdef\ufff9-\uffff]|"
        "[\U000e0000-\U000e0fff"
        + "".join(
            f"{chr(n << 16 | 0xFFFE)}-{chr(n << 16 | 0xFFFF)}" for n in range(1, 17)
        )
        + "]"
    )


def shown(value: object, most: int | None = None) -> str:
    r"""Make text what HTML allows, the invisible written out as `\x1b`; not escaped.

    Args:
        value: the text.
        most: how many characters are shown; the rest is counted. All if it is None.
    """
    text = str(value).replace("\r\n", "\n")
    if most is not None and len(text) > most:
        text = f"{text[:most]}... ({len(text) - most:,} more characters)"
    return _unshown().sub(lambda match: ascii(match.group())[1:-1], text)


def is_web(url: str | None) -> bool:
    """Whether a link may be made of an address."""
    try:
        return urlsplit(url or "").scheme in {"http", "https"}
    except ValueError:  # brackets that are no IPv6 address
        return False


def as_it_is(text: str) -> str:
    """Text of our own that is not to be escaped."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return Markup(text)  # noqa: S704 - it is


def style(package: str, name: str) -> Style:
    """Read a style sheet that lies beside the code of a package."""
    text = resource(package, name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Style(as_it_is(text), f"sha256-{digest}")


def template(
    package: str, name: str, filters: Mapping[str, Callable[..., object]]
) -> "Template":
    """Read a template that lies beside the code of a package; it escapes all values."""
    from jinja2 import Environment, FunctionLoader  # noqa: PLC0415 - only for pages

    loader = FunctionLoader(lambda other: resource(package, other))
    environment = Environment(autoescape=True, loader=loader)
    environment.filters |= {"shown": shown, **filters}
    environment.tests["is_web"] = is_web
    return environment.get_template(name)


def resource(package: str, name: str) -> str:
    """Read a file that lies beside the code of a package."""
    return resources.files(package).joinpath(name).read_text("utf-8")
