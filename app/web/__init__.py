"""The pages. They read the public API only, as any client could."""

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.web import pages, places
from app.web.assets import FOLDER, MAPLIBRE


def add_pages(app: FastAPI) -> None:
    """Serve the pages beside the API of the same application.

    They are no routes of the API: nothing counts against a limit or needs a key until a page asks
    the API, with the key of whoever looks at it.
    """
    app.router.routes.extend([*pages.ROUTES, *places.ROUTES])
    # The library first: its folder is a package of its own.
    app.router.routes.append(Mount("/static/maplibre", StaticFiles(directory=MAPLIBRE)))
    app.router.routes.append(Mount("/static", StaticFiles(directory=FOLDER), name="static"))
