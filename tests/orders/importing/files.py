"""Lines shaped like another platform's exports."""

from collections.abc import Mapping, Sequence
from pathlib import Path

ORDER_HEADER = (
    "order_id,customer_id,created_at,status_raw,status,payment_approved_at,dispatched_at,"
    "completed_at,promised_by,currency"
)
PAYMENT_HEADER = "payment_id,order_id,part_no,method,installments,amount,currency,paid_at"


def order_line(
    order_id: str,
    status: str,
    *,
    created: str = "2018-01-01T10:00:00",
    paid: str = "",
    active: str = "",
    completed: str = "",
    promised: str = "2018-02-01T00:00:00",
) -> str:
    return f"{order_id},c-{order_id},{created},raw,{status},{paid},{active},{completed},{promised},BRL"


def payment_line(order_id: str, *, part: int = 1, amount: str = "61.62", paid: str = "") -> str:
    at = paid or "2018-01-01T11:00:00"
    return f"PAY-{order_id}-{part},{order_id},{part},credit_card,1,{amount},BRL,{at}"


def write(folder: Path, files: Mapping[str, Sequence[str]]) -> dict[str, Path]:
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {name: folder / name for name in files}
