"""Models, stores and files."""
