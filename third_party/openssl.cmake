# OpenSSL: libssl tells the bridge to libcurl how a TLS connection has ended, libcrypto goes with it
# and is the sha256 of the command. A libcurl that was built upon another TLS library serves as well.
weir_pkg(WEIR_SSL "libssl>=3" libssl-dev)
weir_pkg(WEIR_CRYPTO "libcrypto>=3" libssl-dev)
