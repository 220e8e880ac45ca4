# zstd content. 1.4: the window limit of a decoder.
weir_pkg(WEIR_ZSTD "libzstd>=1.4" libzstd-dev)
