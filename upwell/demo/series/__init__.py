"""Series: arterial pressure with an anomaly that nobody has labelled."""
