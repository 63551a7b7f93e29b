"""What the catalogue knows and how it decides."""
