"""What the catalogue does. Each function is one use case, idempotent by the natural key of what it records."""
