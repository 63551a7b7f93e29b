"""What svc_train touches: SQL, processes, files."""
