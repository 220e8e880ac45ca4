# brotli content.
weir_pkg(WEIR_BROTLI "libbrotlidec" libbrotli-dev)
