"""Many runs from one grid of settings: planned, claimed by processes, skipped where they exist."""
