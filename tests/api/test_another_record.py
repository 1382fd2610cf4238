"""Another record under a running service: restored from a copy, or that of a promoted replica."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.store.engine import make_engine

from .test_keeping import record_capture, service_on, told, wait_to_hear

CONTROL = "/districts/AF0102/control?as_of=2021-08-31"


def lose(engine: Engine, revision: int) -> None:
    """Take the newest revision away, past the rules of the record."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "DELETE FROM mentions WHERE citation_id IN"
                f" (SELECT id FROM citations WHERE revision = {revision})"
            )
        )
        newest = f"IN (SELECT id FROM events WHERE revision = {revision})"
        connection.execute(text(f"DELETE FROM event_states WHERE event_id {newest}"))
        for table in ("citations", "event_versions", "events", "seals", "revisions"):
            connection.execute(text(f"DELETE FROM {table} WHERE revision = {revision}"))


def instant_of(engine: Engine, revision: int) -> datetime:
    with engine.connect() as connection:
        found: datetime = connection.execute(
            text("SELECT recorded_at FROM revisions WHERE revision = :revision"),
            {"revision": revision},
        ).scalar_one()
    return found


@pytest.fixture(params=["made", "given again"])
def kept_before(request: pytest.FixtureRequest, own_seeded: Engine) -> Iterator[TestClient]:
    """A client of a service that has an answer made from a revision which is about to be lost."""
    record_capture(own_seeded)
    client = TestClient(service_on(own_seeded))
    assert client.get(CONTROL).json()["status"] == "controlled"
    if request.param == "given again":
        assert told(client.get(CONTROL)) == "hit"
    yield client


def test_an_answer_of_a_lost_revision_is_not_given(
    own_seeded: Engine, kept_before: TestClient
) -> None:
    lose(own_seeded, 3)
    answer = kept_before.get(CONTROL).json()
    assert (answer["revision"], answer["status"]) == (2, "unknown")


def test_nor_is_it_when_another_revision_has_its_number(
    own_seeded: Engine, kept_before: TestClient
) -> None:
    lose(own_seeded, 3)
    assert record_capture(own_seeded, "AF0103") == 3
    answer = kept_before.get(CONTROL).json()
    assert (answer["revision"], answer["status"]) == (3, "unknown")


def test_nor_at_fixed_clocks(own_seeded: Engine) -> None:
    revision = record_capture(own_seeded)
    instant = instant_of(own_seeded, revision)
    fixed = f"{CONTROL}&known_at={instant:%Y-%m-%dT%H:%M:%S.%fZ}"
    client = TestClient(service_on(own_seeded))
    assert client.get(fixed).json()["status"] == "controlled"
    lose(own_seeded, revision)
    record_capture(own_seeded, "AF0103")
    assert client.get(fixed).json()["status"] == "unknown"


def test_a_new_connection_looks_whether_the_record_goes_on(own_seeded: Engine) -> None:
    """The number may have been passed when somebody asks next, as after a failover."""
    revision = record_capture(own_seeded)
    instant = instant_of(own_seeded, revision)
    fixed = f"{CONTROL}&known_at={instant:%Y-%m-%dT%H:%M:%S.%fZ}"
    with TestClient(service_on(own_seeded)) as client:
        wait_to_hear(client)
        listener = client.app.state.listener  # type: ignore[attr-defined]
        assert client.get(fixed).json()["status"] == "controlled"
        assert told(client.get(fixed)) == "hit"
        with own_seeded.connect() as connection:
            # What it hears of the new record, it hears over a new connection.
            listener._how = {**listener._how, "host": "/nowhere"}
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                    " application_name = 'district_control_revisions'"
                    " AND datname = current_database()"
                )
            )
        lose(own_seeded, revision)
        for district in ("AF0103", "AF0104"):
            record_capture(own_seeded, district)
        there = own_seeded.dialect.create_connect_args(own_seeded.url)[1]
        listener._how = {**listener._how, "host": there["host"]}
        wait_to_hear(client)
        answer = client.get(fixed)
        assert (told(answer), answer.json()["status"]) == ("fwd=miss; stored", "unknown")


def test_what_is_heard_late_is_no_other_record(own_seeded: Engine) -> None:
    """An answer may be made from a revision of which the notification is still on its way."""
    fixed = f"{CONTROL}&known_at={instant_of(own_seeded, 2):%Y-%m-%dT%H:%M:%S.%fZ}"
    with TestClient(service_on(own_seeded)) as client:
        wait_to_hear(client)
        listener = client.app.state.listener  # type: ignore[attr-defined]
        client.get(fixed)
        listener._hear = lambda _: None
        new = record_capture(own_seeded)
        answer = client.get(f"{CONTROL}&min_revision={new}")
        assert answer.json()["status"] == "controlled"
        assert told(client.get(fixed)) == "hit"
        assert told(client.get(f"{CONTROL}&min_revision={new}")) == "hit"


def test_a_listener_hears_with_the_options_that_a_url_has(seeded: Engine) -> None:
    """As docs/scaling.md writes it, for a failover."""
    url = seeded.url.update_query_dict({"connect_timeout": "5", "application_name": "desk"})
    engine = make_engine(url.render_as_string(hide_password=False))
    with TestClient(service_on(engine)) as client:
        wait_to_hear(client)
    with engine.connect() as connection:
        info = connection.connection.driver_connection.info  # type: ignore[union-attr]
        told_options = info.get_parameters()
    engine.dispose()
    assert (told_options["connect_timeout"], told_options["tcp_user_timeout"]) == ("5", "10000")
