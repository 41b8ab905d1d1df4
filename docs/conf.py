"""How Sphinx builds the documentation: `make docs`."""

from importlib.metadata import version as version_of

project = "flask-task-metrics"
author = "The flask-task-metrics authors"
copyright = f"2026, {author}"
version = release = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc"]

html_theme = "furo"
html_title = project

myst_heading_anchors = 3

# Docstrings put names and code in single backticks.
default_role = "code"
autoclass_content = "class"
autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88

# Other projects' names are in their documentation, and a build may have no network to look them up;
# type variables are in none.
nitpick_ignore_regex = [("py:.*", r"(?!flask_task_metrics\.\w+$).*")]
