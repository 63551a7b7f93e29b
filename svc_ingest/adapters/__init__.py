"""The service's SQL, its readers of files and its disk."""
