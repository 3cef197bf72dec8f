"""Scripts that are run by hand: they train the course's networks, measure them, paint figures, and keep translations."""
