"""Addresses of the console. Every view has a rule (`access.py`); a test refuses one without."""

from django.urls import URLPattern, URLResolver, path

from opsconsole.console import (
    book_urls,
    frame_views,
    incident_urls,
    letter_acts,
    letters,
    list_urls,
    order_urls,
    overview_page,
    parts_page,
    plan_urls,
    preferences,
    rights,
    service_urls,
    signin,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview_page.overview, name="overview"),
    path("sign-in/", signin.sign_in, name="sign-in"),
    path("sign-out/", signin.sign_out, name="sign-out"),
    path("preferences/", preferences.change, name="preferences"),
    path("rights/", rights.rights, name="rights"),
    path("_alerts/", frame_views.alerts, name="alerts"),
    path("_parts/", parts_page.parts, name="parts"),
    path("_parts/<str:code>/", parts_page.peek, name="parts-peek"),
    *book_urls.urlpatterns,
    *service_urls.urlpatterns,
    *plan_urls.urlpatterns,
    *incident_urls.urlpatterns,
    path("dead-letters/", letters.letters, name="letters"),
    path("dead-letters/replay/", letter_acts.replay_many, name="letters-replay"),
    path("dead-letters/<int:pk>/", letters.letter, name="letter"),
    path("dead-letters/<int:pk>/replay/", letter_acts.replay, name="letter-replay"),
    path("dead-letters/<int:pk>/discard/", letter_acts.discard, name="letter-discard"),
    *list_urls.urlpatterns,
    *order_urls.urlpatterns,
]
