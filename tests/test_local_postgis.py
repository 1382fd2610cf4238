"""The private and the throwaway PostGIS, on real servers: started, shared, killed and stopped."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.local_postgis import LocalPostgisError, private_postgis, programs, throwaway_postgis
from app.local_postgis.__main__ import main

PROJECT = Path(__file__).resolve().parent.parent
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root starts the server as another user")

# A service: it says its URL once it is up and ends when its standard input does.
SERVICE = """
import sys
from pathlib import Path
from app.local_postgis import private_postgis, throwaway_postgis
context = private_postgis(Path(sys.argv[1])) if sys.argv[1:] else throwaway_postgis()
with context as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def query(url: str, *statements: str) -> Any:
    """Run the statements in one transaction and return the last one's single value, if any."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        results = [connection.execute(sa.text(statement)) for statement in statements]
        return results[-1].scalar() if results[-1].returns_rows else None


def server_pid(home: Path) -> int:
    return int((home / "postgis" / "data" / "postmaster.pid").read_text().split()[0])


def is_gone(pid: int) -> bool:
    try:  # a dead child that nobody has waited for yet has no command line
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def has_stopped(home: Path) -> bool:
    return not (home / "postgis" / "data" / "postmaster.pid").exists()


def start_service(*arguments: str | Path, **how: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [how.pop("python", sys.executable), "-c", SERVICE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **{"cwd": PROJECT} | how,
    )


def url_of(service: subprocess.Popen[str]) -> str:
    assert service.stdout is not None
    url = service.stdout.readline().strip()
    assert url, "the service ended before it was up"
    return url


def end(service: subprocess.Popen[str], number: signal.Signals | None = None) -> int:
    with service:
        if number is not None:
            service.send_signal(number)
            service.wait(30)
    return service.returncode


def remove(home: Path) -> None:
    """Delete what a test made, and end its server should the test have failed to."""
    data = (home / "postgis" / "data").resolve()
    if (data / "postmaster.pid").exists():
        pid = server_pid(home)
        if os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: is_gone(pid))
    shutil.rmtree(data.parent, ignore_errors=True)
    shutil.rmtree(home.parent, ignore_errors=True)


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own temporary ones."""
    folder = Path(tempfile.mkdtemp(prefix="checkout-"))
    folder.chmod(0o755)
    yield folder
    remove(folder / ".local")


@pytest.fixture
def home(checkout: Path) -> Path:
    return checkout / ".local"


def listening_tcp_sockets(pid: int) -> set[str]:
    def target(descriptor: Path) -> str:
        try:
            return str(descriptor.readlink())
        except OSError:
            return ""  # closed since it was listed

    own = {target(descriptor) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
    listening = "0A"
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        if Path(f"/proc/net/{table}").exists()
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == listening and f"socket:[{row[9]}]" in own}


def test_it_starts_serves_postgis_and_stops(home: Path) -> None:
    with private_postgis(home) as url:
        pid = server_pid(home)
        assert query(url, "CREATE EXTENSION postgis", "SELECT postgis_lib_version()")
        assert query(url, "SELECT current_database()") == "district_control"
        expected = {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "fsync": "on",
            "TimeZone": "UTC",
            "listen_addresses": "",
        }
        assert {name: query(url, f"SHOW {name}") for name in expected} == expected
        assert listening_tcp_sockets(pid) == set()
    assert is_gone(pid)
    assert has_stopped(home)


def test_only_its_user_may_enter_the_data_and_the_socket(home: Path) -> None:
    with private_postgis(home) as url:
        socket = Path(sa.make_url(url).query["host"])  # type: ignore[arg-type]
        for folder in (home / "postgis", home / "postgis" / "data", socket):
            assert folder.stat().st_mode & 0o777 == 0o700
            assert folder.stat().st_uid == Path(f"/proc/{server_pid(home)}").stat().st_uid != 0


def test_the_data_is_there_on_the_next_start(home: Path) -> None:
    with private_postgis(home) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with private_postgis(home) as url:
        assert query(url, "SELECT answer FROM kept") == 42


def test_racing_starts_share_one_server_and_the_last_out_stops_it(home: Path) -> None:
    services = [start_service(home) for _ in range(3)]
    assert len({url_of(service) for service in services}) == 1
    pid = server_pid(home)
    for service in services[:-1]:
        assert end(service) == 0
        assert not is_gone(pid)
    assert end(services[-1]) == 0
    assert is_gone(pid)


def test_a_killed_server_starts_again_with_its_data(home: Path) -> None:
    with private_postgis(home) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server_pid(home)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))
        with private_postgis(home) as again:
            assert query(again, "SELECT answer FROM kept") == 42


def test_a_strangers_process_with_the_killed_servers_number_is_not_taken_for_it(
    home: Path,
) -> None:
    with private_postgis(home) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server_pid(home)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))
    pid_file = home / "postgis" / "data" / "postmaster.pid"
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as stranger:
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(stranger.pid), 1))
        with private_postgis(home) as url:
            assert query(url, "SELECT answer FROM kept") == 42
        assert stranger.poll() is None


def test_the_next_start_takes_over_the_server_of_a_killed_service(home: Path) -> None:
    service = start_service(home)
    url = url_of(service)
    pid = server_pid(home)
    end(service, signal.SIGKILL)
    assert not is_gone(pid)
    with private_postgis(home) as again:
        assert (again, server_pid(home)) == (url, pid)
    assert is_gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_told_to_end_stops_its_server(home: Path, number: signal.Signals) -> None:
    service = start_service(home)
    url_of(service)
    pid = server_pid(home)
    assert end(service, number) == 128 + signal.SIGTERM
    assert is_gone(pid)


def test_a_path_too_long_for_a_socket(checkout: Path) -> None:
    with private_postgis(checkout / ("long" * 30) / ".local") as url:
        assert query(url, "SELECT 1") == 1
        socket = Path(sa.make_url(url).query["host"])  # type: ignore[arg-type]
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not socket.exists()


@pytest.mark.parametrize("name", ["with space", "a,b'c\"d$HOME`e`", "ولسوالی"])
def test_a_path_with_unusual_characters(checkout: Path, name: str) -> None:
    with private_postgis(checkout / name) as url:
        assert query(url, "SELECT 1") == 1


@only_root
def test_a_checkout_that_the_servers_user_cannot_enter(checkout: Path) -> None:
    checkout.chmod(0o700)
    home = checkout / ".local"
    for _ in range(2):
        with private_postgis(home) as url:
            assert query(url, "SELECT 1") == 1
            assert (home / "postgis").readlink().parent == Path("/var/lib/district-control")
        assert has_stopped(home)


@only_root
def test_a_user_without_rights_starts_it_as_that_user(checkout: Path) -> None:
    user = pwd.getpwnam("nobody")
    how: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    python = "/usr/bin/python3"
    new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not Path(python).exists() or subprocess.call([python, "-c", new_enough]):
        pytest.skip("every user's Python 3.11 is not installed")
    shutil.copytree(
        PROJECT / "app", checkout / "app", ignore=lambda *_: {"__pycache__", "api", "store"}
    )
    os.chown(checkout, user.pw_uid, user.pw_gid)
    service = start_service(checkout / ".local", python=python, cwd=checkout, **how)
    url = url_of(service)
    pid = server_pid(checkout / ".local")
    assert Path(f"/proc/{pid}").stat().st_uid == user.pw_uid

    # Root joins the same server instead of starting a second one, and leaves it to its user.
    with private_postgis(checkout / ".local") as joined:
        assert joined == url
        assert query(joined, "SELECT 1") == 1
    assert not is_gone(pid)
    assert end(service) == 0
    assert is_gone(pid)


def test_the_callers_libpq_variables_do_not_mislead(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misleading = {
        "PGHOST": "elsewhere.invalid",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGDATA": "/nonexistent",
        "PGDATABASE": "other",
        "PGUSER": "other",
        "PGSERVICE": "other",
    }
    for name, value in misleading.items():
        monkeypatch.setenv(name, value)
    with private_postgis(home) as url:
        assert query(url, "SELECT current_database()") == "district_control"
    assert {name: os.environ.get(name) for name in misleading} == misleading


def test_a_failed_start_shows_the_end_of_the_log(home: Path) -> None:
    with private_postgis(home):
        pass
    settings = home / "postgis" / "data" / "postgresql.conf"
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(LocalPostgisError, match="no_such_setting"), private_postgis(home):
        pytest.fail("started")


def test_data_of_a_version_that_is_gone(home: Path) -> None:
    with private_postgis(home):
        pass
    (home / "postgis" / "data" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(LocalPostgisError, match="postgresql-9-postgis-3"),
        private_postgis(home),
    ):
        pytest.fail("started")


def test_without_postgis_the_message_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "find_postgis", lambda _major: None)
    with (
        pytest.raises(LocalPostgisError, match=r"make install.*docker compose up.*DATABASE_URL"),
        private_postgis(home),
    ):
        pytest.fail("started")
    assert main(["check"]) == 1


def test_the_check_names_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert Path(capsys.readouterr().out.strip(), "initdb").exists()
    assert main([]) == 2


def test_a_planted_link_is_refused(checkout: Path) -> None:
    (checkout / "target").mkdir()
    where = checkout / ".local" / "postgis" / "socket"
    where.parent.mkdir(parents=True)
    if IS_ROOT:
        user = pwd.getpwnam("nobody")
        os.chown(where.parent, user.pw_uid, user.pw_gid)
    where.symlink_to(checkout / "target")
    with (
        pytest.raises(LocalPostgisError, match=str(where)),
        private_postgis(checkout / ".local"),
    ):
        pytest.fail("started")


def test_a_throwaway_one_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere.invalid")
    with throwaway_postgis() as url:
        assert query(url, "CREATE EXTENSION postgis", "SELECT postgis_lib_version()")
        assert sa.make_url(url).database == "postgres"
        assert query(url, "SHOW fsync") == "off"
        assert query(url, "SHOW listen_addresses") == ""
        folder = Path(query(url, "SHOW data_directory")).parent
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    assert is_gone(pid)
    assert not folder.exists()


def test_a_throwaway_one_goes_even_when_its_process_is_killed() -> None:
    service = start_service()
    folder = Path(query(url_of(service), "SHOW data_directory")).parent
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    end(service, signal.SIGKILL)
    wait_until(lambda: is_gone(pid) and not folder.exists())
