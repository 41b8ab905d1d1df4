"""`make evidence` writes the page from a real run, or not at all."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest

from example_app.demo import evidence
from example_app.demo.shell import EvidenceError, Shell

pytestmark = pytest.mark.slow


def test_is_written_from_a_real_run(port: int, tmp_path: Path) -> None:
    path = tmp_path / "evidence.md"

    subprocess.check_call([sys.executable, "-m", "example_app.demo.evidence", str(path)])

    page = path.read_text()
    [task_id] = re.findall(r"the POST that created task (\d+),", page)
    assert f'"taskId": "{task_id}"' in page
    assert str(Path(sys.executable).parent) not in page
    assert gettempdir() not in page


def test_is_not_written_where_the_port_is_taken(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evidence.md"

    with socket.create_server(("127.0.0.1", port)):
        assert 1 == evidence.main([str(path)])

    assert not path.exists()
    assert f"Can't listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_is_refused_where_a_command_fails(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="ended with 3: alas"):
        Shell(tmp_path, os.environ, "").run("echo alas >&2; exit 3")


def test_is_refused_where_something_expected_is_missing(tmp_path: Path) -> None:
    shown = Shell(tmp_path, os.environ, "").run("echo nothing")

    with pytest.raises(EvidenceError, match="'500' is missing"):
        shown.expect("nothing", "500")
