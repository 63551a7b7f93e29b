"""svc_train's domain."""
