"""Labels series by algorithm, puts the candidates before reviewers, exports what they approve."""
