"""A small video-task backend that mounts `flask_task_metrics`.

Create its table once, then start a server and as many workers as you like. All of them read
DATABASE_URL and TASK_METRICS_ADMIN_SECRET from the environment:

    flask --app example_app init-db
    gunicorn --config example_app/gunicorn.conf.py
    python -m example_app.worker
"""

from .app import create_app

__all__ = ["create_app"]
