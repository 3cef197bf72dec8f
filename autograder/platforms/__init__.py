"""Other people's systems, one folder each."""
