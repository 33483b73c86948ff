"""A Jupyter notebook."""

import json
from pathlib import Path

from packaging.utils import canonicalize_name

from reverify.model.rerun import Plan
from reverify.rerun.engines.common import (
    Foreseen,
    first_missing,
    from_directory,
    is_elsewhere,
    nobody,
    staged,
)
from reverify.rerun.interface import Environment, Prepared

_DRIVER = Path(__file__).with_name("notebook_driver.py")
_NEEDED = ("nbclient", "ipykernel")


class Notebook(Foreseen):
    """Executes a notebook from its first cell to its last, in a new kernel."""

    name = "notebook"

    def programs(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - always Python
        """It is the Python of the environment."""
        return ("python3",)

    def missing(
        self, plan: Plan, environment: Environment, stage: Path | None = None
    ) -> str:
        """What runs notebooks, or the kernel for its language."""
        if is_elsewhere(environment):
            return ""
        if lack := first_missing(environment, "python3"):
            return lack
        packages = environment.surroundings.packages
        there = {canonicalize_name(package.name) for package in packages}
        for name in _NEEDED:
            if name not in there:
                return f"the package {name} is not in the environment"
        language = _language(staged(stage, plan.main)) if stage else "python"
        if language != "python":
            return f"nothing here runs notebooks in {language}"
        return ""

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:  # noqa: ARG002 - writes nothing
        """Execute it where it lies; put it where the recorded result is, if one is."""
        result = _result(plan)
        request = {
            "notebook": from_directory(plan, plan.main),
            "result": from_directory(plan, result) if result else "",
            "parameters": dict(plan.parameters),
        }
        driver = _DRIVER.read_text("utf-8")
        command = ("python3", "-c", driver, json.dumps(request, sort_keys=True))
        return Prepared(command, nobody())


def _result(plan: Plan) -> str:
    """Which result is the executed notebook: the one that is called most like it."""
    found = [item.path for item in plan.results if item.path.endswith(".ipynb")]
    stem = Path(plan.main).stem
    return max(
        found,
        key=lambda path: (path == plan.main, Path(path).stem.startswith(stem)),
        default="",
    )


def _language(notebook: Path | None) -> str:
    """The language that a notebook says it is in; Python if it says nothing."""
    if notebook is None:
        return "python"
    try:
        said = json.loads(notebook.read_bytes())["metadata"]
        spec = said.get("kernelspec", {})
        info = said.get("language_info", {})
        language = str(spec.get("language") or info.get("name") or "python").lower()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "python"
    return "python" if language.startswith(("python", "ipython")) else language
