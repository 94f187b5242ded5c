/* One LDAP request as bytes, encoded once: per request only the message id and the digits of a number are written into it. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_REQUEST_BYTES = 8192, MAX_PLACES = 16 };

/* Message ids of three bytes, so that every request of a run has the same length. */
enum { FIRST_ID = 0x010000, LAST_ID = 0x7fffff };

struct request {
    unsigned char bytes[MAX_REQUEST_BYTES];
    size_t length;
    size_t id_at;               /* where the three bytes of the message id stand */
    size_t places[MAX_PLACES];  /* where the number's digits stand, each `digits` long */
    int place_count;
    int digits;
};

/* A subtree search (RFC 4511 4.5.1). `filter` is RFC 4515 text in which %0Nd stands for N digits; `attributes` is a comma
 * separated list, empty for all. Ends the program with a message when the filter cannot be read. */
void request_search(struct request *r, const char *base, int scope, const char *filter, const char *attributes);

/* A simple bind (RFC 4511 4.2). */
void request_bind(struct request *r, const char *dn, const char *password);

/* Write the message id and the number into the bytes. */
void request_set(struct request *r, uint32_t id, uint64_t number);

#endif
