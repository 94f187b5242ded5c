/* One LDAP request as bytes, encoded once: per request only the message id and the digits of a number are written into it. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_REQUEST_BYTES = 8192, MAX_PLACES = 128, VALUE_DIGITS = 16 };

/* Message ids of three bytes, so that every request of a run has the same length. */
enum { FIRST_ID = 0x010000, LAST_ID = 0x7fffff };

struct place {
    unsigned short at;    /* which byte of the request */
    unsigned char digit;  /* which digit of the number: 0 is the last one */
};

struct request {
    unsigned char bytes[MAX_REQUEST_BYTES];
    size_t length;
    size_t id_at;  /* where the three bytes of the message id stand */
    size_t value_at;  /* where the digits of the value that is written stand; 0: nothing is written */
    struct place places[MAX_PLACES];
    int place_count;
};

/* A search (RFC 4511 4.5.1). `filter` is RFC 4515 text in which %0Nd stands for N digits of the number and %01d for its last
 * digit; `attributes` is a comma separated list, empty for all. With page_size it carries the control of RFC 2696. */
struct search {
    const char *base, *filter, *attributes, *cookie;
    int scope;
    long page_size;
    size_t cookie_length;
};

/* Ends the program with a message when the filter cannot be read. */
void request_search(struct request *r, const struct search *search);

/* A simple bind (RFC 4511 4.2); with `templates` the number's digits stand for %0Nd in both texts. */
void request_bind(struct request *r, const char *dn, const char *password, int templates);

/* A modify (RFC 4511 4.6) that replaces one attribute of the entry whose name has the number's digits by a value of digits. */
void request_modify(struct request *r, const char *dn, const char *attribute);

/* Write the message id and the number into the bytes, and `value` where the request writes one. */
void request_set(struct request *r, uint32_t id, uint64_t number, uint64_t value);

#endif
