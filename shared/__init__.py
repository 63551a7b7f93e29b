"""What more than one service needs: errors, pure values, ports, the runtime, and the model code."""
