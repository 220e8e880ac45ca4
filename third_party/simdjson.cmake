# JSON: the first pass over a text. Its header is C++, and its library needs the C++ run-time library.
weir_pkg(WEIR_SIMDJSON "simdjson>=3.0.1" libsimdjson-dev)
