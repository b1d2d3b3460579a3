"""`/health`: the process answers. Whether it can do its work is `/ready`'s question, not this one's."""

from django.http import HttpRequest, HttpResponse


def health(_request: HttpRequest) -> HttpResponse:
    """No database, no Redis: a platform that restarts what fails here must not do so because PostgreSQL is away."""
    return HttpResponse("alive\n", content_type="text/plain", headers={"Cache-Control": "no-store"})
