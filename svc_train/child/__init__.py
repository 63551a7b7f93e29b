"""The child process that trains: `python -m svc_train.child JOB_DIR`. It touches neither bus nor registry nor store."""
