from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "runbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Runs and deeds are work, plans have clocks, actions have names: told to those who drive and show them."""
        from orders.queries import sentences
        from orders.services import price, rounds, work
        from runbooks.models import AlertDelivery, Deed, Page, Run
        from runbooks.registry import ACTIONS
        from runbooks.services import alerts, approving, deeds, detectors, engine, looking, planning
        from runbooks.services.incidents import clocks, cohort, paging, watching

        sentences.add_actions({each.name: each.label for each in ACTIONS.values() if not each.verb})
        price.add_source(planning.started_within_hour)
        work.add_kind("run", work.Kind(Run, engine.work))
        work.add_kind("deed", work.Kind(Deed, deeds.work))
        work.add_kind("alert", work.Kind(AlertDelivery, alerts.work))
        work.add_kind("page", work.Kind(Page, paging.work))
        rounds.add_round("expire-plans", rounds.Clock(5, approving.expire))
        rounds.add_round("second-looks", rounds.Clock(10, looking.look_at_single_actions))
        rounds.add_round("incident-clocks", rounds.Clock(1, clocks.tick))
        rounds.add_round("alerts", rounds.Clock(1, watching.judge_alerts))
        rounds.add_round("incidents", rounds.Clock(5, watching.watch))
        rounds.add_round("pages", rounds.Clock(2, paging.send_late))
        rounds.add_round("cohorts", rounds.Clock(10, cohort.follow))
        rounds.add_round("detectors", rounds.Clock(10, detectors.detect))
