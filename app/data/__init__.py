"""The parts of the Data page: studies to open, studies to make, models to train, jobs at work."""
