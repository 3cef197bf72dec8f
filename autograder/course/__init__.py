"""Read a course: its catalog, and the skeletons made from its solutions."""
