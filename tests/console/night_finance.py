"""What finance does on its pages after a night: Budi loads a report and proposes a repair, Ratna approves it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from opsconsole.sandbox.remote import RemoteSandbox
from reconciliation.models import Break, Load
from reconciliation.services import loading
from runbooks.models import Plan
from runbooks.services import approving
from tests.console.browser import Site
from tests.console.night_hands import SLOW, press
from tests.opsconsole.scenarios import books
from tests.sandbox_fixtures import wait_until


@dataclass
class Finance:
    """`repaired` are the breaks of the repairs that went through their hands."""

    site: Site
    budi: Page
    ratna: Page
    repaired: list[Break]

    def __post_init__(self) -> None:
        for page in (self.budi, self.ratna):
            page.set_default_timeout(SLOW)

    def load(self, control: RemoteSandbox, gateway: str, day: date) -> None:
        """The gateway's report of the day, looked at first, and then taken in."""
        page, newest = self.budi, Load.objects.order_by("pk").last()
        before = newest.pk if newest else 0
        report: FilePayload = {"name": f"{gateway}.csv", "mimeType": "text/csv", "buffer": control.report(gateway, day)}
        page.goto(f"{self.site.url}/reconciliation/loads/new/")
        page.locator("input[name=file]").set_input_files(report)
        page.locator("select[name=side]").select_option("gateway")
        page.locator("select[name=layout]").select_option(gateway)
        page.get_by_role("button", name="Look at it").click()
        page.locator("input[name=through]").fill(day.isoformat())
        page.get_by_role("button", name="Load it").click()
        load = wait_until(Load.objects.filter(pk__gt=before).first, seconds=20)
        loaded = loading.work(load.pk)  # no worker takes files here
        assert loaded is not None
        assert loaded.state == "loaded", loaded.reason

    def carry_out(self, found: Iterable[Any], action: str) -> Plan:
        """The first repair that has something to do goes through the pages of its case; the others do not."""
        breaks = list(found)
        if self.repaired:
            return books.carry_out(breaks, action)
        case = list(Break.objects.filter(case=breaks[0].case_id, state="open"))
        self.budi.goto(f"{self.site.url}/reconciliation/cases/{breaks[0].case_id}/")
        self.budi.locator(f"form:has(input[name=action][value='{action}']) button").click()
        plan = self._proposed()
        self.repaired = case if plan.eligible else []
        others = [each for each in breaks if each not in case]
        return books.carry_out(others, action) if others else plan

    def _proposed(self) -> Plan:
        expect(self.budi.locator("#plan .page-head")).to_be_visible()
        plan = Plan.objects.get(code=self.budi.url.rstrip("/").rpartition("/")[2])
        if not plan.eligible:  # on-call's runbook has done it already, and the books are only to be read
            return plan
        typed = approving.to_type(plan)
        if plan.risk != "second_person":
            press(self.budi, "start", typed=typed)
            return books.to_its_end(plan)
        press(self.budi, "propose", typed=typed)
        expect(self.budi.locator("#plan")).to_contain_text("Waits for a second person")
        self.ratna.goto(f"{self.site.url}/runbooks/plans/{plan.code}/")
        press(self.ratna, "approve", typed=typed)
        return books.to_its_end(plan)
