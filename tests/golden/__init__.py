"""What a user sees, kept as files: `python -m tests.golden` makes them anew."""
