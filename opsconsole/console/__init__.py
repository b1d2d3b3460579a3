"""Every screen of the product. Domain apps have no HTML; this package may import all of them."""
