"""Formats by language, for settings.FORMAT_MODULE_PATH: 24 hours with a colon in both."""
