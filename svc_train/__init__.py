"""svc_train: runs, which make model versions out of datasets and bases."""
