"""LLaMA-Factory as the engine of `text-sft`: it trains the adapters, everything before and after stays ours."""
