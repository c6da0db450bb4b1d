"""What a press costs beside the tools people use for the same job: ``python -m benchmarks``.

Everything is measured in one run, in turns, so that a ratio means something on any machine. One module
for each question; :data:`benchmarks.__main__.QUESTIONS` lists them.
"""
