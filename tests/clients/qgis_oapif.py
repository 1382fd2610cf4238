"""What QGIS makes of `/ogc`: run by the interpreter that QGIS's Python modules belong to.

Usage: QT_QPA_PLATFORM=offscreen /usr/bin/python3 tests/clients/qgis_oapif.py ADDRESS MAP.png

ADDRESS is that of the service. Writes what it found as one JSON object, and draws the map of
15 August 2021 to MAP.png: districts by who held them, front lines on top.
"""

import json
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRectangle,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

COLOURS = {
    "taliban": "#6b7f5c",
    "afghan-government": "#3d6fb4",
    "contested": "#d9822b",
    "unknown": "#e4e4e4",
}
FARYAB = QgsRectangle(63.5, 35.0, 65.5, 36.5)


def layer(address, collection, subset="", page_size=""):
    """A layer of one collection; `subset` is a filter in the words of QGIS."""
    paging = f" pagingEnabled='true' pageSize='{page_size}'" if page_size else ""
    made = QgsVectorLayer(
        f"url='{address}' typename='{collection}'{paging}" + (f" sql={subset}" if subset else ""),
        collection,
        "OAPIF",
    )
    assert made.isValid(), f"QGIS cannot open {collection} at {address}"
    return made


def everything(of):
    """The features of a layer, once all pages are there."""
    for _ in range(50):
        found = list(of.getFeatures())
        if found:
            return found
        time.sleep(0.1)
    return []


def outcomes(features):
    """How many districts each party holds; what nobody holds by its status."""
    return dict(Counter(str(f["controller"] or f["status"]) for f in features))


def described(of):
    """What QGIS knows of a layer without its features."""
    box = of.extent()
    return {
        "geometry": of.wkbType(),
        "features": of.featureCount(),
        "crs": of.crs().authid(),
        "fields": {field.name(): field.typeName() for field in of.fields()},
        "extent": [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()],
    }


def draw(districts, front, path):
    """Draw districts by who holds them, with the front on top, to a PNG."""
    field = 'coalesce("controller", "status")'
    districts.setRenderer(
        QgsCategorizedSymbolRenderer(
            field,
            [
                QgsRendererCategory(
                    value,
                    QgsFillSymbol.createSimple(
                        {"color": colour, "outline_color": "#ffffff", "outline_width": "0.1"}
                    ),
                    value,
                )
                for value, colour in COLOURS.items()
            ],
        )
    )
    front.setRenderer(
        QgsSingleSymbolRenderer(QgsLineSymbol.createSimple({"color": "#c00000", "width": "0.8"}))
    )
    settings = QgsMapSettings()
    settings.setLayers([front, districts])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setOutputSize(QSize(1000, 800))
    settings.setBackgroundColor(QColor("white"))
    to_mercator = QgsRectangle(6700000, 3400000, 8400000, 4700000)
    settings.setExtent(to_mercator)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    assert not job.errors(), [error.message for error in job.errors()]
    image = job.renderedImage()
    assert image.save(path)
    return {
        colour: sum(
            image.pixelColor(x, y).name() == colour
            for x in range(0, image.width(), 4)
            for y in range(0, image.height(), 4)
        )
        for colour in COLOURS.values()
    }


def main(service, path):
    """Ask everything and tell it."""
    address = f"{service}/ogc"
    then = f"{address}?datetime=2021-08-15"
    layers = {
        name: layer(address, name) for name in ("districts", "provinces", "events", "frontline")
    }
    now = everything(layers["districts"])
    districts = layer(then, "districts", page_size=100)
    inside = list(districts.getFeatures(QgsFeatureRequest().setFilterRect(FARYAB)))
    on_the_day = everything(districts)
    asked_by_filter = layer(address, "districts")
    asked_by_filter.setSubsetString("\"as_of\" = '2021-08-15'")
    changed_since = layer(address, "districts")
    changed_since.setSubsetString("to_date(\"since\") >= to_date('2021-08-01')")
    told = {
        "host": urlsplit(service).netloc,
        "layers": {name: described(of) for name, of in layers.items()},
        "now": len(now),
        "then": outcomes(on_the_day),
        "then_by_filter": outcomes(everything(asked_by_filter)),
        "since_august": len(everything(changed_since)),
        "as_of": sorted({f["as_of"].toString("yyyy-MM-dd") for f in on_the_day}),
        "in_faryab": sorted(f["id"] for f in inside),
        "with_geometry": sum(f.hasGeometry() for f in on_the_day),
        "pixels": draw(
            layer(then, "districts"), layer(f"{then}&kinds=front,contested", "frontline"), path
        ),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:])
    application.exitQgis()
