"""The family `ocean-chat`: a language model that answers questions about fields a Geoformer has read."""
