"""The models of the built-in step kinds, one module each; drawer_ipy.engine.steps runs them."""
