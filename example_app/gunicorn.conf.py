"""How gunicorn serves the example: `gunicorn --config example_app/gunicorn.conf.py`."""

import os

wsgi_app = "example_app:create_app()"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

workers = 2
worker_class = "gthread"
threads = 4
graceful_timeout = 10

# The [METRICS] lines of request.completed say what an access log would.
accesslog = None

# All servers of a user would share the one socket.
control_socket_disable = True
