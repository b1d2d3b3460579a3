"""Who is called at night: one module a system. Each speaks that system's own API."""
