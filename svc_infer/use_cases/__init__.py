"""What svc_infer does, over its ports."""
