"""What the service does: label, take predictions, show the queue, record decisions, export."""
