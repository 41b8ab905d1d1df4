"""The doctor: checks for whatever makes figures slow or wrong."""

from .examine import Finding, examine

__all__ = ["Finding", "examine"]
