# The event loop. 1.44 is what Debian 12 has; nothing newer is used.
weir_pkg(WEIR_UV "libuv>=1.44" libuv1-dev)
