"""What a file of the catalogue may say. Anything else in it is a mistake."""

from enum import StrEnum
from typing import Annotated, Literal

from django.utils.translation import gettext
from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[int, Field(ge=0, le=100)]  # per cent
Seconds = Annotated[int, Field(ge=0)]


class How(StrEnum):
    """What becomes of a service when one that it needs is away."""

    HARD = "hard"  # it is away, too
    SOFT = "soft"  # it goes on with less
    ONE_OF = "one_of"  # it is away when all of these are


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Need(_Table):
    service: str
    how: Annotated[How, Field(strict=False)] = How.HARD


class Recovery(_Table):
    """Seconds. `rto` and `rpo` are targets, `today` what it takes at worst by what is known, `said` in words."""

    rto: Seconds
    rpo: Seconds | None = None
    today: Seconds | None = None
    said: str
    said_id: str = ""  # in Indonesian, where it is not a name
    target: str = ""


class Protection(_Table):
    """How it is called now: `timeout` in seconds for the whole call, `tries` at most. `fallback` "" is not known,
    "none" is none."""

    fallback: str
    fallback_id: str = ""  # in Indonesian, where it is not a name
    timeout: float | int | None = None
    breaker: bool | None = None
    tries: int | None = None


class Audit(_Table):
    """As the code audit found it, before the programme. `timeout`: shortest and longest, in seconds."""

    timeout: list[int] | None = None
    wanted_timeout: int | None = None
    breaker: bool
    fallback: str
    tries: int | None = None
    degrades: str


class Service(_Table):
    """One service. `page` is how bad it is when it is down (domain, section 7); `blast_radius` the share of the
    platform that is lost then; `risk` what the programme began with; `neighbours` its names in the settings."""

    name: str
    english: str = Field(alias="title")
    kind: Literal["service", "neighbour", "external", "infrastructure"]
    severity: Literal["critical", "high", "medium"]
    page: Literal["P0", "P1", "P2"]
    owner: str
    blast_radius: Share
    risk: Share
    aliases: tuple[str, ...] = Field(default=(), strict=False)
    neighbours: tuple[str, ...] = Field(default=(), strict=False)
    runbook: str = ""
    recovery: Recovery
    protection: Protection
    audit: Audit | None = None
    needs: tuple[Need, ...] = Field(default=(), strict=False)

    @property
    def title(self) -> str:
        """In the reader's language; a name of its own stays as it is."""
        return gettext(self.english)

    @property
    def page_severity(self) -> int:
        return int(self.page[1:])

    @property
    def has_fallback(self) -> bool:
        return self.protection.fallback not in ("", "none")
