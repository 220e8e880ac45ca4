# gzip and deflate content.
weir_pkg(WEIR_ZLIB "zlib" zlib1g-dev)
