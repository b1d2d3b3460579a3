"""Customers: invented people with Indonesian names, each with a phone number of their own."""

from dataclasses import dataclass

from opsconsole.sandbox.chance import chance
from opsconsole.traffic.dice import pick

FIRST = (
    *("Adi", "Agus", "Andi", "Ani", "Arif", "Ayu", "Bagus", "Bambang", "Bayu", "Budi", "Citra", "Dedi"),
    *("Dewi", "Dian", "Dimas", "Eka", "Eko", "Endang", "Fajar", "Fitri", "Galih", "Gita", "Hendra", "Indah"),
    *("Intan", "Joko", "Kartika", "Kurnia", "Lestari", "Lina", "Made", "Maya", "Mega", "Nadia", "Nur", "Putri"),
    *("Rahmat", "Ratih", "Rini", "Rizki", "Sari", "Siti", "Sri", "Surya", "Tini", "Tri", "Wahyu", "Wayan"),
    *("Wulan", "Yanti", "Yoga", "Yuni", "Zahra"),
)
LAST = (
    *("Anggraini", "Aritonang", "Gunawan", "Hadi", "Handayani", "Harahap", "Hartono", "Hidayat", "Irawan"),
    *("Kurniawan", "Kusuma", "Lestari", "Lubis", "Mahendra", "Maharani", "Nasution", "Nugroho", "Pangestu"),
    *("Permata", "Pradana", "Pranata", "Prasetyo", "Purnama", "Rahayu", "Ramadhan", "Safitri", "Santoso"),
    *("Saputra", "Setiawan", "Siregar", "Sitompul", "Subagyo", "Sudarma", "Suryani", "Susanti", "Sutrisno"),
    *("Utami", "Wardana", "Wibowo", "Widodo", "Wijaya", "Wulandari", "Yulianti"),
)
PREFIXES = ("811", "812", "813", "815", "817", "818", "821", "852", "857", "878", "895")
SUBSCRIBERS = 10**8
# Prime to the number of subscribers, so that no two people of one seed share a phone.
STRIDE = 61_803_399


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is what the channel calls them."""

    id: str
    name: str
    phone: str
    email: str


def person(number: int, *, seed: int) -> Person:
    first = pick(FIRST, "first", number, seed=seed)
    last = pick(LAST, "last", number, seed=seed)
    mailbox = f"{first}.{last}{number}".lower()
    return Person(
        id=f"C-{seed:02d}{number:06d}",
        name=f"{first} {last}",
        phone=phone(number, seed=seed),
        email=f"{mailbox}@example.co.id",
    )


def phone(number: int, *, seed: int) -> str:
    start = int(chance(seed, "phone") * SUBSCRIBERS)
    subscriber = (start + number * STRIDE) % SUBSCRIBERS
    return f"+62{PREFIXES[seed % len(PREFIXES)]}{subscriber:08d}"
