"""The models of the built-in kinds of steps, one module each; drawer_ipy.engine.steps runs them."""
