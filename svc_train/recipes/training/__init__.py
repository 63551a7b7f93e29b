"""The loop that every recipe trains with: knobs, schedule, sampling, steps, evaluation, checkpoints, resuming."""
