# The unit tests' framework; looked for only with WEIR_TESTS.
weir_pkg(WEIR_CHECK "check>=0.15" check)
