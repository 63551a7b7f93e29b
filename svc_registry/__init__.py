"""svc_registry: the one catalogue of datasets, bases and models, their versions, aliases and lineage."""
