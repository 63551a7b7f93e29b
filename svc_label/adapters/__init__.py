"""The service's SQL, and the files it reads and writes."""
