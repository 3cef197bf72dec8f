"""Results, the marks made of them, where they are kept, and the forms in which they are shown."""
