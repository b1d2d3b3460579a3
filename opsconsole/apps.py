"""The processes, the API and the sandbox as a Django app."""

from django.apps import AppConfig


class OpsconsoleConfig(AppConfig):
    name = "opsconsole"

    def ready(self) -> None:
        from opsconsole import deploy_checks

        deploy_checks.register()
