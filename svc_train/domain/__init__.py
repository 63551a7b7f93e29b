"""What a run is, apart from how it is stored, sent and executed."""
