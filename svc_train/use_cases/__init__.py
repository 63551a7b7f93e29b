"""What svc_train does: take requests, execute attempts, answer questions about runs."""
