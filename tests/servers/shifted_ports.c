/* Samba's LDAP ports cannot be chosen. Loaded before the C library (LD_PRELOAD), this moves them up by PORT_SHIFT, so that any
   user can run any number of servers. Samba tells LDAPS from LDAP by the number of the port that a connection came in on:
   getsockname() must give the number that it knows. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);
typedef int (*getsockname_function)(int, struct sockaddr *, socklen_t *);

static int shift(void) {
    const char *text = getenv("PORT_SHIFT");
    return text ? atoi(text) : 0;
}

static int is_of_a_directory(int port) {
    return port == 389 || port == 636 || port == 3268 || port == 3269;
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    bind_function real = (bind_function)dlsym(RTLD_NEXT, "bind");
    struct sockaddr_in moved;
    if (address && address->sa_family == AF_INET && length >= sizeof moved) {
        memcpy(&moved, address, sizeof moved);
        if (is_of_a_directory(ntohs(moved.sin_port))) {
            moved.sin_port = htons(ntohs(moved.sin_port) + shift());
            return real(fd, (struct sockaddr *)&moved, sizeof moved);
        }
    }
    return real(fd, address, length);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length) {
    getsockname_function real = (getsockname_function)dlsym(RTLD_NEXT, "getsockname");
    int result = real(fd, address, length);
    if (result == 0 && address && address->sa_family == AF_INET) {
        struct sockaddr_in *found = (struct sockaddr_in *)address;
        int port = ntohs(found->sin_port) - shift();
        if (is_of_a_directory(port)) found->sin_port = htons(port);
    }
    return result;
}
