"""From a recipe to events: build, the loop, the optimizer, schedules, evaluation."""
