"""What the service does: make datasets of imported and streamed files, tell of its jobs, preview series."""
