"""What all trainings share: the loop, its checkpoints, schedules and random numbers, progress, the device."""
