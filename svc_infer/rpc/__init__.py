"""InferService: translate, delegate, translate; a file for each kind of call."""
