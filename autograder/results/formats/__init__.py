"""Reports: pure functions from results to text. Nothing is computed here that grading has not found out."""
