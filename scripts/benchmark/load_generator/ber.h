/* Reading BER headers (RFC 4511 5.1). */
#ifndef BER_H
#define BER_H

#include <stddef.h>

struct element {
    unsigned char tag;
    size_t start, stop; /* where the value starts and stops, from the first byte of the header */
};

/* 1; 0 when bytes of the header are missing, -1 when it is not BER as LDAP has it. The value itself may be missing. */
static inline int ber_read(const unsigned char *p, size_t n, struct element *e) {
    if (n < 2) return 0;
    size_t length = p[1], at = 2;
    if (length & 0x80) {
        size_t octets = length & 0x7f;
        if (octets == 0 || octets > 4) return -1;
        if (n < 2 + octets) return 0;
        for (length = 0; at < 2 + octets; at++) length = length << 8 | p[at];
    }
    *e = (struct element){p[0], at, at + length};
    return 1;
}

/* 1 when there is a whole element with this tag. */
static inline int ber_expect(const unsigned char *p, size_t n, unsigned char tag, struct element *e) {
    return ber_read(p, n, e) == 1 && e->tag == tag && e->stop <= n;
}

#endif
