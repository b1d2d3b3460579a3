"""docker-compose.yml and docs/deploy.md against the process table."""

import re
from typing import Any

import pytest
import yaml

from opsconsole.paths import PROJECT
from opsconsole.processes import PROCESSES, Process
from opsconsole.upstreams import LIMITS, sandbox_urls

SERVERS = {"postgres", "redis", "rabbitmq"}
BESIDE_THE_TABLE = {"setup"}
# What lies in files, by its folder in the data folder, and who reads or writes it there.
SHARED = {
    "loads": {"web", "worker-bulk"},
    "reports": {"web", "worker-bulk", "worker-notify", "ticker"},
    "anchors": {"ticker"},
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    services: dict[str, Any] = parsed["services"]
    return services


def test_there_is_a_service_for_every_process_and_no_other(services: dict[str, Any]) -> None:
    assert set(services) == {process.name for process in PROCESSES} | SERVERS | BESIDE_THE_TABLE


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_service_runs_checks_and_stops_its_process_as_the_table_says(
    process: Process, services: dict[str, Any]
) -> None:
    service = services[process.name]
    assert tuple(service["command"][: len(process.command)]) == process.command
    assert set(service["command"][len(process.command) :]) <= {"--bind", "--host", "0.0.0.0"}  # noqa: S104
    assert service["restart"] == "always"
    assert service["healthcheck"]["test"] == ["CMD", "python3", "manage.py", "alive", process.name]
    assert service["stop_grace_period"] == f"{process.grace.seconds}s"
    assert service.get("stop_signal", "SIGTERM") == process.stop_signal.name
    assert set(service["depends_on"]) == SERVERS | BESIDE_THE_TABLE


@pytest.mark.parametrize("process", [one for one in PROCESSES if one.queue], ids=lambda process: process.name)
def test_a_worker_takes_exactly_the_queue_in_its_name(process: Process, services: dict[str, Any]) -> None:
    assert services[process.name]["command"] == ["worker", "--queue", process.queue]
    assert process.name == f"worker-{process.queue}"


@pytest.mark.parametrize("name", sorted(SHARED))
def test_who_needs_a_folder_has_it_as_a_volume_in_which_our_user_may_write(name: str, services: dict[str, Any]) -> None:
    folder = f"/var/lib/opsconsole/{name}"
    having = {each for each, service in services.items() if f"{name}:{folder}" in service.get("volumes", [])}
    assert having == SHARED[name]
    image = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
    assert folder in re.findall(r"install -d -o opsconsole (.+)", image)[0].split()


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_server_is_restarted_and_has_a_health_check(name: str, services: dict[str, Any]) -> None:
    assert services[name]["restart"] == "always"
    assert services[name]["healthcheck"]["test"]


def test_every_neighbour_is_the_sandbox_unless_named_otherwise(services: dict[str, Any]) -> None:
    environment = services["web"]["environment"]
    ports = {name: url.rpartition(":")[2] for name, url in sandbox_urls(8100).items() if name in LIMITS}
    expected = {
        f"{name.upper()}_URL": f"${{{name.upper()}_URL:-http://sandbox:{port}}}" for name, port in ports.items()
    }
    named = {name: value for name, value in environment.items() if name in expected}
    assert named == expected


def test_the_page_about_deployment_has_the_same_table() -> None:
    page = (PROJECT / "docs" / "deploy.md").read_text()
    rows = re.findall(
        r"^\| ([\w-]+) \| `manage\.py ([^`]+)` \| (\w*) ?\| (.+?) \| TERM, (\d+) s \|$", page, re.MULTILINE
    )
    assert rows == [
        (
            one.name,
            " ".join(one.command),
            one.queue,
            f"`{one.health}` answers" if one.health else "heartbeat row",
            str(one.grace.seconds),
        )
        for one in PROCESSES
    ]
