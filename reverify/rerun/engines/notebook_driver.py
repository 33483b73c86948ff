"""Execute a notebook; given as text to the Python of the environment, never imported.

Its argument is JSON: `notebook` and `result`, paths; `parameters`, values by name.
"""

import json
import pathlib
import sys

sys.path[:] = [place for place in sys.path if place]  # nothing of the run is imported

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

WITH_IDS = 5
"""The minor version of the format from which on cells have ids."""


def main() -> int:
    """Execute it, and write it down, also where a cell fails."""
    request = json.loads(sys.argv[1])
    path = pathlib.Path(request["notebook"])
    notebook = nbformat.read(path, as_version=4)
    _hand_over(notebook, request["parameters"])
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    status = 0
    try:
        client.execute()
    except CellExecutionError as error:
        sys.stderr.write(f"{error}\n")
        status = 1
    if request["result"]:
        result = pathlib.Path(request["result"])
        result.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, result)
    return status


def _hand_over(notebook: nbformat.NotebookNode, parameters: dict[str, object]) -> None:
    """Put a cell with the parameters behind the one that is tagged `parameters`."""
    for index, cell in enumerate(notebook.cells):
        if parameters and "parameters" in cell.metadata.get("tags", []):
            lines = [f"{name} = {value!r}" for name, value in parameters.items()]
            new = nbformat.v4.new_code_cell("\n".join(["# Parameters", *lines]))
            new.metadata["tags"] = ["injected-parameters"]
            if notebook.nbformat_minor < WITH_IDS:
                new.pop("id", None)
            notebook.cells.insert(index + 1, new)
            return


if __name__ == "__main__":
    sys.exit(main())
