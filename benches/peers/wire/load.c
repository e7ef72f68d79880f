/* The callers: one thread, HTTP/1.1, every request with the next of the bearer tokens; the result is one line of JSON.
 *
 *   load calls PORT TOKENS CONNECTIONS SECONDS [COUNT]  a closed loop of tools/call until the time, or the count, is over
 *   load first PORT TOKENS COUNT                        one call after another, each answered by a stream; until its first event
 *   load events PORT TOKENS STREAMS EVENTS MICROSECONDS so many streams with so many events each; 0 us: as fast as they come
 *   load hold PORT TOKENS STREAMS                       opens streams with GET, says so, closes them when stdin ends
 *
 * No request is left unanswered, so that answers and arrivals at the upstream can be compared. It is C for the reason that
 * upstream.c is; and wrk cannot read event streams, nor use a token once.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 64 * 1024, PATIENCE = 120 };

enum mode { CALLS, FIRST, EVENTS, HOLD };

struct caller {
    int fd, filled, in_body, open, is_new;
    long long asked, seen;
    char in[ANSWER + 1];
};

struct wish { char *bytes; int size; };

static enum mode mode;
static struct wish *wishes;
static int wish_count, next_wish, poll_fd, port, outstanding;
static long long limit = -1, until, sent, answered, errors, events, *times, room, timed, last_answer;
static long long wanted_events;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what, const char *detail) {
    fprintf(stderr, "load: %s: %.600s\n", what, detail);
    exit(1);
}

static void note(long long time) {
    if (timed == room && !(times = realloc(times, (room = room ? room * 2 : 1 << 16) * sizeof *times))) fail("memory", "none left");
    times[timed++] = time;
}

static void format_wishes(const char *path, const char *arguments) {
    static char token[16384], body[1024];
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read", path);
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"search_documents\",\"arguments\":"
             "{\"query\":\"quarterly report\",\"limit\":10,\"include\":[\"title\",\"owner\",\"modified\"]%s}}}", arguments);
    while (fgets(token, sizeof token, file)) {
        token[strcspn(token, "\n")] = 0;
        wishes = realloc(wishes, (wish_count + 1) * sizeof *wishes);
        struct wish *w = &wishes[wish_count++];
        static const char common[] = "Host: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nAccept: %s\r\n"
                                     "MCP-Protocol-Version: 2025-11-25\r\nUser-Agent: bench/1\r\n";
        char *head;
        if (mode == HOLD) {
            if (asprintf(&head, common, port, token, "text/event-stream") < 0) fail("memory", "none left");
            w->size = asprintf(&w->bytes, "GET /mcp HTTP/1.1\r\n%s\r\n", head);
        } else {
            if (asprintf(&head, common, port, token, "application/json, text/event-stream") < 0) fail("memory", "none left");
            w->size = asprintf(&w->bytes, "POST /mcp HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                               head, strlen(body), body);
        }
        free(head);
    }
    fclose(file);
    if (!wish_count) fail("no token in", path);
}

static void dial(struct caller *c) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event want = { .events = EPOLLIN, .data.ptr = c };
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &want);
    c->open = c->is_new = 1;
}

static void ask(struct caller *c) {
    struct wish *w = &wishes[next_wish];
    next_wish = (next_wish + 1) % wish_count;
    c->filled = c->in_body = 0;
    c->seen = 0;
    c->asked = now();
    if (send(c->fd, w->bytes, w->size, MSG_NOSIGNAL) != w->size) fail("send", strerror(errno));
    sent++;
    outstanding++;
}

static int may_ask(void) { return limit >= 0 ? sent < limit : now() < until; }

static void hang_up(struct caller *c) {
    close(c->fd);
    c->open = 0;
}

static void done(struct caller *c, int is_good) {
    outstanding--;
    if (mode == HOLD && is_good) { answered++; return; }
    if (is_good) { answered++; last_answer = now(); } else errors++;
    int stays = is_good && !strcasestr(c->in, "\r\nconnection: close");
    if (mode == EVENTS || errors > 100 || !may_ask()) { hang_up(c); return; }
    if (!stays) { hang_up(c); dial(c); }
    ask(c);
}

/* Whether the answer is complete. Chunked ones end with an empty chunk, and nobody sends anything behind it. */
static int is_complete(const struct caller *c, const char *body) {
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    if (length && length < body) return c->filled >= body - c->in + atoi(length + 17);
    return c->filled - (body - c->in) >= 5 && !memcmp(c->in + c->filled - 5, "0\r\n\r\n", 5);
}

static void complain(const struct caller *c) {
    static int complaints;
    if (complaints++ < 3) fprintf(stderr, "load: %.600s\n", c->in);
}

static void hear_call(struct caller *c) {
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body || !is_complete(c, body += 4)) {
        if (c->filled == ANSWER) fail("the answer is too long", c->in);
        return;
    }
    int is_good = !strncmp(c->in, "HTTP/1.1 200 ", 13) && strstr(body, "\"isError\":false");
    if (is_good) note(now() - c->asked); else complain(c);
    done(c, is_good);
}

static long long count_events(const char *bytes, int size) {
    long long found = 0;
    for (int i = 0; i < size; i++) found += bytes[i] == '~';
    return found;
}

/* Streams are not kept: of what came only the last bytes stay, in which the end is looked for. */
static void hear_stream(struct caller *c, int before) {
    if (!c->in_body) {
        char *body = strstr(c->in, "\r\n\r\n");
        if (!body) return;
        if (strncmp(c->in, "HTTP/1.1 200 ", 13) || !strcasestr(c->in, "text/event-stream")) { complain(c); hang_up(c); done(c, 0); return; }
        c->in_body = 1;
        before = body + 4 - c->in;
    }
    long long found = count_events(c->in + before, c->filled - before);
    events += found;
    if (found && !c->seen && mode != EVENTS) note(now() - c->asked);
    if (found && !c->seen && mode == HOLD) done(c, 1);
    c->seen += found;
    int is_over = c->filled >= 5 && !memcmp(c->in + c->filled - 5, "0\r\n\r\n", 5);
    if (c->filled > 512) {
        memmove(c->in, c->in + c->filled - 16, 16);
        c->filled = 16;
        c->in[16] = 0;
    }
    if (is_over && mode != HOLD) done(c, c->seen == wanted_events);
}

static void hear(struct caller *c) {
    int before = c->filled;
    ssize_t got = recv(c->fd, c->in + c->filled, ANSWER - c->filled, 0);
    if (got <= 0) {
        if (mode != HOLD || !c->seen) { c->in[c->filled] = 0; complain(c); done(c, 0); } else errors++;
        if (c->open && mode == HOLD) hang_up(c);
        return;
    }
    c->filled += got;
    c->in[c->filled] = 0;
    if (mode == CALLS) hear_call(c); else hear_stream(c, before);
}

/* Until nothing is under way; the kernel tells of stdin in `watched`, -1 for none. Whether stdin ended. */
static int run(int watched) {
    struct epoll_event ready[256], want = { .events = EPOLLIN, .data.ptr = NULL };
    long long deadline = now() + PATIENCE * 1000000000LL + (until ? until - now() : 0);
    if (watched >= 0) epoll_ctl(poll_fd, EPOLL_CTL_ADD, watched, &want);
    while (watched >= 0 || outstanding > 0) {
        int found = epoll_wait(poll_fd, ready, 256, 1000);
        for (int i = 0; i < found; i++) {
            struct caller *c = ready[i].data.ptr;
            if (!c) return 1;
            if (c->open) hear(c);
        }
        if (watched < 0 && now() > deadline) fail("no answer in time", "");
    }
    return 0;
}

static int by_size(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static double at(double share) { return timed ? times[(long long)(share * (timed - 1))] / 1e3 : 0; }

int main(int count, char **given) {
    static const char *names[] = { "calls", "first", "events", "hold" };
    static const int least[] = { 6, 5, 7, 5 };
    for (mode = CALLS; mode <= HOLD && (count < 2 || strcmp(given[1], names[mode])); mode++) {}
    if (mode > HOLD || count < least[mode]) { fprintf(stderr, "usage: the beginning of load.c\n"); return 2; }
    port = atoi(given[2]);
    int callers = mode == FIRST ? 1 : atoi(given[4]);
    char extra[64] = "";
    if (mode == FIRST) { limit = atoll(given[4]); wanted_events = 1; strcpy(extra, ",\"stream\":[1,0]"); }
    if (mode == EVENTS) {
        wanted_events = atoll(given[5]);
        snprintf(extra, sizeof extra, ",\"stream\":[%lld,%lld]", wanted_events, atoll(given[6]));
        limit = callers;
    }
    if (mode == HOLD) limit = callers;
    if (mode == CALLS && count > 6) limit = atoll(given[6]);
    format_wishes(given[3], extra);
    if (limit > wish_count && mode == CALLS) fail("fewer tokens than requests", given[3]);
    poll_fd = epoll_create1(0);
    struct caller *all = calloc(callers, sizeof *all);
    for (int i = 0; i < callers; i++) dial(&all[i]);
    long long began = last_answer = now();
    if (mode == CALLS) until = began + (long long)(atof(given[5]) * 1e9);
    for (int i = 0; i < callers && may_ask(); i++) ask(&all[i]);
    if (mode == EVENTS) until = began + wanted_events * atoll(given[6]) * 1000;
    run(-1);
    if (mode == HOLD) {
        printf("{\"open\":%lld,\"errors\":%lld}\n", answered, errors);
        fflush(stdout);
        run(0);
        return errors != 0;
    }
    double seconds = (last_answer - began) / 1e9;
    qsort(times, timed, sizeof *times, by_size);
    printf("{\"requests\":%lld,\"events\":%lld,\"errors\":%lld,\"seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", answered,
           events, errors, seconds, at(0.5), at(0.99));
    return 0;
}
