"""Scripts that are run by hand: they train the course's networks, paint its figures and measure both."""
