"""Where monitoring systems call in."""

from django.urls import path

from runbooks import webhooks

urlpatterns = [path("<slug:source>", webhooks.alert_callback, name="callback-alert")]
