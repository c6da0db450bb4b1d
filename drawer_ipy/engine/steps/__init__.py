"""What runs the built-in kinds of steps, one module each; the models in definition/steps name it."""
