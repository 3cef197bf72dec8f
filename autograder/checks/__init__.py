"""What an author writes checks with, and how they reach the student's module."""
