"""Hostile values for `[METRICS]` lines, and a parser of these lines."""

from __future__ import annotations

import json
import re

HOSTILE = {
    "new line": "a\nb",
    "carriage return": "a\rb",
    "forged line": "a\n[METRICS] task.created requestId=forged",
    "forged field": "a status=200",
    "forged end": 'a" status=200 x="',
    "space": "a b",
    "tab": "a\tb",
    "quotes": 'a"b',
    "equals sign": "a=b",
    "backslash": "a\\nb",
    "null byte": "a\x00b",
    "terminal escape": "a\x1b[31mb",
    "DEL": "a\x7fb",
    "NEL": "a\x85b",
    "no-break space": "a\xa0b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "right to left": "a\u202eb",
    "zero width": "a\u200bb",
    "byte order mark": "a\ufeffb",
    "private use": "a\ue000b",
    "language tag": "a\U000e0001b",
    "letters": "größe大\N{SNAKE}",
}


def fields_of(line: str) -> dict[str, str]:
    """Parse the fields of a line, without the package's help."""
    _, _, rest = line.split(" ", 2)
    pairs = re.findall(r'([^ =]+)=("(?:[^"\\]|\\.)*"|[^ "]+)(?: |\Z)', rest)
    assert rest == " ".join(f"{name}={value}" for name, value in pairs)
    return {name: json.loads(value) if value[0] == '"' else value for name, value in pairs}
