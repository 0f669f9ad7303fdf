"""What all trainings share: the loop, checkpoints, progress, the device."""
