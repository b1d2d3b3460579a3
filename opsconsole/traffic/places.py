"""Places of the six cities of the demo, and the shuttle lines between them."""

from collections.abc import Mapping
from types import MappingProxyType

Spot = tuple[str, float, float]

CITIES: Mapping[str, float] = MappingProxyType(
    {"Jakarta": 46, "Surabaya": 17, "Bandung": 14, "Bali": 11, "Medan": 7, "Semarang": 5}
)
SPOTS: Mapping[str, tuple[Spot, ...]] = MappingProxyType(
    {
        "Jakarta": (
            ("Jl. Jend. Sudirman 52, Jakarta Selatan", -6.2251, 106.8096),
            ("Bandara Soekarno-Hatta, Terminal 3", -6.1199, 106.6657),
            ("Stasiun Gambir, Jakarta Pusat", -6.1767, 106.8306),
            ("Kota Tua, Jakarta Barat", -6.1352, 106.8133),
            ("Blok M Plaza, Jakarta Selatan", -6.2443, 106.7979),
            ("Kelapa Gading, Jakarta Utara", -6.1606, 106.9054),
            ("Pondok Indah, Jakarta Selatan", -6.2656, 106.7842),
        ),
        "Bandung": (
            ("Gedung Sate, Bandung", -6.9025, 107.6188),
            ("Stasiun Bandung", -6.9142, 107.6024),
            ("Jl. Dipatiukur 35, Bandung", -6.8925, 107.6165),
            ("Jl. Braga 99, Bandung", -6.9180, 107.6094),
            ("Lembang, Bandung Barat", -6.8117, 107.6176),
        ),
        "Surabaya": (
            ("Tunjungan Plaza, Surabaya", -7.2621, 112.7387),
            ("Bandara Juanda, Surabaya", -7.3798, 112.7869),
            ("Stasiun Gubeng, Surabaya", -7.2653, 112.7521),
            ("Jembatan Merah, Surabaya", -7.2369, 112.7381),
            ("Jl. Raya Darmo 68, Surabaya", -7.2900, 112.7390),
        ),
        "Semarang": (
            ("Lawang Sewu, Semarang", -6.9839, 110.4104),
            ("Simpang Lima, Semarang", -6.9904, 110.4229),
            ("Bandara Ahmad Yani, Semarang", -6.9727, 110.3750),
            ("Kota Lama, Semarang", -6.9683, 110.4281),
        ),
        "Medan": (
            ("Lapangan Merdeka, Medan", 3.5907, 98.6779),
            ("Bandara Kualanamu, Medan", 3.6422, 98.8853),
            ("Istana Maimun, Medan", 3.5752, 98.6838),
            ("Jl. Gatot Subroto 30, Medan", 3.5916, 98.6490),
        ),
        "Bali": (
            ("Bandara Ngurah Rai, Bali", -8.7482, 115.1675),
            ("Pantai Kuta, Bali", -8.7180, 115.1686),
            ("Ubud, Gianyar, Bali", -8.5069, 115.2625),
            ("Jl. Gajah Mada 12, Denpasar", -8.6561, 115.2167),
            ("Sanur, Denpasar, Bali", -8.6936, 115.2627),
        ),
    }
)
LINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Jakarta": ("Jakarta Blok M", "Bandung Dipatiukur", "Semarang Simpang Lima"),
        "Bandung": ("Bandung Dipatiukur", "Jakarta Blok M", "Cirebon Kejaksan"),
        "Surabaya": ("Surabaya Gubeng", "Malang Kota", "Semarang Simpang Lima"),
        "Semarang": ("Semarang Simpang Lima", "Yogyakarta Tugu", "Surabaya Gubeng"),
        "Medan": ("Medan Merdeka", "Berastagi", "Parapat Toba"),
        "Bali": ("Denpasar", "Ubud", "Lovina"),
    }
)
