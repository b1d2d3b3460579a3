"""The verbs that staff, callers and workers use. Nothing here renders anything."""
