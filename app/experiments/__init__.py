"""The parts of the Experiments page: runs, evaluation, the paper's tables, two runs compared."""
