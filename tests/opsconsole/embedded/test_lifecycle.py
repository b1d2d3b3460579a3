"""The embedded servers come up, are shared, and go; whatever is killed, what was committed is there afterwards."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from opsconsole.embedded import CannotServe, Urls, servers
from opsconsole.embedded.locks import is_held
from opsconsole.embedded.places import Places, State
from tests.waiting import eventually

pytestmark = pytest.mark.processes

HOLD = """
import sys
from pathlib import Path
from opsconsole.embedded import servers
with servers(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the servers until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()
    eventually(lambda: not is_held(Places(tmp_path).keeper_lock))


def note(urls: Urls) -> int:
    """Write one row and return how many there are."""
    with psycopg.connect(urls.database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO note DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM note").fetchone()
        assert row is not None
        return int(row[0])


def keeper_pid(places: Places) -> int:
    state = State.read(places.state)
    assert state is not None
    return state.pid


def postmaster_pid(places: Places) -> int:
    return int((places.postgres / "postmaster.pid").read_text().splitlines()[0])


def redis_pid(urls: Urls) -> int:
    with redis.Redis.from_url(urls.redis) as client:
        return int(client.info("server")["process_id"])


def test_both_servers_answer_and_nothing_is_left_afterwards(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with servers(tmp_path) as urls:
        assert note(urls) == 1
        with redis.Redis.from_url(urls.redis) as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert not is_held(places.keeper_lock)
    assert not places.state.exists()
    assert not places.sockets.exists()


def test_durability_is_never_traded(tmp_path: Path) -> None:
    with servers(tmp_path) as urls, psycopg.connect(urls.database) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert [connection.execute(f"SHOW {name}").fetchone() for name in names] == [("on",)] * 3


def test_the_second_user_joins_and_the_last_one_out_stops_the_servers(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    places = Places(tmp_path)
    first_keeper = keeper_pid(places)
    with servers(tmp_path) as urls:
        assert keeper_pid(places) == first_keeper
        holder.communicate("")
        assert note(urls) == 1
        assert is_held(places.keeper_lock)
    assert not is_held(places.keeper_lock)


def test_the_servers_end_when_their_only_user_is_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    places = Places(tmp_path)
    assert is_held(places.keeper_lock)
    holder.kill()
    eventually(lambda: not is_held(places.keeper_lock))
    assert not (places.postgres / "postmaster.pid").exists()


def test_a_server_that_is_killed_comes_back_at_the_same_address(tmp_path: Path) -> None:
    with servers(tmp_path) as urls:
        note(urls)
        os.kill(postmaster_pid(Places(tmp_path)), signal.SIGKILL)
        os.kill(redis_pid(urls), signal.SIGKILL)
        assert eventually(lambda: answered(urls), within=20) == 2


def answered(urls: Urls) -> int:
    try:
        redis_pid(urls)
        return note(urls)
    except (psycopg.OperationalError, redis.ConnectionError):
        return 0


def test_what_was_committed_survives_everything_being_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    places = Places(tmp_path)
    with servers(tmp_path) as urls:
        note(urls)
        for pid in (keeper_pid(places), postmaster_pid(places), redis_pid(urls)):
            os.kill(pid, signal.SIGKILL)
    # A process that is being killed holds its lock and its sockets a moment longer, and would be joined.
    eventually(lambda: not is_held(places.keeper_lock))
    holder.kill()
    pid_file = places.postgres / "postmaster.pid"
    assert pid_file.exists()
    # After a reboot the number may be any living process: ours, here.
    pid_file.write_text(pid_file.read_text().replace(str(pid_of(pid_file)), str(os.getpid()), 1))
    with servers(tmp_path) as urls:
        assert note(urls) == 2


def pid_of(pid_file: Path) -> int:
    return int(pid_file.read_text().splitlines()[0])


def test_a_keeper_that_is_killed_takes_its_servers_along_and_is_replaced(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with servers(tmp_path) as urls:
        note(urls)
        first = keeper_pid(places)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not is_held(places.keeper_lock))
        with servers(tmp_path) as again:
            assert again == urls
            assert keeper_pid(places) != first
            assert note(again) == 2


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    half_made = tmp_path / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with servers(tmp_path) as urls:
        assert note(urls) == 1
    assert not half_made.exists()


def test_the_socket_folder_stays_short_however_long_the_data_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ("deep-" * 20) / ("deeper-" * 10)
    assert len(str(folder)) > 107
    with servers(folder) as urls:
        assert note(urls) == 1


def test_a_data_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotServe, match=r"cannot write to the data folder .*OPSCONSOLE_DATA_DIR"),
        servers(tmp_path / "file" / "data"),
    ):
        pass


def test_a_broken_cluster_is_said_in_one_sentence(tmp_path: Path) -> None:
    with servers(tmp_path):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(CannotServe, match=r"^the embedded PostgreSQL ended while starting: .*incompatible"),
        servers(tmp_path),
    ):
        pass
