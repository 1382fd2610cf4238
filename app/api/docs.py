"""The words that open the documentation page."""

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

**Citing.** Take the address of your answer, and add the `as_of` and `known_at` that the answer
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
    {"name": "Maps", "description": "Vector tiles of one moment, for web maps and GIS."},
    {"name": "Events", "description": "The record itself: events, their citations and versions."},
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
