"""What labelling is: candidates, reviews, the queue, progress, label quality. Values and rules, no I/O."""
