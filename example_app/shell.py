"""Commands run in a shell, shown with what they printed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class EvidenceError(Exception):
    """The run did not show what the page says."""


@dataclass(frozen=True)
class Shown:
    """A command and what it printed."""

    command: str
    output: str

    def __str__(self) -> str:
        return f"```console\n$ {self.command}\n{self.output.rstrip()}\n```"

    def expect(self, *parts: str) -> Shown:
        """This, where all the parts are in the output; `EvidenceError` where one is missing."""
        for part in parts:
            if part not in self.output:
                raise EvidenceError(f"{part!r} is missing in what this printed:\n{self}")
        return self


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder; `{url}` in a command is the server's."""

    folder: Path
    environment: Mapping[str, str]
    url: str

    def run(self, command: str, **names: object) -> Shown:
        """Run a command with its names filled in; `EvidenceError` where it fails."""
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
