"""The operations console: settings, processes, screens and the servers it can bring along."""
