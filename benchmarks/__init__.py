"""How long graders take on the same checks and the same submissions: `make bench`."""
