"""The program a person runs: command line now, window later."""
