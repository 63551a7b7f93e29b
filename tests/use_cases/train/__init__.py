"""svc_train's use cases over a real SQLite file, a folder of objects and fakes of everything else."""
