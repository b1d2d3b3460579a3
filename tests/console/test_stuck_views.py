"""A person's own tabs: saved, counted, renamed, changed, deleted and taken back; nobody else's."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsconsole.console.models import SavedView
from opsconsole.console.saved_views import MOST
from tests.console.people import World
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db

LIST = "/orders/stuck/"
SAVE = f"{LIST}views/"


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def save(client: Client, name: str = "Bali", query: str = "city=Bali&view=paid&after=1-2&peek=x") -> Any:
    return client.post(SAVE, {"name": name, "query": query}, follow=True)


def change(client: Client, do: str, **more: str) -> Any:
    return client.post(f"{SAVE}{SavedView.objects.get().pk}/", {"do": do, **more}, follow=True)


def make_stuck(city: str) -> None:
    make_order("paid", since=timezone.now() - timedelta(hours=1), city=city)


def test_what_is_chosen_becomes_a_tab_with_its_count(sari: Client) -> None:
    for city in ("Bali", "Bali", "Medan"):
        make_stuck(city)
    response = save(sari)
    view = SavedView.objects.get()
    assert view.query == "view=paid&city=Bali"
    assert response.redirect_chain == [(f"{LIST}?view=paid&city=Bali&saved={view.pk}", 302)]
    html = response.content.decode()
    assert 'aria-current="page">Bali <span>2</span></a>' in html
    assert "View saved." in html
    assert "Bali <span>2</span>" in sari.get(LIST).content.decode()


def test_a_view_is_its_owners_only(people: World, sari: Client) -> None:
    save(sari)
    dewi = people.client("dewi")
    assert "Bali <span>" not in dewi.get(LIST).content.decode()
    assert change(dewi, "delete").status_code == 404
    assert change(dewi, "rename", name="mine").status_code == 404
    view = SavedView.objects.get()
    assert (view.name, view.deleted_at) == ("Bali", None)


def test_other_filters_can_be_kept_or_saved_anew(sari: Client) -> None:
    save(sari)
    view = SavedView.objects.get()
    changed = sari.get(f"{LIST}?view=paid&saved={view.pk}&city=Medan").content.decode()
    assert "Keep the present filters" in changed
    assert 'class="dot"' in changed
    same = sari.get(f"{LIST}?view=paid&saved={view.pk}&city=Bali").content.decode()
    assert "Keep the present filters" not in same

    response = change(sari, "update", query=f"city=Medan&saved={view.pk}")
    view.refresh_from_db()
    assert view.query == "city=Medan"
    assert response.redirect_chain[0][0] == f"{LIST}?city=Medan&saved={view.pk}"


def test_a_view_is_renamed(sari: Client) -> None:
    save(sari)
    assert "View renamed." in change(sari, "rename", name="Island").content.decode()
    assert SavedView.objects.get().name == "Island"


def test_a_deleted_view_can_be_taken_back_for_a_minute(sari: Client) -> None:
    save(sari)
    html = change(sari, "delete").content.decode()
    assert "View “Bali” is deleted." in html
    assert "Bali <span>" not in html
    assert "Bali <span>" in change(sari, "restore").content.decode()

    change(sari, "delete")
    view = SavedView.objects.get()
    SavedView.objects.update(deleted_at=timezone.now() - timedelta(minutes=2))
    assert "is deleted" not in sari.get(f"{LIST}?deleted={view.pk}").content.decode()


def test_a_name_is_taken_once_and_free_again_after_a_deletion(sari: Client) -> None:
    save(sari)
    assert "You have a view of that name already." in save(sari, query="city=Medan").content.decode()
    assert SavedView.objects.get().query == "view=paid&city=Bali"
    change(sari, "delete")
    save(sari, query="city=Medan")
    assert SavedView.objects.filter(deleted_at=None).get().query == "city=Medan"


@pytest.mark.parametrize("name", ["", "   ", "x" * 41])
def test_a_view_needs_a_name(sari: Client, name: str) -> None:
    assert "A view needs a name" in save(sari, name=name).content.decode()
    assert not SavedView.objects.exists()


def test_tabs_are_not_without_end(sari: Client) -> None:
    for number in range(MOST):
        save(sari, name=f"view {number}", query=f"city=Bali&age={number % 4}d")
    assert "Delete one first" in save(sari, name="one more").content.decode()
    assert SavedView.objects.count() == MOST


def test_there_is_no_other_change(sari: Client) -> None:
    save(sari)
    assert change(sari, "steal").status_code == 404
    assert sari.get(SAVE).status_code == 405
