"""The text family: any causal language model that answers in a conversation."""
