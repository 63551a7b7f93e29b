"""The service's gRPC contract."""
