/* The MCP server behind every peer: answers that cost next to nothing, in one thread, over HTTP/1.1.
 *
 *   upstream PORT
 *
 * It is C because it shares a core with the load: nginx as upstream took 14 us a call and cannot pace events, this takes
 * half of that. It knows as much MCP as a proxy that speaks MCP itself needs (initialize, tools/list, the id).
 *
 *   POST /mcp  tools/call   one JSON answer; with "stream":[EVENTS,MICROSECONDS] in its arguments an event stream, one
 *                           event each so many microseconds, or with 0 as fast as they are taken
 *   GET /mcp                an event stream that stays open and silent after its first event
 *   GET /counters           what has arrived, so that nobody can answer from a cache
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 32 * 1024, DESCRIPTORS = 20000, BATCH = 64 };

struct client {
    char in[REQUEST];
    int filled;
    long long left;  /* events still to send, -1 for a stream that stays silent */
    long long every; /* nanoseconds between two events, 0 for no pause */
    long long due;
    const char *out; /* what the socket did not take */
    int unsent;
};

static struct client *clients[DESCRIPTORS];
static int streaming[DESCRIPTORS], streams, poll_fd;
static long long calls, events;

/* '~' stands once in every event and nowhere else: load counts it. */
#define EVENT "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":50," \
              "\"total\":100,\"message\":\"half of the documents are searched ~\"}}\n\n"
static char chunks[BATCH * (sizeof EVENT + 8)];
static int chunk;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void end(int fd) {
    for (int i = 0; i < streams; i++)
        if (streaming[i] == fd) { streaming[i] = streaming[--streams]; break; }
    close(fd);
    free(clients[fd]);
    clients[fd] = NULL;
}

/* Whether the client is still there. `bytes` must live on: only its address is kept. */
static int put(int fd, const char *bytes, int size) {
    struct client *c = clients[fd];
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent < 0) sent = 0;
    c->out = bytes + sent;
    c->unsent = size - sent;
    struct epoll_event want = { .events = c->unsent ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.fd = fd };
    if (c->unsent) epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &want);
    return 1;
}

static int answer(int fd, const char *status, const char *json) {
    char bytes[2048];
    int size = snprintf(bytes, sizeof bytes, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        status, strlen(json), json);
    return send(fd, bytes, size, MSG_NOSIGNAL) == size; /* an answer fits any socket's buffer */
}

static int result(int fd, const char *body, const char *value) {
    char json[1600];
    const char *id = strstr(body, "\"id\":");
    int width = id ? strcspn(id + 5, ",}") : 0;
    snprintf(json, sizeof json, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}", width, id ? id + 5 : "", value);
    return answer(fd, "200 OK", json);
}

/* The head goes out alone, as servers send it that have nothing to say yet. */
static int stream(int fd, long long count, long long every) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct client *c = clients[fd];
    if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) < 0) return 0;
    c->left = count;
    c->every = every;
    /* Spread over the interval: streams that tick together would be woken together. */
    c->due = now() + every * (streams % 64) / 64;
    streaming[streams++] = fd;
    return 1;
}

/* Sends what is due; whether the client is still there. */
static int tick(int fd, long long time) {
    static const char last[] = "0\r\n\r\n";
    struct client *c = clients[fd];
    while (c->left > 0 && !c->unsent && c->due <= time) {
        int count = c->every ? 1 : c->left < BATCH ? (int)c->left : BATCH;
        if (!put(fd, chunks, count * chunk)) return 0;
        c->left -= count;
        events += count;
        c->due += c->every;
        if (!c->every) break; /* the others' turn */
    }
    if (c->left || c->unsent) return 1;
    for (int i = 0; i < streams; i++)
        if (streaming[i] == fd) { streaming[i] = streaming[--streams]; break; }
    return put(fd, last, sizeof last - 1);
}

static int request(int fd, const char *body) {
    const char *head = clients[fd]->in, *found;
    long long count = 1, every = 0;
    if (!strncmp(head, "GET /counters", 13)) {
        char json[128];
        snprintf(json, sizeof json, "{\"calls\":%lld,\"events\":%lld,\"streams\":%d}", calls, events, streams);
        return answer(fd, "200 OK", json);
    }
    if (!strncmp(head, "GET ", 4)) {
        if (!stream(fd, 1, 0) || !put(fd, chunks, chunk)) return 0;
        clients[fd]->left = -1;
        events++;
        return 1;
    }
    if (strncmp(head, "POST ", 5)) return answer(fd, "405 Method Not Allowed", "{}");
    if (strstr(body, "\"tools/call\"")) {
        calls++;
        if ((found = strstr(body, "\"stream\":[")) && sscanf(found + 10, "%lld,%lld", &count, &every) == 2)
            return stream(fd, count, every * 1000) && tick(fd, now());
        return result(fd, body, "{\"content\":[{\"type\":\"text\",\"text\":\"3 documents: Quarterly report, Quarterly report "
                                "(draft), Budget\"}],\"isError\":false}");
    }
    if (strstr(body, "\"initialize\""))
        return result(fd, body, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":"
                                "\"upstream\",\"version\":\"1\"}}");
    if (strstr(body, "\"tools/list\""))
        return result(fd, body, "{\"tools\":[{\"name\":\"search_documents\",\"inputSchema\":{\"type\":\"object\"}}]}");
    if (strstr(body, "\"notifications/")) return answer(fd, "202 Accepted", "");
    if (strstr(body, "\"ping\"")) return result(fd, body, "{}");
    char json[256];
    const char *id = strstr(body, "\"id\":");
    snprintf(json, sizeof json, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}",
             id ? (int)strcspn(id + 5, ",}") : 4, id ? id + 5 : "null");
    return answer(fd, "200 OK", json);
}

/* Reads once; whether the client is still there. */
static int hear(int fd) {
    struct client *c = clients[fd];
    ssize_t got = recv(fd, c->in + c->filled, REQUEST - 1 - c->filled, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    c->filled += got;
    c->in[c->filled] = 0;
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body) return c->filled < REQUEST - 1;
    body += 4;
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    int wanted = length && length < body ? atoi(length + 17) : 0;
    if (body + wanted - c->in > REQUEST - 1) return 0;
    if (c->in + c->filled < body + wanted) return 1;
    char *closing = strcasestr(c->in, "\r\nconnection: close\r\n");
    int is_last = closing && closing < body;
    int alive = request(fd, body) && !is_last;
    c->filled = 0; /* nobody here sends a request before the answer to the last */
    return alive;
}

static void come_in(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= DESCRIPTORS || !(clients[fd] = calloc(1, sizeof(struct client)))) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event want = { .events = EPOLLIN, .data.fd = fd };
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &want);
    }
}

/* Until the next event is due; NULL for as long as it takes. */
static struct timespec *pause_until_due(struct timespec *t) {
    long long first = -1, time = now();
    for (int i = 0; i < streams; i++) {
        struct client *c = clients[streaming[i]];
        if (c->left > 0 && !c->unsent && (first < 0 || c->due < first)) first = c->due;
    }
    if (first < 0) return NULL;
    long long wait = first > time ? first - time : 0;
    *t = (struct timespec){ wait / 1000000000, wait % 1000000000 };
    return t;
}

int main(int count, char **arguments) {
    if (count != 2) { fprintf(stderr, "upstream PORT\n"); return 2; }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) { perror("upstream"); return 1; }
    for (int i = 0, size = sizeof EVENT - 1; i < BATCH; i++)
        chunk = sprintf(chunks + i * chunk, "%x\r\n%s\r\n", size, EVENT);
    poll_fd = epoll_create1(0);
    struct epoll_event want = { .events = EPOLLIN, .data.fd = listener }, ready[256];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &want);
    for (;;) {
        struct timespec t;
        int found = epoll_pwait2(poll_fd, ready, 256, pause_until_due(&t), NULL);
        for (int i = 0; i < found; i++) {
            int fd = ready[i].data.fd, alive = 1;
            if (fd == listener) { come_in(fd); continue; }
            if (ready[i].events & EPOLLOUT) {
                struct epoll_event quiet = { .events = EPOLLIN, .data.fd = fd };
                alive = put(fd, clients[fd]->out, clients[fd]->unsent);
                if (alive && !clients[fd]->unsent) epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &quiet);
            }
            if (alive && ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = hear(fd);
            if (!alive) end(fd);
        }
        long long time = now();
        for (int i = streams - 1; i >= 0; i--)
            if (!tick(streaming[i], time)) end(streaming[i]);
    }
}
