"""svc_infer: loads certified model versions and predicts over series, in calls and over whole datasets."""
