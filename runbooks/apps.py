from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "runbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Runs are work, and plans have clocks: told to those who drive both."""
        from orders.services import rounds, work
        from runbooks.models import Run
        from runbooks.services import approving, engine

        work.add_kind("run", work.Kind(Run, engine.work))
        rounds.add_round("expire-plans", rounds.Clock(5, approving.expire))
