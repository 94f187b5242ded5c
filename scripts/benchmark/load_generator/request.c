/* BER (RFC 4511 5.1) written back to front: a value is in place before its length is needed, so nothing is ever moved. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They stand for one digit until the message is complete and occur in no tag and no text: PLACE is one of the number's digits,
 * LAST its last digit alone. A length that happens to contain one is noticed, see finish(). */
enum { PLACE = 0xFE, LAST = 0xFF, MAX_DIGITS = 9, MAX_PARTS = 64 };

struct writer {
    unsigned char bytes[MAX_REQUEST_BYTES];
    size_t start;  /* the bytes written so far are bytes[start .. MAX_REQUEST_BYTES) */
    int digits;    /* how wide the number is; 0 while none has been seen */
    int placed;    /* how many bytes are PLACE or LAST */
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

/* RFC 4515 assertion value up to `end`: \xx is a byte, %0Nd becomes N places, %01d the place of the last digit. */
static size_t unescape(struct writer *w, const char *p, const char *end, char *out) {
    size_t n = 0;
    while (p < end) {
        if (*p == '\\' && end - p >= 3) {
            char hex[3] = {p[1], p[2], 0};
            out[n++] = (char)strtol(hex, NULL, 16);
            p += 3;
        } else if (*p == '%' && end - p >= 4 && p[1] == '0' && p[3] == 'd') {
            int width = p[2] - '0';
            if (width < 1 || width > MAX_DIGITS || (width > 1 && w->digits && w->digits != width))
                fail("the number must be %02d to %09d, one width", p);
            if (width > 1) w->digits = width;
            w->placed += width;
            memset(out + n, width > 1 ? PLACE : LAST, (size_t)width);
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
static void put_substrings(struct writer *w, const char *value, const char *end) {
    const char *right = end;
    char text[MAX_REQUEST_BYTES];
    size_t whole = w->start;
    for (;;) {
        const char *left = right;
        while (left > value && left[-1] != '*') left--;
        unsigned char tag = right == end ? 0x82 : left == value ? 0x80 : 0x81;
        if (right > left) put_text(w, tag, text, unescape(w, left, right, text));
        if (left == value) break;
        right = left - 1;
    }
    put_header(w, 0x30, whole);
}

static void put_filter(struct writer *w, const char **at);

/* MatchingRuleAssertion ::= SEQUENCE { matchingRule [1], type [2] OPTIONAL, matchValue [3], dnAttributes [4] DEFAULT FALSE }
 * from attribute ":" rule ":=" value */
static void put_extensible(struct writer *w, const char *p, const char *colon, const char *equals, const char *end) {
    char text[MAX_REQUEST_BYTES];
    size_t whole = w->start;
    put_text(w, 0x83, text, unescape(w, equals + 1, end, text));
    if (colon > p) put_text(w, 0x82, p, (size_t)(colon - p));
    put_text(w, 0x81, colon + 1, (size_t)(equals - 1 - colon - 1));
    put_header(w, 0xa9, whole);
}

/* item ::= attribute ("=" | ">=" | "<=" | "~=") value, or an extensible match, up to the closing parenthesis at `end` */
static void put_item(struct writer *w, const char *p, const char *end) {
    const char *equals = memchr(p, '=', (size_t)(end - p));
    if (!equals || equals == p) fail("an item of the filter has no attribute or no '='", p);
    char kind = equals[-1];
    const char *colon = memchr(p, ':', (size_t)(equals - p));
    if (colon && kind == ':' && colon < equals - 1) {
        put_extensible(w, p, colon, equals, end);
        return;
    }
    const char *name_end = kind == '>' || kind == '<' || kind == '~' ? equals - 1 : equals;
    const char *value = equals + 1;
    char text[MAX_REQUEST_BYTES];
    size_t whole = w->start;
    if (name_end == equals && end - value == 1 && *value == '*') {
        put_text(w, 0x87, p, (size_t)(name_end - p));
        return;
    }
    if (name_end == equals && memchr(value, '*', (size_t)(end - value))) {
        put_substrings(w, value, end);
        put_text(w, 0x04, p, (size_t)(name_end - p));
        put_header(w, 0xa4, whole);
        return;
    }
    put_text(w, 0x04, text, unescape(w, value, end, text));
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
static void put_filter(struct writer *w, const char **at) {
    const char *p = *at, *parts[MAX_PARTS];
    if (*p != '(') fail("the filter wants a '(' here", p);
    const char *end = filter_end(p) - 1;
    *at = end + 1;
    p++;
    if (*p != '&' && *p != '|' && *p != '!') {
        put_item(w, p, end);
        return;
    }
    unsigned char tag = *p == '&' ? 0xa0 : *p == '|' ? 0xa1 : 0xa2;
    size_t whole = w->start;
    int count = 0;
    for (p++; p < end; p = filter_end(p)) {
        if (*p != '(' || count == MAX_PARTS) fail("the filter is not understood here", p);
        parts[count++] = p;
    }
    while (count-- > 0) put_filter(w, &parts[count]);
    put_header(w, tag, whole);
}

/* Close the LDAPMessage and take it over into the request, with the places of the id and of the digits. */
static void finish(struct request *r, struct writer *w) {
    static const unsigned char id[] = {0x02, 0x03, 0x01, 0x00, 0x00};
    put(w, id, sizeof id);
    size_t after_header = w->start;
    put_header(w, 0x30, MAX_REQUEST_BYTES);
    r->length = MAX_REQUEST_BYTES - w->start;
    memcpy(r->bytes, w->bytes + w->start, r->length);
    r->id_at = after_header - w->start + 2;
    r->value_at = 0;
    r->place_count = 0;
    for (size_t i = 0, run = 0; w->placed && i < r->length; i++) {
        run = r->bytes[i] == PLACE ? run + 1 : 0;
        if (!run && r->bytes[i] != LAST) continue;
        if (r->place_count == MAX_PLACES) fail("the number occurs too often", "at most 128 digits");
        size_t digit = run ? (size_t)w->digits - 1 - (run - 1) % (size_t)w->digits : 0;
        r->places[r->place_count++] = (struct place){(unsigned short)i, (unsigned char)digit};
    }
    if (r->place_count != w->placed) fail("a length of the request looks like the place of a digit", "make the request a byte longer");
}

/* Controls ::= [0] SEQUENCE OF SEQUENCE { type, controlValue OCTET STRING }, of which we know one (RFC 2696):
 * realSearchControlValue ::= SEQUENCE { size INTEGER, cookie OCTET STRING } */
static void put_paging(struct writer *w, const struct search *s) {
    static const char type[] = "1.2.840.113556.1.4.319";
    unsigned char size[4] = {0, (unsigned char)(s->page_size >> 16), (unsigned char)(s->page_size >> 8), (unsigned char)s->page_size};
    put_text(w, 0x04, s->cookie ? s->cookie : "", s->cookie_length);
    put_text(w, 0x02, (const char *)size, sizeof size);
    put_header(w, 0x30, MAX_REQUEST_BYTES);
    put_header(w, 0x04, MAX_REQUEST_BYTES);
    put_text(w, 0x04, type, sizeof type - 1);
    put_header(w, 0x30, MAX_REQUEST_BYTES);
    put_header(w, 0xa0, MAX_REQUEST_BYTES);
}

/* SearchRequest ::= [APPLICATION 3] SEQUENCE { baseObject, scope, derefAliases, sizeLimit, timeLimit, typesOnly, filter, attributes } */
void request_search(struct request *r, const struct search *s) {
    struct writer w;
    w.start = MAX_REQUEST_BYTES, w.digits = w.placed = 0;
    if (s->page_size) put_paging(&w, s);
    size_t operation = w.start;
    const char *right = s->attributes + strlen(s->attributes);
    while (right > s->attributes) {
        const char *left = right;
        while (left > s->attributes && left[-1] != ',') left--;
        put_text(&w, 0x04, left, (size_t)(right - left));
        right = left == s->attributes ? left : left - 1;
    }
    put_header(&w, 0x30, operation);
    const char *at = s->filter;
    put_filter(&w, &at);
    if (*at) fail("the filter goes on behind its end", at);
    put_small(&w, 0x01, 0);  /* typesOnly */
    put_small(&w, 0x02, 0);  /* timeLimit */
    put_small(&w, 0x02, 0);  /* sizeLimit */
    put_small(&w, 0x0a, 0);  /* derefAliases: never */
    put_small(&w, 0x0a, (unsigned char)s->scope);
    put_text(&w, 0x04, s->base, strlen(s->base));
    put_header(&w, 0x63, operation);
    finish(r, &w);
}

/* BindRequest ::= [APPLICATION 0] SEQUENCE { version 3, name, authentication CHOICE { simple [0] } } */
void request_bind(struct request *r, const char *dn, const char *password, int templates) {
    struct writer w;
    char text[MAX_REQUEST_BYTES];
    w.start = MAX_REQUEST_BYTES, w.digits = w.placed = 0;
    const char *texts[] = {password, dn};
    const unsigned char tags[] = {0x80, 0x04};
    for (int i = 0; i < 2; i++) {
        const char *end = texts[i] + strlen(texts[i]);
        if (templates) put_text(&w, tags[i], text, unescape(&w, texts[i], end, text));
        else put_text(&w, tags[i], texts[i], strlen(texts[i]));
    }
    put_small(&w, 0x02, 3);
    put_header(&w, 0x60, MAX_REQUEST_BYTES);
    finish(r, &w);
}

/* ModifyRequest ::= [APPLICATION 6] SEQUENCE { object, changes SEQUENCE OF SEQUENCE { operation replace (2),
 * modification SEQUENCE { type, vals SET OF value } } }; the value's digits are the last bytes of all */
void request_modify(struct request *r, const char *dn, const char *attribute) {
    static const char value[VALUE_DIGITS + 1] = "0000000000000000";
    struct writer w;
    char text[MAX_REQUEST_BYTES];
    w.start = MAX_REQUEST_BYTES, w.digits = w.placed = 0;
    put_text(&w, 0x04, value, VALUE_DIGITS);
    put_header(&w, 0x31, MAX_REQUEST_BYTES);
    put_text(&w, 0x04, attribute, strlen(attribute));
    put_header(&w, 0x30, MAX_REQUEST_BYTES);
    put_small(&w, 0x0a, 2);
    put_header(&w, 0x30, MAX_REQUEST_BYTES);
    put_header(&w, 0x30, MAX_REQUEST_BYTES);
    put_text(&w, 0x04, text, unescape(&w, dn, dn + strlen(dn), text));
    put_header(&w, 0x66, MAX_REQUEST_BYTES);
    finish(r, &w);
    r->value_at = r->length - VALUE_DIGITS;
}

void request_set(struct request *r, uint32_t id, uint64_t number, uint64_t value) {
    unsigned char digits[MAX_DIGITS];
    r->bytes[r->id_at] = (unsigned char)(id >> 16);
    r->bytes[r->id_at + 1] = (unsigned char)(id >> 8);
    r->bytes[r->id_at + 2] = (unsigned char)id;
    for (size_t d = VALUE_DIGITS; r->value_at && d-- > 0; value /= 10) r->bytes[r->value_at + d] = (unsigned char)('0' + value % 10);
    if (!r->place_count) return;
    for (int d = 0; d < MAX_DIGITS; d++, number /= 10) digits[d] = (unsigned char)('0' + number % 10);
    for (int k = 0; k < r->place_count; k++) r->bytes[r->places[k].at] = digits[r->places[k].digit];
}
