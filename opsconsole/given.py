"""Checks of servers that the environment names: they must answer and be recent enough."""

import os

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

OLDEST_POSTGRESQL = 15
OLDEST_REDIS = 7
ANSWER_WITHIN = 5  # seconds


class UnfitServer(Exception):
    """A named server is out of reach or too old; the message is one sentence."""


def check_given_servers() -> None:
    check_postgresql(os.environ["DATABASE_URL"])
    check_redis(os.environ["REDIS_URL"])


def check_postgresql(address: str) -> None:
    try:
        with psycopg.connect(address, connect_timeout=ANSWER_WITHIN) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.ProgrammingError as problem:
        # The message would repeat the address, password included.
        raise UnfitServer("DATABASE_URL must look like postgresql://user@host:5432/database.") from problem
    except psycopg.Error as problem:
        raise UnfitServer(f"PostgreSQL of DATABASE_URL does not answer: {_first_line(problem)}") from problem
    if major < OLDEST_POSTGRESQL:
        raise UnfitServer(f"PostgreSQL of DATABASE_URL is version {major}; {OLDEST_POSTGRESQL} or newer is needed.")


def check_redis(address: str) -> None:
    try:
        client = redis.Redis.from_url(address, socket_timeout=ANSWER_WITHIN, retry=Retry(NoBackoff(), 0))
        version = str(client.info("server")["redis_version"])
        client.close()
    except ValueError as problem:
        raise UnfitServer("REDIS_URL must look like redis://host:6379/0 or unix:///path.") from problem
    except redis.RedisError as problem:
        raise UnfitServer(f"Redis of REDIS_URL does not answer: {_first_line(problem)}") from problem
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise UnfitServer(f"Redis of REDIS_URL is version {version}; {OLDEST_REDIS} or newer is needed.")


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
