"""The machine that a benchmark runs on."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa


@dataclass(frozen=True)
class Machine:
    """What there was to run on."""

    cpu: str
    cores: int
    memory_gb: float
    os: str
    python: str

    @classmethod
    def this(cls) -> Machine:
        """The machine that this process runs on."""
        pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(
            cpu=_cpu(),
            cores=os.cpu_count() or 1,
            memory_gb=round(pages / 2**30, 1),
            os=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
        )

    def __str__(self) -> str:
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gb:g} GB of memory, {self.os}, "
            f"Python {self.python}"
        )


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()


def database_and_version(engine: sa.Engine) -> tuple[str, str]:
    """The name and the version of the database behind an engine."""
    with engine.connect() as connection:
        dialect = connection.dialect
        is_mariadb = getattr(dialect, "is_mariadb", False)
        version = ".".join(map(str, getattr(dialect, "server_version_info", ())))
    return "mariadb" if is_mariadb else dialect.name, version
