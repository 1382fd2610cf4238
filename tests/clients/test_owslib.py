"""owslib's client of OGC API - Features reads `/ogc`."""

from collections import Counter

import pytest
from owslib.ogcapi.features import Features

from ..services import Service


@pytest.fixture(scope="module")
def features(service: Service) -> Features:
    return Features(f"{service.url}/ogc")


def test_it_finds_its_way(features: Features) -> None:
    assert features.feature_collections() == ["districts", "provinces", "events", "frontline"]
    classes = features.conformance()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert features.api()["openapi"].startswith("3.0.")


def test_it_describes_a_collection(features: Features) -> None:
    collection = features.collection("districts")
    assert collection["extent"]["spatial"]["bbox"][0] == pytest.approx(
        [60.5, 29.4, 74.9, 38.5], abs=0.1
    )
    assert collection["extent"]["temporal"]["interval"][0][1] is None
    queryables = features.collection_queryables("districts")
    assert {"controller", "status", "province"} <= queryables["properties"].keys()


def test_it_asks_for_a_moment_a_box_and_a_property(features: Features) -> None:
    found = features.collection_items(
        "districts",
        datetime_="2021-06-10",
        bbox=[63.5, 35.0, 65.5, 36.5],
        controller="taliban",
        limit=5,
    )
    assert "AF2907" in {feature["id"] for feature in found["features"]}
    assert {f["properties"]["controller"] for f in found["features"]} == {"taliban"}
    assert found["numberMatched"] == found["numberReturned"] == len(found["features"])
    assert found["as_of"] == "2021-06-10"


def test_it_gets_one_feature(features: Features) -> None:
    district = features.collection_item("districts", "AF2907")
    assert (district["properties"]["name"], district["type"]) == ("Qaysar", "Feature")


def test_parameters_of_the_address_hold_for_all_that_it_asks(service: Service) -> None:
    features = Features(f"{service.url}/ogc/?datetime=2021-08-15")
    found = features.collection_items("districts", limit=1000)
    assert found["as_of"] == "2021-08-15"
    holders = Counter(feature["properties"]["controller"] for feature in found["features"])
    assert holders["taliban"] == 103


def test_it_tells_what_was_wrong(features: Features) -> None:
    with pytest.raises(RuntimeError, match="there is no such parameter here"):
        features.collection_items("districts", ooga="booga")
