"""The page in a real browser: it asks for nothing, and fits a phone."""

import json
import re
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import pytest
from reverify.audits.reporting.html import html

from tests.audits.overviews import OVERVIEWS

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=http://127.0.0.1:9",  # nobody is there
    "--virtual-time-budget=2000",
    "--enable-logging=stderr",
    "--dump-dom",
)
MEASURE = """
<!DOCTYPE html><meta charset="utf-8"><body>{frames}<script>
addEventListener("load", () => {{
  const found = [...document.querySelectorAll("iframe")].map((frame) => {{
    const inside = frame.contentDocument.documentElement;
    const wide = [...inside.querySelectorAll("body, body *")].filter(
      (each) => each.getBoundingClientRect().right > inside.clientWidth + 1
        && !each.closest("svg.patterns, table.crates thead, .numbers"));
    return {{
      width: inside.clientWidth,
      scroll: inside.scrollWidth,
      wide: wide.map((each) => each.tagName + "." + each.getAttribute("class")),
      asked: frame.contentWindow.performance.getEntriesByType("resource")
        .map((entry) => entry.name),
      styled: getComputedStyle(inside.querySelector("body")).maxWidth,
    }};
  }});
  document.body.textContent = "MEASURED" + JSON.stringify(found) + "END";
}});
</script>
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed; apt has it"
    ),
]


def measured(folder: Path, pages: dict[str, bytes]) -> tuple[list[Any], list[str]]:
    """Open pages as wide as a phone, and tell what is seen, and complained of."""
    frames = "".join(
        f'<iframe width="360" height="640" srcdoc="{escape(data.decode())}"></iframe>'
        for data in pages.values()
    )
    wrapper = folder / "measure.html"
    wrapper.write_text(MEASURE.format(frames=frames), encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [CHROMIUM, *FLAGS, profile, wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search("MEASURED(.*?)END", done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text), complaints


def test_it_asks_for_nothing_and_fits_a_phone(tmp_path: Path) -> None:
    pages = {name: html(make()) for name, make in OVERVIEWS.items()}
    found, complaints = measured(tmp_path, pages)
    assert complaints == []
    for name, each in zip(pages, found, strict=True):
        assert each["scroll"] <= each["width"] <= 360, name
        assert each["wide"] == [], name
        assert each["asked"] == [], name
        assert each["styled"] == "1120px", name


def test_what_is_measured_can_be_seen_to_be_wrong(tmp_path: Path) -> None:
    wide = b'<body><div class="x" style="width:999px">x</div>'
    asking = b'<body><img src="http://127.0.0.1:9/x.png">'
    policy = b"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    found, complaints = measured(
        tmp_path, {"wide": wide, "asking": asking, "blocked": policy + asking}
    )
    assert found[0]["scroll"] == 1007
    assert "DIV.x" in found[0]["wide"]
    assert found[1]["asked"] == ["http://127.0.0.1:9/x.png"]
    assert any("Content Security Policy" in line for line in complaints)
