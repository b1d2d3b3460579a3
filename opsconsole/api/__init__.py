"""The JSON API of the platform, mounted at /api/v1/. Reference: docs/api.md."""
