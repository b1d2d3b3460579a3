"""What RQ calls. A job carries the id of a row, looks at PostgreSQL, and may run twice."""

from reconciliation.services import ho_feed, loading, report_files, report_mails, runs


def load(load_id: int) -> bool:
    """Read a load that waits. False where another is at it, or it waits no more."""
    return loading.work(load_id) is not None


def pull(feed_id: int) -> int:
    """Read a feed on, as long as there is more. In how many goes."""
    goes = 1
    while ho_feed.pull(feed_id):
        goes += 1
    return goes


def run(run_id: int) -> bool:
    """Do a run that waits, or whose worker died. False where another is at it, or it has ended."""
    return runs.work(run_id) is not None


def report(file_id: int) -> bool:
    """Write a report that waits as a file. False where another is at it, or it waits no more."""
    return report_files.work(file_id) is not None


def mail(mail_id: int) -> bool:
    """Look at a report's mail that is due: send it, or ask what became of it. False where another is at it."""
    return report_mails.work(mail_id) is not None
