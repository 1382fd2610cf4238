"""Files to import, and running the commands on them."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from app.cli import main

ABOUT = (
    *("--set", "trial", "--name", "A trial", "--dated", "2021-11-17", "--origin", "drawn"),
    *("--licence", "Public domain", "--attribution", "Nobody", "--quality", "compiled"),
)


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Drawn:
    """The seeds' own shapes of Bamyan's districts: public domain, and exactly where points lie."""

    ids: list[str]
    names: list[str]
    shapes: list[Any]

    def write(
        self, path: Path, names: Mapping[str, str] | None = None, more: Sequence[Any] = ()
    ) -> Path:
        """A file of them, some under other names, and of more shapes."""
        called = [(names or {}).get(i, n) for i, n in zip(self.ids, self.names, strict=True)]
        shapes = [*self.shapes, *more]
        called += [f"More {i}" for i in range(len(more))]
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(shapes, dtype=object)),
            [np.array(called, dtype=object), np.arange(len(shapes)).astype(str).astype(object)],
            ["shapeName", "shapeID"],
            geometry_type="Unknown",
            crs="EPSG:4326",
        )
        return path


def run_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> Done:
    """Run a command within this process; how it ends."""
    monkeypatch.setattr(sys, "argv", ["district-control", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return Done(code if isinstance(code, int) else 0, *capsys.readouterr())


def told(done: Done) -> str:
    """All that a command wrote, with single spaces."""
    return re.sub(r"\s+", " ", done.output + done.errors)
