"""`[METRICS]` lines go to the right place in every configuration of logging."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Each test starts Python anew.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TO_STDERR = '{"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}'

DICT_CONFIG = (
    'logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, '
    f'"handlers": {{"stderr": {TO_STDERR}}}, '
    '"root": {"level": "INFO", "handlers": ["stderr"]}})'
)

DISABLING_DICT_CONFIG = DICT_CONFIG.replace("False", "True")

OWN_DICT_CONFIG = (
    f'logging.config.dictConfig({{"version": 1, "handlers": {{"stderr": {TO_STDERR}}}, '
    '"loggers": {"flask_task_metrics": {"level": "INFO", "handlers": ["stderr"]}}})'
)

OTHERS_DICT_CONFIG = (
    'logging.config.dictConfig({"version": 1, "loggers": {"elsewhere": {"level": "INFO"}}})'
)

OWN_HANDLER = "logging.getLogger('flask_task_metrics').addHandler(logging.StreamHandler())"
NULL_HANDLER = "logging.getLogger('flask_task_metrics').addHandler(logging.NullHandler())"
OWN_INFO = "logging.getLogger('flask_task_metrics').setLevel('INFO')"
OWN_WARNING = "logging.getLogger('flask_task_metrics').setLevel('WARNING')"
FLASK_ERROR = "from flask.logging import default_handler; default_handler.setLevel('ERROR')"


def lines_on_stderr(script: str) -> list[str]:
    """The `[METRICS]` lines that a process of its own shows, whose logging is as the script says
    (pytest configures that of this one).
    """
    imports = (
        "import logging, logging.config; from tests.support.host import *; "
        "from flask_task_metrics import emit_metric"
    )
    process = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{script}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in process.stderr.splitlines() if "[METRICS]" in line]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param("", "", 1, id="nothing"),
        pytest.param("", "app.logger.warning('ready')", 1, id="app.logger in use"),
        pytest.param("", OWN_INFO, 1, id="our level at INFO"),
        pytest.param("", OWN_WARNING, 0, id="our level at WARNING"),
        pytest.param(FLASK_ERROR, "", 0, id="Flask's handler at ERROR"),
        pytest.param("", "logging.disable(logging.INFO)", 0, id="disabled for all"),
        pytest.param("", f"{OWN_INFO}; {OTHERS_DICT_CONFIG}", 0, id="disabled by dictConfig"),
        pytest.param(DISABLING_DICT_CONFIG, "", 1, id="Flask's documented dictConfig"),
        pytest.param("logging.basicConfig(level='INFO')", "", 1, id="basicConfig before"),
        pytest.param("", "logging.basicConfig(level='INFO')", 1, id="basicConfig after"),
        pytest.param("logging.basicConfig()", "", 0, id="basicConfig at WARNING"),
        pytest.param(DICT_CONFIG, "", 1, id="dictConfig before"),
        pytest.param("", DICT_CONFIG, 1, id="dictConfig after"),
        pytest.param(OWN_DICT_CONFIG, "", 1, id="dictConfig of our logger"),
        pytest.param("", f"{OWN_HANDLER}; {OWN_INFO}", 1, id="our handler at INFO"),
        pytest.param(OWN_HANDLER, "", 0, id="our handler at the root's level"),
        pytest.param("", f"{NULL_HANDLER}; {OWN_INFO}", 0, id="our handler is none"),
    ],
)
def test_a_line_shows_once_where_logging_is_configured_to_show_it_or_not_at_all(
    before: str, after: str, shown: int
) -> None:
    lines = lines_on_stderr(
        f"{before}\napp = create_host('sqlite://')\n{after}\napp.test_client().get('/nothing')"
    )

    assert shown == len(lines)


def test_a_line_shows_outside_an_app_as_well() -> None:
    (line,) = lines_on_stderr("emit_metric('task.created', taskId=7)")

    assert line.endswith("INFO in metric_log: [METRICS] task.created taskId=7")


def test_a_line_is_not_shown_again_by_logging_that_is_configured_later() -> None:
    lines = lines_on_stderr(
        "emit_metric('first')\nlogging.basicConfig(level='INFO')\nemit_metric('second')"
    )

    assert ["first", "second"] == [line.split()[-1] for line in lines]
