"""Between the service's values and protobuf."""
