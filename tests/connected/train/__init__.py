"""svc_train among real servers: NATS, an S3 server, and svc_registry as a process of its own."""
