"""A small video-task backend that mounts `flask_task_metrics`."""

from .app import create_app

__all__ = ["create_app"]
