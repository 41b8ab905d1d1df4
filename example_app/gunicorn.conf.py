"""The server's configuration: `gunicorn --config example_app/gunicorn.conf.py`."""

import os

wsgi_app = "example_app:create_app()"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 10

# The [METRICS] lines request.completed stand in for an access log.
accesslog = None

# By default, all gunicorn servers of a user share one control socket.
control_socket_disable = True
