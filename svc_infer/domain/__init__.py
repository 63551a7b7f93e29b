"""What predicting over series means, without models, wires or stores."""
