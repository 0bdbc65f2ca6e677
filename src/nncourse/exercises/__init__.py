"""The exercises of the course, and their instant checks in the notebook."""
