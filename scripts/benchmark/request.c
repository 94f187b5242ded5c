/* BER (RFC 4511 5.1) written back to front: a value is in place before its length is needed, so nothing is ever moved. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands for one digit until the message is complete; occurs in no tag, no length below 254 bytes and no text. */
enum { PLACE = 0xFE, MAX_DIGITS = 9, MAX_PARTS = 64 };

struct writer {
    unsigned char bytes[MAX_REQUEST_BYTES];
    size_t start;  /* the bytes written so far are bytes[start .. MAX_REQUEST_BYTES) */
};

static void fail(const char *what, const char *text) {
    fprintf(stderr, "loadgen: %s: %s\n", what, text);
    exit(2);
}

static void put(struct writer *w, const void *bytes, size_t n) {
    if (n > w->start) fail("the request is too long", "more than 8192 bytes");
    w->start -= n;
    memcpy(w->bytes + w->start, bytes, n);
}

static void put_byte(struct writer *w, unsigned char byte) { put(w, &byte, 1); }

/* The tag and length of everything written since the writer stood at `end`. */
static void put_header(struct writer *w, unsigned char tag, size_t end) {
    size_t n = end - w->start;
    int octets = 0;
    if (n < 128) {
        put_byte(w, (unsigned char)n);
    } else {
        for (; n; n >>= 8, octets++) put_byte(w, (unsigned char)(n & 0xff));
        put_byte(w, (unsigned char)(0x80 | octets));
    }
    put_byte(w, tag);
}

static void put_text(struct writer *w, unsigned char tag, const char *text, size_t n) {
    size_t end = w->start;
    put(w, text, n);
    put_header(w, tag, end);
}

static void put_small(struct writer *w, unsigned char tag, unsigned char value) {
    put_byte(w, value);
    put_byte(w, 1);
    put_byte(w, tag);
}

/* RFC 4515 assertion value up to `end`: \xx is a byte, %0Nd becomes N places. */
static size_t unescape(const char *p, const char *end, char *out, int *digits) {
    size_t n = 0;
    while (p < end) {
        if (*p == '\\' && end - p >= 3) {
            char hex[3] = {p[1], p[2], 0};
            out[n++] = (char)strtol(hex, NULL, 16);
            p += 3;
        } else if (*p == '%' && end - p >= 4 && p[1] == '0' && p[3] == 'd') {
            int width = p[2] - '0';
            if (width < 2 || width > MAX_DIGITS || (*digits && *digits != width)) fail("the number must be %02d to %09d, one width", p);
            *digits = width;
            memset(out + n, PLACE, (size_t)width);
            n += (size_t)width;
            p += 4;
        } else {
            out[n++] = *p++;
        }
        if (n > MAX_REQUEST_BYTES - 16) fail("the filter's value is too long", "");
    }
    return n;
}

/* SubstringFilter ::= SEQUENCE { type, substrings SEQUENCE OF CHOICE { initial [0], any [1], final [2] } } */
static void put_substrings(struct writer *w, const char *value, const char *end, int *digits) {
    const char *right = end;
    char text[MAX_REQUEST_BYTES];
    size_t whole = w->start;
    for (;;) {
        const char *left = right;
        while (left > value && left[-1] != '*') left--;
        unsigned char tag = right == end ? 0x82 : left == value ? 0x80 : 0x81;
        if (right > left) put_text(w, tag, text, unescape(left, right, text, digits));
        if (left == value) break;
        right = left - 1;
    }
    put_header(w, 0x30, whole);
}

static void put_filter(struct writer *w, const char **at, int *digits);

/* item ::= attribute ("=" | ">=" | "<=" | "~=") value, from `p` to the closing parenthesis at `end` */
static void put_item(struct writer *w, const char *p, const char *end, int *digits) {
    const char *equals = memchr(p, '=', (size_t)(end - p));
    if (!equals || equals == p) fail("an item of the filter has no attribute or no '='", p);
    char kind = equals[-1];
    const char *name_end = kind == '>' || kind == '<' || kind == '~' ? equals - 1 : equals;
    const char *value = equals + 1;
    char text[MAX_REQUEST_BYTES];
    size_t whole = w->start;
    if (name_end == equals && end - value == 1 && *value == '*') {
        put_text(w, 0x87, p, (size_t)(name_end - p));
        return;
    }
    if (name_end == equals && memchr(value, '*', (size_t)(end - value))) {
        put_substrings(w, value, end, digits);
        put_text(w, 0x04, p, (size_t)(name_end - p));
        put_header(w, 0xa4, whole);
        return;
    }
    put_text(w, 0x04, text, unescape(value, end, text, digits));
    put_text(w, 0x04, p, (size_t)(name_end - p));
    put_header(w, kind == '>' ? 0xa5 : kind == '<' ? 0xa6 : kind == '~' ? 0xa8 : 0xa3, whole);
}

/* Where the filter that starts at `p` ends: behind its closing parenthesis. */
static const char *filter_end(const char *p) {
    int depth = 0;
    for (; *p; p++) {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (depth == 0) return p + 1;
    }
    fail("a parenthesis of the filter is not closed", p);
    return p;
}

/* filter ::= "(" ("&" filter* | "|" filter* | "!" filter | item) ")"; written from its last part to its first */
static void put_filter(struct writer *w, const char **at, int *digits) {
    const char *p = *at, *parts[MAX_PARTS];
    if (*p != '(') fail("the filter wants a '(' here", p);
    const char *end = filter_end(p) - 1;
    *at = end + 1;
    p++;
    if (*p != '&' && *p != '|' && *p != '!') {
        put_item(w, p, end, digits);
        return;
    }
    unsigned char tag = *p == '&' ? 0xa0 : *p == '|' ? 0xa1 : 0xa2;
    size_t whole = w->start;
    int count = 0;
    for (p++; p < end; p = filter_end(p)) {
        if (*p != '(' || count == MAX_PARTS) fail("the filter is not understood here", p);
        parts[count++] = p;
    }
    while (count-- > 0) put_filter(w, &parts[count], digits);
    put_header(w, tag, whole);
}

/* Close the LDAPMessage and take it over into the request, with the places of the id and of the digits. */
static void finish(struct request *r, struct writer *w, int digits) {
    static const unsigned char id[] = {0x02, 0x03, 0x01, 0x00, 0x00};
    put(w, id, sizeof id);
    size_t after_header = w->start;
    put_header(w, 0x30, MAX_REQUEST_BYTES);
    memset(r, 0, sizeof *r);
    r->length = MAX_REQUEST_BYTES - w->start;
    memcpy(r->bytes, w->bytes + w->start, r->length);
    r->id_at = after_header - w->start + 2;
    r->digits = digits;
    for (size_t i = 0; digits && i + (size_t)digits <= r->length; i++) {
        int run = 0;
        while (run < digits && r->bytes[i + (size_t)run] == PLACE) run++;
        if (run < digits) continue;
        if (r->place_count == MAX_PLACES) fail("the number occurs too often in the filter", "at most 16 times");
        r->places[r->place_count++] = i;
        i += (size_t)digits - 1;
    }
}

/* SearchRequest ::= [APPLICATION 3] SEQUENCE { baseObject, scope, derefAliases, sizeLimit, timeLimit, typesOnly, filter, attributes } */
void request_search(struct request *r, const char *base, int scope, const char *filter, const char *attributes) {
    struct writer w = {.start = MAX_REQUEST_BYTES};
    int digits = 0;
    const char *right = attributes + strlen(attributes);
    while (right > attributes) {
        const char *left = right;
        while (left > attributes && left[-1] != ',') left--;
        put_text(&w, 0x04, left, (size_t)(right - left));
        right = left == attributes ? left : left - 1;
    }
    put_header(&w, 0x30, MAX_REQUEST_BYTES);
    const char *at = filter;
    put_filter(&w, &at, &digits);
    if (*at) fail("the filter goes on behind its end", at);
    put_small(&w, 0x01, 0);  /* typesOnly */
    put_small(&w, 0x02, 0);  /* timeLimit */
    put_small(&w, 0x02, 0);  /* sizeLimit */
    put_small(&w, 0x0a, 0);  /* derefAliases: never */
    put_small(&w, 0x0a, (unsigned char)scope);
    put_text(&w, 0x04, base, strlen(base));
    put_header(&w, 0x63, MAX_REQUEST_BYTES);
    finish(r, &w, digits);
}

/* BindRequest ::= [APPLICATION 0] SEQUENCE { version 3, name, authentication CHOICE { simple [0] } } */
void request_bind(struct request *r, const char *dn, const char *password) {
    struct writer w = {.start = MAX_REQUEST_BYTES};
    put_text(&w, 0x80, password, strlen(password));
    put_text(&w, 0x04, dn, strlen(dn));
    put_small(&w, 0x02, 3);
    put_header(&w, 0x60, MAX_REQUEST_BYTES);
    finish(r, &w, 0);
}

void request_set(struct request *r, uint32_t id, uint64_t number) {
    r->bytes[r->id_at] = (unsigned char)(id >> 16);
    r->bytes[r->id_at + 1] = (unsigned char)(id >> 8);
    r->bytes[r->id_at + 2] = (unsigned char)id;
    for (int d = r->digits - 1; d >= 0; d--, number /= 10)
        for (int k = 0; k < r->place_count; k++) r->bytes[r->places[k] + (size_t)d] = (unsigned char)('0' + number % 10);
}
