"""The service's gRPC contracts."""
