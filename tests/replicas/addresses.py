"""What the tests of this folder ask for."""

DISTRICT = "AF0102"
TILE = "/tiles/6/43/25.mvt"
ADDRESSES = (
    "/control?as_of=2021-08-31",
    f"/districts/{DISTRICT}/control?as_of=2021-08-31",
    f"/districts/{DISTRICT}/timeline",
    "/summary?as_of=2021-08-31",
    "/events?limit=5",
    "/ogc/collections/districts/items?limit=3",
    f"{TILE}?as_of=2021-08-31",
    f"/d/{DISTRICT}?as_of=2021-08-31",
)
KNOWING = (
    "/control?as_of=2021-08-31&known_at={}",
    "/control?as_of=2021-08-31&f=geojson&known_at={}",
    "/summary?as_of=2021-08-31&known_at={}",
    "/series?from=2021-08-01&to=2021-08-31&known_at={}",
    "/replay?known_at={}",
    "/frontline?as_of=2021-08-31&known_at={}",
    "/provinces/AF01/summary?as_of=2021-08-31&known_at={}",
    f"/districts/{DISTRICT}/control?as_of=2021-08-31&known_at={{}}",
    f"/districts/{DISTRICT}/timeline?as_of=2021-08-31&known_at={{}}",
    f"/events?district={DISTRICT}&known_at={{}}",
    "/changes?as_of=2021-08-31&known_from=2021-01-01&known_to={}",
    "/ogc/collections/districts/items?limit=3&known_at={}",
    "/map.svg?as_of=2021-08-31&known_at={}",
    f"{TILE}?as_of=2021-08-31&known_at={{}}",
    f"/d/{DISTRICT}?as_of=2021-08-31&known_at={{}}",
)
