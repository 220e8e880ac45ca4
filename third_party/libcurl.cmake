# The HTTP(S) client. 7.88 is what Debian 12 has; any TLS flavour of the -dev package serves.
weir_pkg(WEIR_CURL "libcurl>=7.88" libcurl4-openssl-dev)
