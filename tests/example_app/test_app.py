"""The example's API and its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from example_app.models import VideoTask, db
from tests.support.example import NOW, TASK, add_tasks, app_on, init_db, statuses

pytestmark = pytest.mark.slow


class TestCreate:
    def test_answers_with_the_task_and_where_it_is(self, client: FlaskClient) -> None:
        response = client.post("/api/video-tasks", json=TASK)

        assert 201 == response.status_code
        assert "queued" == response.json["status"]  # type: ignore[index]  # it is a JSON object
        assert response.json == client.get(response.headers["Location"]).json

    def test_remembers_the_request_that_created_the_task(self, client: FlaskClient) -> None:
        headers = {"X-Request-Id": "from-the-client"}

        created = client.post("/api/video-tasks", json=TASK, headers=headers).get_json()

        assert "from-the-client" == created["requestId"]

    def test_logs_task_created(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "flask_task_metrics")
        headers = {"X-Request-Id": "from-the-client"}

        client.post("/api/video-tasks", json=TASK, headers=headers)

        expected = "[METRICS] task.created requestId=from-the-client taskId=1 engine=cinema-1"
        assert expected == caplog.messages[0]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "engine"),
            ({**TASK, "engine": "steam"}, "engine"),
            ({**TASK, "prompt": ""}, "prompt"),
            ({**TASK, "prompt": "x" * 2001}, "prompt"),
            ({**TASK, "prompt": "\0"}, "prompt"),
            ({**TASK, "prompt": "\ud800"}, "prompt"),
            ({**TASK, "status": "completed"}, "status"),
            ([TASK], "_schema"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, client: FlaskClient, body: object, field: str
    ) -> None:
        response = client.post("/api/video-tasks", json=body)

        assert 422 == response.status_code
        assert field in response.get_json()["errors"]

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            ("{", "application/json", 400),
            ("engine=cinema-1", "application/x-www-form-urlencoded", 415),
            (json.dumps({**TASK, "prompt": "x" * 100_000}), "application/json", 413),
        ],
    )
    def test_answers_what_is_no_json_as_json(
        self, client: FlaskClient, body: str, content_type: str, status: int
    ) -> None:
        response = client.post("/api/video-tasks", data=body, content_type=content_type)

        assert status == response.status_code
        assert status == response.get_json()["status"]


class TestGet:
    @pytest.mark.parametrize("path", ["/api/video-tasks/1", "/api/video-tasks/99999999999", "/"])
    def test_what_is_not_there_is_404(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)

        assert 404 == response.status_code
        assert "Not Found" == response.get_json()["error"]

    def test_a_page_holds_the_youngest_tasks_and_the_total(self, client: FlaskClient) -> None:
        for _ in range(3):
            client.post("/api/video-tasks", json=TASK)

        page = client.get("/api/video-tasks?page=1&perPage=2").get_json()

        assert [3, 2] == [task["id"] for task in page.pop("items")]
        assert {"page": 1, "perPage": 2, "total": 3} == page

    def test_a_page_behind_the_last_one_is_empty(self, client: FlaskClient) -> None:
        page = client.get("/api/video-tasks?page=7").get_json()

        assert {"items": [], "page": 7, "perPage": 20, "total": 0} == page

    @pytest.mark.parametrize("query", ["page=0", "page=x", "perPage=101", "per_page=2"])
    def test_a_page_that_cannot_be_is_422(self, client: FlaskClient, query: str) -> None:
        response = client.get(f"/api/video-tasks?{query}")

        assert 422 == response.status_code
        assert [query.partition("=")[0]] == list(response.get_json()["errors"])

    def test_another_method_is_405_and_says_which_there_are(self, client: FlaskClient) -> None:
        response = client.delete("/api/video-tasks/1")

        assert 405 == response.status_code
        assert "GET" in response.headers["Allow"]

    def test_a_lost_table_is_a_500_without_its_reason(self, client: FlaskClient) -> None:
        with client.application.app_context():
            db.drop_all()

        response = client.get("/api/video-tasks")

        assert 500 == response.status_code
        assert "video_tasks" not in response.text


class TestCancel:
    def test_cancels_a_task_that_waits(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "flask_task_metrics")
        client.post("/api/video-tasks", json=TASK)
        caplog.clear()

        response = client.post("/api/video-tasks/1/cancel", headers={"X-Request-Id": "mine"})

        assert "cancelled" == response.get_json()["status"]
        assert "[METRICS] task.cancelled requestId=mine taskId=1" == caplog.messages[0]

    def test_a_finished_task_stays_as_it_is(self, client: FlaskClient) -> None:
        client.post("/api/video-tasks", json=TASK)
        client.post("/api/video-tasks/1/cancel")

        response = client.post("/api/video-tasks/1/cancel")

        assert 409 == response.status_code
        assert "The task is cancelled already." == response.get_json()["detail"]

    def test_what_is_not_there_is_404(self, client: FlaskClient) -> None:
        assert 404 == client.post("/api/video-tasks/1/cancel").status_code


class TestTables:
    def test_are_made_by_a_command_that_can_run_again(self, tasks: Flask) -> None:
        add_tasks()

        result = tasks.test_cli_runner().invoke(args=["init-db"])

        assert "The database has its tables: video_tasks\n" == result.output
        assert {"queued": 1} == statuses()

    def test_are_not_touched_by_the_factory(self, sqlite_url: str) -> None:
        app_on(sqlite_url)

        assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()

    def test_an_error_in_making_them_is_not_hidden(self, tmp_path: Path) -> None:
        with pytest.raises(OperationalError):
            init_db(f"sqlite:///{tmp_path / 'missing' / 'video-tasks.db'}")

    def test_keep_microseconds_and_every_character(self, tasks: Flask) -> None:
        moment = NOW.replace(microsecond=123456)
        db.session.add(VideoTask(engine="cinema-1", prompt="ein Wal \N{WHALE}", created_at=moment))
        db.session.commit()

        stored = db.session.execute(sa.select(VideoTask.created_at, VideoTask.prompt)).one()

        assert (moment, "ein Wal \N{WHALE}") == tuple(stored)
