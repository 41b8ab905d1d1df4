"""Check that every public name of the package has a complete type: `pyright --verifytypes`.

pyright looks at all modules; this keeps to the names in `flask_task_metrics.__all__`, since those
are what a user's type checker reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import flask_task_metrics

PACKAGE = flask_task_metrics.__name__


def main() -> int:
    """Print each public name whose type is unknown or ambiguous; return the exit status."""
    symbols = verified_symbols()
    wanted = {f"{PACKAGE}.{name}" for name in flask_task_metrics.__all__}
    public = {
        symbol["name"]
        for symbol in symbols
        if wanted & {symbol["name"], *symbol.get("alternateNames", [])}
    }
    incomplete = [
        symbol
        for symbol in symbols
        if symbol["diagnostics"] and {symbol["name"], symbol["name"].rpartition(".")[0]} & public
    ]
    for symbol in incomplete:
        print(symbol["name"], *(found["message"] for found in symbol["diagnostics"]), sep=": ")
    print(f"pyright: {len(wanted)} public names, {len(incomplete)} incomplete types")
    return int(bool(incomplete) or len(public) < len(wanted))


def verified_symbols() -> list[dict[str, Any]]:
    """Return the symbols of the package as pyright reports them."""
    folder = Path(sys.executable).parent
    # pyright asks the python on the path for its packages, and doesn't know an editable install.
    environment = os.environ | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(flask_task_metrics.__file__).parent.parent),
    }
    report = subprocess.run(
        [folder / "pyright", "--verifytypes", PACKAGE, "--ignoreexternal", "--outputjson"],
        env=environment,
        capture_output=True,
        check=False,
    )
    symbols: list[dict[str, Any]] = json.loads(report.stdout)["typeCompleteness"]["symbols"]
    return symbols


if __name__ == "__main__":
    sys.exit(main())
