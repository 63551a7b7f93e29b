"""The use cases of svc_label over PostgreSQL."""
