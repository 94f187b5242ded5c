/* Sockets and OpenSSL. */
#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_address(struct sockaddr_in *out, const char *host, int port) {
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (inet_pton(AF_INET, host, &out->sin_addr) == 1) return 0;
    errno = EINVAL;
    return -1;
}

static int open_tls(struct transport *t) {
    static SSL_CTX *context;
    if (!context && !(context = SSL_CTX_new(TLS_client_method()))) return errno = ENOMEM, -1;
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL *tls = t->tls = SSL_new(context);
    if (tls && SSL_set_fd(tls, t->fd) == 1 && SSL_connect(tls) == 1) return 0;
    errno = EPROTO;
    return -1;
}

int transport_open(struct transport *t, const struct address *to) {
    struct sockaddr_in there, here;
    int on = 1;
    if (read_address(&there, to->host, to->port) < 0) return -1;
    if ((t->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0) return -1;
    if (to->receive_bytes) setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &to->receive_bytes, sizeof to->receive_bytes);
    if (to->from && (read_address(&here, to->from, 0) < 0 || bind(t->fd, (struct sockaddr *)&here, sizeof here) < 0)) return -1;
    if (connect(t->fd, (struct sockaddr *)&there, sizeof there) < 0) return -1;
    setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    t->tls = NULL;
    return to->tls ? open_tls(t) : 0;
}

int transport_nonblocking(struct transport *t) { return fcntl(t->fd, F_SETFL, O_NONBLOCK); }

/* What SSL_read and SSL_write say, in the words of read(2) and write(2). */
static ssize_t outcome(struct transport *t, int result) {
    if (result > 0) return result;
    int error = SSL_get_error(t->tls, result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t transport_read(struct transport *t, void *bytes, size_t n) {
    if (!t->tls) return read(t->fd, bytes, n);
    size_t got = 0;
    while (got < n) { /* one call returns one record; epoll knows nothing of those that are decrypted already */
        ssize_t one = outcome(t, SSL_read(t->tls, (char *)bytes + got, (int)(n - got)));
        if (one <= 0) return got ? (ssize_t)got : one;
        got += (size_t)one;
    }
    return (ssize_t)got;
}

ssize_t transport_write(struct transport *t, const void *bytes, size_t n) {
    return t->tls ? outcome(t, SSL_write(t->tls, bytes, (int)n)) : write(t->fd, bytes, n);
}
