"""svc_label against real servers."""
