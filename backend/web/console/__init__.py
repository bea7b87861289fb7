"""The console: pages for people, rendered here, without scripts from anywhere else."""
