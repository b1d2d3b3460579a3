from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "runbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Runs and deeds are work, plans have clocks, actions have names: told to those who drive and show them."""
        from orders.queries import sentences
        from orders.services import rounds, work
        from runbooks.models import Deed, Run
        from runbooks.registry import ACTIONS
        from runbooks.services import approving, deeds, engine

        sentences.add_actions({each.name: each.label for each in ACTIONS.values() if not each.verb})
        work.add_kind("run", work.Kind(Run, engine.work))
        work.add_kind("deed", work.Kind(Deed, deeds.work))
        rounds.add_round("expire-plans", rounds.Clock(5, approving.expire))
