"""What finance holds may be referred to meanwhile: a run that writes events of breaks and days waits for nobody."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from reconciliation.models import Break, Case
from reconciliation.services import bridges, closing, findings
from reconciliation.services.runs import reconcile
from tests.locks import assert_may_be_referred_to
from tests.reconciliation.test_bridges import DAY, books, paid
from tests.reconciliation.test_closing import BUDI, agreed

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_break_and_its_case_that_somebody_is_giving_away_do_not_stop_what_refers_to_them() -> None:
    books([paid(100, "A")], [paid(100, "A")], [])
    reconcile(actor="test")
    ratna = User.objects.create(username="ratna")
    with transaction.atomic():
        case = findings.assign_case(Case.objects.get().pk, ratna, expected=0, actor=BUDI)
        assert_may_be_referred_to(case)
    found = Break.objects.get()
    with transaction.atomic():
        assert findings.assign([found.pk], ratna, actor=BUDI) == 1
        assert_may_be_referred_to(found)


def test_a_day_that_somebody_is_signing_does_not_stop_what_refers_to_it() -> None:
    agreed()
    day = bridges.refresh(DAY)
    with transaction.atomic():
        assert_may_be_referred_to(closing.sign(DAY, digest=day.digest, actor=BUDI))
