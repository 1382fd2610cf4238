"""Small pages about a place, which other programs show in a frame; they load nothing."""

import base64
import hashlib
from collections import Counter
from html import escape

from app.domain.control import Question
from app.store.places import Province
from app.store.status import DistrictStatus

_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:12px;color:#222;background:#fff}"
    "h1{font-size:16px;margin:0}p{margin:6px 0 0}small{color:#555}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing but this very style sheet is used, whatever a name might hold."""


def of_district(status: DistrictStatus, question: Question) -> str:
    """A district: its names, its province, who holds it at the moment that is asked about."""
    holder = status.controller.name if status.controller else str(status.status)
    told = [f"Held by {holder}" if status.controller else holder.capitalize()]
    if status.since:
        told.append(f"since {status.since.isoformat()}")
    if status.confidence:
        told.append(f"({status.confidence.label}{', disputed' if status.disputed else ''})")
    lies = f"District of {status.province.name} · {status.id}"
    return _page(status.name, status.name_local, lies, " ".join(told), question)


def of_province(province: Province, holders: Counter[str], question: Question) -> str:
    """A province: its names, and how many of its districts who holds."""
    lies = f"Province of {province.districts} districts · {province.id}"
    told = ", ".join(f"{holder}: {number}" for holder, number in holders.most_common())
    return _page(province.name, province.name_local, lies, told, question)


def _page(name: str, local: str | None, lies: str, told: str, question: Question) -> str:
    beside = f" <bdi>{escape(local)}</bdi>" if local else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(name)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(name)}{beside}</h1><p>{escape(lies)}</p><p>{escape(told)}</p>"
        f"<p><small>On record as of {escape(question.clocks.as_of.text)}</small></p></body></html>"
    )
