"""The planner-encoder family: a profile's configurations as embeddings that a frozen language model can describe."""
