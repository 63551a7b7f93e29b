"""What a series is and how it may be read: pure values and rules."""
