"""What operators use: commands, socket, check, doctor."""
