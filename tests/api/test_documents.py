"""Documents that PostgreSQL writes are the documents that the API's own description promises."""

import json

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from app.api.ogc.documents import DistrictProperties
from app.api.schemas.places import DistrictItem, DistrictList

LISTS = [
    "/control",
    "/control?as_of=2021-07-20&reported_by=2021-07-01&min_confidence=claimed",
    "/control?as_of=2021-08-16&limit=1",
    "/districts?limit=1000&as_of=2021-07-20",
    "/districts?status=unknown&as_of=2021-05-01",
    "/districts?q=kohistan",
    "/districts?q=قیصار",
    "/districts?lat=35.69&lon=64.29",
    "/districts?controller=taliban&as_of=2019-01-01",
]


@pytest.mark.parametrize("address", LISTS)
def test_a_list_is_written_as_its_model_would_write_it(client: TestClient, address: str) -> None:
    text = client.get(address).text
    assert DistrictList.model_validate_json(text, strict=True).model_dump_json() == text


COLLECTIONS: list[tuple[str, type[BaseModel]]] = [
    ("/control?f=geojson&as_of=2021-07-20", DistrictItem),
    ("/districts?f=geojson&q=kohistan", DistrictItem),
    ("/ogc/collections/districts/items?limit=500&datetime=2021-07-20", DistrictProperties),
    ("/ogc/collections/districts/items?limit=500&status=controlled", DistrictProperties),
]


@pytest.mark.parametrize(("address", "model"), COLLECTIONS)
def test_properties_are_those_of_their_model(
    client: TestClient, address: str, model: type[BaseModel]
) -> None:
    text = client.get(address).text
    document = json.loads(text)
    # Not a space, not an escape more than there was when Python wrote it.
    assert json.dumps(document, ensure_ascii=False, separators=(",", ":")) == text
    assert len(document["features"]) > 1
    for feature in document["features"]:
        written = json.dumps(feature["properties"], ensure_ascii=False, separators=(",", ":"))
        assert model.model_validate_json(written, strict=True).model_dump_json() == written
