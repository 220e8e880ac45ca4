/*
 * support_port.h - a port for a test whose source must be told one.
 */
#ifndef WR_SUPPORT_PORT_H
#define WR_SUPPORT_PORT_H

#include <netinet/in.h>

/* A port of loopback that neither datagrams nor connections use now. It is none that the kernel gives
 * to others by itself: that would be taken now and then before the source binds it. */
struct sockaddr_in wr_free_port(void);

#endif
