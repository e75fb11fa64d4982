"""Pictures drawn from seeds, with everything about them known: people, scenes and the draws."""
