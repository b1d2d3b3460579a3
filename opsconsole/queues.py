"""RQ as a doorbell: jobs carry ids, may be lost, and are never retried by RQ itself.

RQ's own retry runs a job again while the first run may still be going; recovery comes from leases in PostgreSQL.
"""

from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django_rq.queues import DjangoRQ
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job

SUCCESS_KEPT = timedelta(minutes=5)
# RQ's default is a year; a Redis that never evicts would fill up.
FAILURE_KEPT = timedelta(days=1)


class RetryRefused(ValueError):
    """A job asked for RQ's own retry."""


class DoorbellQueue(DjangoRQ):
    """The queue class of every queue (settings.RQ)."""

    def enqueue_call(self, *args: Any, **kwargs: Any) -> Job | None:  # type: ignore[override]  # as DjangoRQ's
        if kwargs.get("retry") is not None:
            raise RetryRefused("no RQ retry: recovery comes from leases in PostgreSQL")
        if kwargs.get("failure_ttl") is None:
            kwargs["failure_ttl"] = int(FAILURE_KEPT.total_seconds())
        if kwargs.get("result_ttl") is None:
            kwargs["result_ttl"] = int(SUCCESS_KEPT.total_seconds())
        job: Job | None = super().enqueue_call(*args, **kwargs)
        return job


def patient_redis() -> redis.Redis:
    """For a process that lives from Redis: a dead one is noticed within seconds, and the caller tries again."""
    timeout = settings.REDIS_TIMEOUT.total_seconds()
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
    )
