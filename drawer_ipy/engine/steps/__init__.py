"""The runners of the built-in step kinds, one module each; the models in definition/steps name them."""
