"""What the people of a night do on their pages, by clicks and keys: on-call, and the second person beside them."""

import os
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from orders.diagnosis.service import refresh_diagnoses
from orders.models import Refund
from runbooks import policies
from runbooks.models import Guide, Incident, Plan, Run
from runbooks.queries.incidents import hanging_of
from runbooks.registry import find
from runbooks.services import approving
from tests.console.browser import Site
from tests.sandbox_fixtures import wait_until

SLOW = 60_000  # milliseconds that a busy machine may need for a page


@dataclass
class Hands:
    """`sari` leads; `budi` is the second person. `approved` are the plans that she could not start alone."""

    site: Site
    incident: Incident
    sari: Page
    budi: Page
    approved: list[Plan]

    def __post_init__(self) -> None:
        for page in (self.sari, self.budi):
            page.set_default_timeout(SLOW)

    @property
    def address(self) -> str:
        return f"{self.site.url}/incidents/{self.incident.code}/"

    def take(self) -> None:
        """From the list, by keys; what became late since it opened is pinned too."""
        page = self.sari
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        head = page.locator("#incident .page-head")
        expect(head).to_contain_text("Nobody has it")
        page.keyboard.press("r")
        expect(head).to_contain_text("In hand")
        page.get_by_role("button", name="Pin what hangs").click()

    def investigate(self) -> str:
        """The explanation that the board puts first, with all that is said of it."""
        self.sari.goto(self.address)
        self.sari.keyboard.press("b")
        return self.sari.locator("#board section").first.inner_text()

    def begin_runbook(self) -> Guide:
        page = self.sari
        page.goto(self.address)
        page.locator("dt:text-is('Runbook') + dd a").click()
        page.get_by_role("button", name="Begin…").click()
        page.locator("#begin footer button", has_text="Begin").click()
        expect(page.locator("#open-title")).to_contain_text("1.")
        return Guide.objects.get(incident_id=self.incident.pk)

    def step(self, number: int, button: str, *, note: str = "") -> None:
        """The step with this number is open; press its button."""
        expect(self.sari.locator("#open-title")).to_contain_text(f"{number}.")
        if note:
            self.sari.locator(".guide-open textarea[name=note]").fill(note)
        self.sari.locator(".guide-open").get_by_role("button", name=button).click()

    def act(self, number: int) -> Plan | None:
        """An act of the runbook, if there is something to do: what it would touch is what its plan has."""
        page = self.sari
        expect(page.locator("#open-title")).to_contain_text(f"{number}.")
        address, would = page.url, page.locator(".would").inner_text()
        button = page.locator(".guide-open").get_by_role("button", name="Plan it")
        if not button.is_enabled():
            self.step(number, "Leave it out", note="nothing of the kind hangs")
            return None
        button.click()
        plan = self.carry_out()
        assert f" {plan.eligible} order" in would, (would, plan.eligible)
        page.goto(address)
        wait_until(self._figures_are_good, seconds=90, every=1)
        self.step(number, "Done, next step")
        return plan

    def _figures_are_good(self) -> bool:
        """A trip that has ended this moment is owed at Head Office for another: then the step says to wait."""
        self.sari.reload()
        return self.sari.locator(".guide-open .figures [data-tone=attention]").count() == 0

    def repair_rest(self) -> list[Plan]:
        """What still hangs, by what its diagnoses advise: one plan for each advice, made from the incident."""
        while refresh_diagnoses():
            pass
        advised = sorted({f"{row.next_step}@1" for row in hanging_of(self.incident)})
        return [self._repair(action) for action in advised if find(action) and self._offers(action)]

    def _offers(self, action: str) -> bool:
        self.sari.goto(self.address)
        self.sari.get_by_text("Plan a repair…").click()
        return self.sari.locator(f"#repair option[value='{action}']").count() > 0

    def _repair(self, action: str) -> Plan:
        page = self.sari
        page.locator("#repair input[name=cause]").last.check()  # all of them, where there is a choice
        page.locator("#repair select[name=action]").select_option(action)
        page.locator("#repair footer button", has_text="Make the plan").click()
        return self.carry_out()

    def tell_customers(self) -> Plan:
        page = self.sari
        page.goto(self.address)
        page.get_by_text("Tell the customers…").click()
        page.locator("#customers footer button", has_text="Make the plan").click()
        return self.carry_out()

    def carry_out(self) -> Plan:
        """The plan whose page Sari sees: started, or approved by Budi who sees the same hash; run to its end. One that
        pauses after a bad wave is looked at and goes on.
        """
        page = self.sari
        expect(page.locator("#plan .page-head")).to_be_visible()
        plan = Plan.objects.get(code=page.url.rstrip("/").rpartition("/")[2])
        if not plan.eligible:
            return plan
        if plan.risk == "second_person":
            self._approve(plan)
        else:
            press(page, "start", typed=policies.to_type(approving.size_of(plan)))
        while self._rests(plan).state == "paused":
            page.reload()
            press(page, "resume")
            wait_until(lambda: not Run.objects.filter(plan=plan, state="paused").exists(), seconds=20)
        return plan

    def _approve(self, plan: Plan) -> None:
        typed = policies.to_type(approving.size_of(plan))
        press(self.sari, "propose", typed=typed)
        expect(self.sari.locator("#plan")).to_contain_text("Waits for a second person")
        self.budi.goto(f"{self.site.url}/approvals/")
        self.budi.locator("a.btn", has_text="Look and decide").first.click()
        expect(self.budi.locator("#plan .page-head")).to_contain_text(plan.code)
        press(self.budi, "approve", typed=typed)
        wait_until(Run.objects.filter(plan=plan).exists, seconds=20)
        self.approved.append(plan)

    def _rests(self, plan: Plan) -> Run:
        """Its run, once it has finished or waits for a person."""
        rests = Run.objects.filter(plan=plan, state__in=("finished", "paused"))
        run: Run = wait_until(rests.first, seconds=180, every=0.2)
        return run

    def approve_refunds(self) -> int:
        """Those that are too large for one person wait on Budi's page. How many."""
        waiting = Refund.objects.filter(state="requested").count()
        for _each in range(waiting):
            self.budi.goto(f"{self.site.url}/approvals/")
            self.budi.get_by_text("Look and decide…").first.click()
            self.budi.locator("#decide button[value=approve]").click()
            expect(self.budi.locator("#decide")).to_have_count(0)
        assert not Refund.objects.filter(state="requested").exists()
        return waiting

    def resolve(self, reason: str) -> None:
        """Where something speaks against the end, it is ended all the same, and owed."""
        page = self.sari
        page.goto(self.address)
        page.locator("#to-resolve").click()
        page.locator("#deed input[name=reason]").fill(reason)
        override = page.locator("#deed input[name=override]")
        if override.count():
            override.check()
        page.locator("#deed button[data-when-valid]").click()
        expect(page.locator("#incident .page-head")).to_contain_text("Resolved")

    def review(self, summary: str, cause: str, item: str) -> None:
        page = self.sari
        page.locator("#to-review").click()
        page.get_by_role("button", name="Draft the review").click()
        page.locator("textarea[name=summary]").fill(summary)
        page.locator("textarea[name=cause]").fill(cause)
        page.get_by_role("button", name="Keep the texts").click()
        expect(page.locator("form.form small")).to_contain_text("last changed by")
        page.locator("input[name=text]").fill(item)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("main")).to_contain_text(item)
        complete = page.get_by_role("button", name="The review is complete")
        complete.click()
        expect(complete).to_have_count(0)
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=str(Path(folder) / "night-review.png"), full_page=True)


def press(page: Page, deed: str, *, typed: int = 0) -> None:
    """A deed of a plan's page: its dialog opened, filled and confirmed, or its one click."""
    opener = page.locator(f'[data-open="#do-{deed}"]')
    if not opener.count():
        page.locator(f"form[action$='/{deed}/'] button").click()
        return
    opener.click()
    dialog = page.locator(f"#do-{deed}")
    for name, value in (("reason", "they hang since the spike"), ("typed", str(typed))):
        field = dialog.locator(f"input[name={name}]")
        if field.count():
            field.fill(value)
    dialog.locator("button[data-when-valid]").click()


def sizes_of_waves(plan: Plan) -> list[int]:
    """How many rows each wave of its run had."""
    rows = plan.rows.exclude(place=None).values_list("place", flat=True)
    ends = [policies.wave_ends(wave) for wave in range(1, len(policies.WAVES) + 2)]
    found, last = [], 0
    for end in ends:
        found.append(sum(last < place and (end is None or place <= end) for place in rows))
        last = end or last
    return [each for each in found if each]
