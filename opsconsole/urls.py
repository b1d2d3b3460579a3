"""Addresses. Screens, API and callbacks are included from the packages that own them."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
