"""What a worker process needs to work on the database, the Redis and the neighbours of a test."""

import os
from collections.abc import Mapping

from django.db import connection


def worker_environment(neighbours: Mapping[str, str]) -> dict[str, str]:
    database = connection.settings_dict
    where = f"{database['HOST']}:{database['PORT']}" if database["PORT"] else ""
    options = "" if where else f"?host={database['HOST']}"
    address = f"postgresql://{database['USER']}:{database['PASSWORD']}@{where}/{database['NAME']}{options}"
    urls = {f"{name.upper()}_URL": url for name, url in neighbours.items()}
    return {**os.environ, "DATABASE_URL": address, "WORK_THREADS": "2", **urls}
