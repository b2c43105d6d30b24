"""What a person sees and presses: lines and progress bars, exit codes."""
