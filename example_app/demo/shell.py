"""Shell commands, shown with their output."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class EvidenceError(Exception):
    """A command failed, or its output lacks a part that the page speaks of."""


@dataclass(frozen=True)
class Shown:
    """A command and its output."""

    command: str
    output: str

    def __str__(self) -> str:
        return f"```console\n$ {self.command}\n{self.output.rstrip()}\n```"

    def expect(self, *parts: str) -> Shown:
        """Return self; raise `EvidenceError` if the output lacks one of the parts."""
        for part in parts:
            if part not in self.output:
                raise EvidenceError(f"{part!r} is missing in the output of:\n{self}")
        return self


@dataclass(frozen=True)
class Shell:
    """Run commands in a folder; `{url}` in a command stands for the server's URL."""

    folder: Path
    environment: Mapping[str, str]
    url: str

    def run(self, command: str, **names: object) -> Shown:
        """Fill the names into a command and run it; raise `EvidenceError` if it fails."""
        command = command.format(url=self.url, **names)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise EvidenceError(f"{command}\nended with {done.returncode}: {done.stderr}")
        return Shown(command, done.stdout)
