"""The demo: `python -m example_app.demo` runs the example backend for show."""
