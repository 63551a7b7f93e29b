"""Between svc_infer's values and protobuf: a file for each subject."""
