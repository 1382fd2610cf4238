"""The container files agree with the project and with each other, as far as text can tell."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ENV_EXAMPLE = dict(
    re.findall(r"^#?([A-Z][A-Z_]*)=(.*)$", (PROJECT / ".env.example").read_text(), re.M)
)
SETTINGS = {name.upper() for name in Settings.model_fields}


def _dockerfile() -> list[tuple[str, str]]:
    text = (PROJECT / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines) if name]


INSTRUCTIONS = _dockerfile()


def _all(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def _environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(_all("ENV"))))


def _copied() -> list[str]:
    return [source for rest in _all("COPY") for source in rest.split()[:-1]]


def test_every_copied_path_exists_and_reaches_the_build() -> None:
    let_in = re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.M)
    assert sorted(_copied()) == sorted(let_in)
    for source in _copied():
        assert (PROJECT / source).exists(), source


def test_everything_but_the_copied_stays_out_of_the_build() -> None:
    patterns = [
        line
        for line in (PROJECT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert patterns[0] == "*"


def test_the_image_has_what_the_program_reads_beside_its_package() -> None:
    assert {"app/", "migrations/", "seeds/", "alembic.ini"} <= set(_copied())
    assert any("--editable ." in rest for rest in _all("RUN"))


def test_the_image_installs_the_pinned_packages_before_the_code() -> None:
    steps = [f"{name} {rest}" for name, rest in INSTRUCTIONS]
    pinned = next(i for i, step in enumerate(steps) if "--require-hashes" in step)
    assert pinned < steps.index("COPY app/ app/")


def test_the_command_exists() -> None:
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    program, *_ = json.loads(_all("CMD")[-1])
    assert program in scripts


def test_the_image_does_not_run_as_root() -> None:
    user = _all("USER")[-1]
    assert user not in {"root", "0"}
    assert any("useradd" in rest and rest.endswith(user) for rest in _all("RUN"))


def test_base_images_are_pinned_by_tag() -> None:
    images = [*_all("FROM"), *(s["image"] for s in SERVICES.values() if "image" in s)]
    assert len(images) == 2
    for image in images:
        assert re.fullmatch(r"[a-z/]+:\d[\w.-]+", image), image


def test_the_ports_agree() -> None:
    port = _environment()["PORT"]
    app = SERVICES["app"]
    assert _all("EXPOSE") == [port]
    assert str(app["environment"]["PORT"]) == port
    assert app["ports"] == [f"127.0.0.1:${{PORT:-{ENV_EXAMPLE['PORT']}}}:{port}"]
    assert Settings.model_fields["port"].default == int(ENV_EXAMPLE["PORT"])


def test_the_image_listens_beyond_its_own_loopback() -> None:
    assert _environment()["HOST"] == SERVICES["app"]["environment"]["HOST"] == "0.0.0.0"  # noqa: S104


def test_the_health_check_asks_for_readiness() -> None:
    (check,) = _all("HEALTHCHECK")
    program, option, code = json.loads(check[check.index("[") :])
    assert (program, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert "/readyz" in code


def test_the_app_waits_for_a_healthy_database() -> None:
    assert SERVICES["app"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert "pg_isready" in SERVICES["db"]["healthcheck"]["test"]


def test_the_database_is_the_one_the_app_is_told_of() -> None:
    database = SERVICES["db"]["environment"]
    assert SERVICES["app"]["environment"]["DATABASE_URL"] == (
        f"postgresql+psycopg://{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"
        f"@db:5432/{database['POSTGRES_DB']}"
    )
    assert "ports" not in SERVICES["db"]


def test_the_data_outlives_the_container() -> None:
    volume, _, folder = SERVICES["db"]["volumes"][0].partition(":")
    assert volume in COMPOSE["volumes"]
    assert folder == "/var/lib/postgresql/data"


def test_every_variable_of_compose_is_documented_with_its_default() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    used = set(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    assert len(re.findall(r"\$\{", text)) == len(re.findall(r"\$\{\w+:-", text))
    assert {name: ENV_EXAMPLE.get(name) for name, _ in used} == dict(used)


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert set(ENV_EXAMPLE) - {"POSTGRES_PASSWORD"} == SETTINGS
    assert set(SERVICES["app"]["environment"]) <= SETTINGS


@pytest.mark.parametrize("name", sorted(SETTINGS - {"DATABASE_URL", "READ_DATABASE_URL"}))
def test_documented_defaults_are_the_settings_own(name: str) -> None:
    field, documented = name.lower(), ENV_EXAMPLE[name]
    read = Settings(_env_file=None, **{field: documented})
    assert getattr(read, field) == Settings.model_fields[field].default
    # And as one would write it.
    assert documented == str(Settings.model_fields[field].default).replace("False", "false")
