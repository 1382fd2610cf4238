"""Files that pages load: ours, and the map library out of its Python package."""

from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.domain.colours import NAMED

FOLDER = Path(__file__).parent / "static"


def _maplibre() -> Path:
    # Found without importing it: only its scripts are wanted.
    spec = find_spec("maplibre")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package maplibre is missing")
    return Path(spec.submodule_search_locations[0]) / "srcjs"


MAPLIBRE = _maplibre()
"""Has `maplibre-gl.js` and `maplibre-gl.css`."""


async def colours(request: Request) -> Response:
    """The colours that are no party's, as custom properties of a style sheet."""
    lines = "".join(f"  --{name}: {colour};\n" for name, colour in NAMED.items())
    return Response(f":root {{\n{lines}}}\n", media_type="text/css")
