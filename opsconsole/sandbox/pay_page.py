"""The page a customer sees at a gateway. It is the vendor's, not ours, hence in both languages."""

from html import escape

from opsconsole.sandbox.books import Row

TEMPLATE = """<!doctype html>
<html lang="id">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{gateway} · {merchant_ref}</title>
<style>
body {{ font: 16px/1.5 system-ui; max-width: 26rem; margin: 3rem auto; padding: 0 1rem }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem }}
dd {{ margin: 0; text-align: right }}
button {{ font: inherit; padding: .5rem 1rem; margin: .25rem .25rem .25rem 0 }}
</style>
<h1>{gateway} (sandbox)</h1>
<dl>
<dt>Referensi / Reference<dd>{merchant_ref}
<dt>Jumlah / Amount<dd>{currency} {amount}
<dt>Metode / Method<dd>{method}
<dt>Status<dd id="status">{status}
</dl>
{body}
"""
FORM = """<form method="post">
<button name="outcome" value="pay">Bayar / Pay</button>
<button name="outcome" value="fail">Gagal / Fail</button>
<button name="outcome" value="expire">Biarkan kedaluwarsa / Let expire</button>
</form>"""
CLOSED = "<p>Pembayaran ini sudah ditutup. / This payment is closed.</p>"


def pay_page(row: Row, *, gateway: str) -> str:
    is_open = row["status"] in ("created", "pending")
    return TEMPLATE.format(
        gateway=escape(gateway.capitalize()),
        merchant_ref=escape(row["merchant_ref"]),
        currency=escape(row["currency"]),
        amount=f"{row['amount']:,}".replace(",", "."),
        method=escape(row["method"]),
        status=escape(row["status"]),
        body=FORM if is_open else CLOSED,
    )
