/* A TCP connection to the server, in the clear or under TLS; the same calls for both. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>

struct transport {
    int fd;
    void *tls; /* an SSL; NULL in the clear */
};

struct address {
    const char *host;
    int port, tls;
    const char *from;  /* the local address to connect from; NULL: as the kernel likes */
    int receive_bytes; /* the kernel's receive buffer; 0: as the kernel likes */
};

/* Connect and, for TLS, shake hands; the certificate is not looked at, it costs the server nothing. 0, or -1 with errno. */
int transport_open(struct transport *t, const struct address *to);

/* From here on neither call below waits. 0, or -1 with errno. */
int transport_nonblocking(struct transport *t);

/* As read(2) and write(2): -1 with errno EAGAIN when it would have to wait. A read under TLS takes all that is there. */
ssize_t transport_read(struct transport *t, void *bytes, size_t n);
ssize_t transport_write(struct transport *t, const void *bytes, size_t n);

#endif
