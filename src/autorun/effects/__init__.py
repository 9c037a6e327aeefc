"""The only doors to the world: processes, files, git, signals, the runner's own log and clock."""
