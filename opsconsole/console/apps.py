"""The console as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "opsconsole.console"
    label = "console"

    def ready(self) -> None:
        from opsconsole.console.platform_alerts import register

        register()
