"""svc_train's parts with what is really around them: gRPC, processes, files."""
