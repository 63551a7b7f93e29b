"""The embedded stack: real NATS and S3 servers and the five services, kept running under one folder."""
