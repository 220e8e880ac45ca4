# OpenSSL's libcrypto: the sha256 of the command and of the tests. libweir itself does not need it.
weir_pkg(WEIR_CRYPTO "libcrypto>=3" libssl-dev)
