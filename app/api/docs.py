"""The documentation page: its words, and what it may do in a browser."""

import base64
import hashlib
from html.parser import HTMLParser

from fastapi import Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

DESCRIPTION = """
A sourced record of who controls which district. First country: Afghanistan, summer 2021.

**Ask who holds a district.** `GET /districts/qaisar/control?as_of=2021-06-10` says who held Qaisar
(Faryab) on 10 June 2021, since when, how sure that is, and which articles say so. Names work in
any recorded spelling, in Latin, Dari or Pashto script.

**Three clocks.** Every read about control can be set to any moment of three:

* `as_of`: the date in the world that you ask about. Today if left out.
* `reported_by`: count only what the press had published by then. "What could anyone know on
  6 June?"
* `known_at`: count only what this record held at that instant. An answer with a fixed `known_at`
  stays the same for ever.

**How an answer is found.** Documents are claims. The claims about one change of control are one
event. Its date is the one on which most independent origins agree; copies of one agency count
once. A change counts from the last moment it may have happened, for only then it certainly has.
The newest event that counts decides. `confidence` is `claimed` where only the party that gains
says so, `reported` where somebody else does, `confirmed` where two independent origins do.
Reports that are too weak, not yet certain, contradicting or disputed stand beside the answer, in
`other_claims`; every date that a document gives is in its citation.

**`unknown` is not `contested`.** Where nothing on record counts, the answer is `unknown`. The
record starts from what 73 articles say about 122 districts between May and August 2021: a
district that none of them speaks of is unknown, and counts are of what is on record.

**Citing.** `GET /cite?district=AF2907&as_of=2021-06-10` gives a citation as text, BibTeX and
CSL-JSON. Or take the address of your answer, and add the `as_of` and `known_at` that the answer
names. At this service, that address gives the same record for ever.

**Shapes are approximate** until real boundaries are imported: province outlines from Natural
Earth, divided among their districts. Every answer with a geometry says so in `boundary_set`.

Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents that name the
parameter at fault.
"""

TAGS = [
    {"name": "Districts", "description": "One district: who holds it, since when, who says so."},
    {"name": "Provinces", "description": "Totals of a province and how they moved."},
    {"name": "Country", "description": "Every district at one moment, totals, and change."},
    {
        "name": "Borders",
        "description": "Neighbours, front lines, encirclement, and the shapes they rest on.",
    },
    {
        "name": "GIS",
        "description": "OGC API - Features: give the address `/ogc` to QGIS or GDAL.",
    },
    {
        "name": "Maps",
        "description": "One moment as vector tiles, for web maps and GIS, and as pictures.",
    },
    {"name": "Citing", "description": "Citations of an answer that lead to it for ever."},
    {"name": "Events", "description": "The record itself: events, their citations and versions."},
    {
        "name": "News",
        "description": "What is being recorded: feeds for readers, a stream for programs.",
    },
    {"name": "Sources and parties", "description": "Who reports, and who fights."},
    {
        "name": "Writing",
        "description": "For those who keep the record, with a key: report an event, cite a "
        "document, correct, take back, import a file. Nothing is overwritten; whoever asks with an "
        "earlier `known_at` gets what was on record then.",
    },
    {
        "name": "Reconciliation",
        "description": "For matching a table of names in OpenRefine, by the W3C Reconciliation "
        "API: give it the address of `/reconcile`.",
    },
    {"name": "Operation", "description": "For those who run the service."},
]

FILES = "/static-offline-docs"
"""Where the files of Swagger UI are served."""


async def page(request: Request) -> HTMLResponse:
    """The documentation, as Swagger UI shows it. Everything that it loads comes from here."""
    app = request.app
    root = request.scope.get("root_path", "")
    shown = get_swagger_ui_html(
        openapi_url=f"{root}{app.openapi_url}",
        title=f"{app.title}: documentation",
        swagger_js_url=f"{root}{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{root}{FILES}/favicon.png",
        swagger_ui_parameters=app.swagger_ui_parameters,
    )
    shown.headers["Content-Security-Policy"] = _policy(bytes(shown.body).decode())
    return shown


def _policy(html: str) -> str:
    """A page's Content-Security-Policy: of inline scripts it runs those of the page as it is."""
    scripts = _InlineScripts()
    scripts.feed(html)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts.found)
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _InlineScripts(HTMLParser):
    """The texts of the scripts that stand in a page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a script that has no address."""
        self._inside = tag == "script" and "src" not in dict(attrs)
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        """End a script."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Take up a part of a script."""
        if self._inside:
            self.found[-1] += data
