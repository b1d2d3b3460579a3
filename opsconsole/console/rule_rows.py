"""The rows of the rules' form: agreed fees and known differences, as people write them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.money import NotMoney, to_major, to_minor
from reconciliation.agreements import Known, Tariff
from reconciliation.states import Pairing

MOST: Final = 200
BLANK: Final = 2  # rows to fill in, below those in force
_HUNDREDTHS: Final = Decimal(100)
_BOUNDS: Final = ("least", "most", "above")
_Row = TypeVar("_Row", bound="Row")


class Row(forms.Form):
    """One row of a table of inputs; a row without any text is none. `statement` is what a valid one says."""

    statement: Tariff | Known

    @property
    def is_blank(self) -> bool:
        return self.is_bound and not any(str(self.data.get(self.add_prefix(name), "")).strip() for name in self.fields)

    @staticmethod
    def written(found: Mapping[str, Any]) -> dict[str, Any]:
        """A statement in force as the inputs show it."""
        raise NotImplementedError

    def _minor(self, name: str, currency: str) -> int:
        amount = self.cleaned_data.get(name)
        try:
            return to_minor(f"{amount or 0:f}", currency=currency)
        except NotMoney as error:
            self.add_error(name, str(error))
            return 0

    def _currency(self) -> str:
        return str(self.cleaned_data.get("currency") or "IDR").strip().upper()


class TariffRow(Row):
    """What a gateway may keep; amounts in main units, shares in percent."""

    gateway = forms.CharField(label=gettext_lazy("Gateway"), max_length=24)
    method = forms.CharField(label=gettext_lazy("Method"), max_length=24, required=False)
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3, required=False)
    above = forms.DecimalField(
        label=gettext_lazy("From a month's volume of"), min_value=0, max_value=10**13, required=False
    )
    fixed = forms.DecimalField(label=gettext_lazy("Fixed amount"), min_value=0, max_value=100_000_000, required=False)
    percent = forms.DecimalField(
        label=gettext_lazy("Percent"), min_value=0, max_value=100, decimal_places=2, required=False
    )
    least = forms.DecimalField(label=gettext_lazy("At least"), min_value=0, max_value=100_000_000, required=False)
    most = forms.DecimalField(label=gettext_lazy("At most"), min_value=0, max_value=100_000_000, required=False)
    vat = forms.DecimalField(
        label=gettext_lazy("VAT in percent"), min_value=0, max_value=100, decimal_places=2, required=False
    )
    within = forms.DecimalField(label=gettext_lazy("Within"), min_value=0, max_value=1_000_000, required=False)
    valid_from = forms.DateField(label=gettext_lazy("Valid from"))

    def clean(self) -> dict[str, Any]:
        data, currency = self.cleaned_data, self._currency()
        self.statement = Tariff(
            gateway=_name(data.get("gateway")),
            method=_name(data.get("method")),
            currency=currency,
            fixed=self._minor("fixed", currency),
            percent=int((data.get("percent") or 0) * _HUNDREDTHS),
            vat=int((data.get("vat") or 0) * _HUNDREDTHS),
            within=self._minor("within", currency),
            valid_from=f"{data.get('valid_from')}",
            least=self._minor("least", currency),
            most=self._minor("most", currency),
            above=self._minor("above", currency),
        )
        if 0 < self.statement.most < self.statement.least:
            self.add_error("most", _("The most is less than the least."))
        return data

    @staticmethod
    def written(found: Mapping[str, Any]) -> dict[str, Any]:
        """A tariff in force as the inputs show it."""
        shares = {name: f"{found[name] / _HUNDREDTHS:f}" for name in ("percent", "vat")}
        sums = {name: to_major(found[name], currency=found["currency"]) for name in ("fixed", "within")}
        # Nothing where there is no bound, as in versions from before there were any.
        sums |= {name: to_major(found[name], currency=found["currency"]) for name in _BOUNDS if found.get(name)}
        return {**found, **shares, **sums}


class KnownRow(Row):
    """A difference that is let pass: theirs less ours, in main units."""

    pairing = forms.ChoiceField(label=gettext_lazy("Books"), choices=Pairing.choices)
    gateway = forms.CharField(label=gettext_lazy("Gateway"), max_length=24, required=False)
    method = forms.CharField(label=gettext_lazy("Method"), max_length=24, required=False)
    source = forms.CharField(label=gettext_lazy("Source"), max_length=24, required=False)
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3, required=False)
    difference = forms.DecimalField(label=gettext_lazy("Difference"), min_value=-100_000_000, max_value=100_000_000)
    first = forms.DateField(label=gettext_lazy("First day"))
    last = forms.DateField(label=gettext_lazy("Last day"), required=False)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)

    def clean(self) -> dict[str, Any]:
        data, currency = self.cleaned_data, self._currency()
        self._check(data)
        self.statement = Known(
            **{name: _name(data.get(name)) for name in ("pairing", "gateway", "method", "source")},
            currency=currency,
            difference=self._minor("difference", currency),
            first=f"{data.get('first')}",
            last=f"{data['last']}" if data.get("last") else None,
            reason=str(data.get("reason", "")).strip(),
        )
        return data

    def _check(self, data: Mapping[str, Any]) -> None:
        if not (data.get("gateway") or data.get("source")):
            self.add_error("gateway", _("Name the gateway, or whose line it is."))
        if data.get("difference") == 0:
            self.add_error("difference", _("A difference is not zero."))
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", _("It ends before it begins."))

    @staticmethod
    def written(found: Mapping[str, Any]) -> dict[str, Any]:
        """A known difference in force as the inputs show it."""
        difference = to_major(found["difference"], currency=found["currency"])
        return {**found, "last": found["last"] or "", "difference": difference}


def rows_of(kind: type[_Row], name: str, given: Mapping[str, Any] | None, in_force: Iterable[Any]) -> list[_Row]:
    """What was sent, or else what is in force, and some blank rows."""
    count = str(given.get(f"{name}-rows", "")) if given is not None else ""
    if given is not None and count.isdigit():
        return [_sent(kind, given, f"{name}-{at}") for at in range(min(int(count), MOST))]
    written = [kind.written(each) for each in in_force]
    return [
        kind(initial=each, prefix=f"{name}-{at}") for at, each in enumerate([*written, *({} for _each in range(BLANK))])
    ]


def _sent(kind: type[_Row], given: Mapping[str, Any], prefix: str) -> _Row:
    """A blank row is allowed to lack what a row needs: nothing is said of it."""
    return kind(given, prefix=prefix, empty_permitted=True, use_required_attribute=False)


def are_right(rows: Sequence[Row]) -> bool:
    """Each that is not blank by itself, and no two that say the same. Says in the row what is wrong."""
    filled = [row for row in rows if row.is_bound and not row.is_blank]
    if sum(not row.is_valid() for row in filled):  # each of them, so that each says what is wrong with it
        return False
    seen: set[object] = set()
    for row in filled:
        if row.statement.what in seen:
            row.add_error(None, _("Two rows say the same."))
        seen.add(row.statement.what)
    return not any(row.errors for row in filled)


def said_in(rows: Sequence[Row], in_force: list[Any]) -> list[Any]:
    """What valid rows say, as the rules keep it; what is in force where no rows were sent."""
    if not any(row.is_bound for row in rows):
        return in_force
    return [row.statement.as_data() for row in rows if not row.is_blank]


def _name(text: Any) -> str:
    return str(text or "").strip().casefold()
