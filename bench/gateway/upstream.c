/* A vendor at the speed of a socket: every request gets the same answer, whole or, where its body asks "stream":true, streamed.
   usage: upstream WHOLE_FILE STREAM_FILE    listens on a free port of 127.0.0.1 and prints it. One thread, epoll, keep-alive. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_MAX (1 << 20)
#define FDS_MAX 65536

struct answer { char *bytes; size_t size; };
struct connection { char *held; size_t size; };
static struct connection connections[FDS_MAX];

static struct answer load(const char *path) {
    struct answer answer;
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(2); }
    fseek(file, 0, SEEK_END);
    answer.size = ftell(file);
    rewind(file);
    answer.bytes = malloc(answer.size);
    if (fread(answer.bytes, 1, answer.size, file) != answer.size) { perror(path); exit(2); }
    fclose(file);
    return answer;
}

static int say(int fd, struct answer answer) {
    size_t sent = 0;
    while (sent < answer.size) {
        ssize_t n = send(fd, answer.bytes + sent, answer.size - sent, MSG_NOSIGNAL);
        if (n > 0) { sent += n; continue; }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue; /* a small answer: its room comes at once */
        return -1;
    }
    return 0;
}

/* Answer every whole request that is held; -1: it is no request. */
static int serve(int fd, struct answer whole, struct answer stream) {
    struct connection *one = &connections[fd];
    for (;;) {
        char *end = memmem(one->held, one->size, "\r\n\r\n", 4);
        if (!end) return one->size < HELD_MAX ? 0 : -1;
        size_t head = end - one->held + 4, body = 0;
        for (char *line = memchr(one->held, '\n', head); line && line < end; line = memchr(line + 1, '\n', head - (line + 1 - one->held)))
            if (!strncasecmp(line + 1, "content-length:", 15)) body = strtoul(line + 16, NULL, 10);
        if (head + body > HELD_MAX) return -1;
        if (one->size < head + body) return 0;
        int streamed = memmem(end, body + 4, "\"stream\":true", 13) || memmem(end, body + 4, "\"stream\": true", 14);
        if (say(fd, streamed ? stream : whole)) return -1;
        one->size -= head + body;
        memmove(one->held, one->held + head + body, one->size);
    }
}

int main(int count, char **words) {
    if (count != 3) { fprintf(stderr, "usage: upstream WHOLE_FILE STREAM_FILE\n"); return 2; }
    struct answer whole = load(words[1]), stream = load(words[2]);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, epoll = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 1024)) { perror("listen"); return 2; }
    getsockname(listener, (struct sockaddr *)&at, &size);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int caller = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (caller < 0 || caller >= FDS_MAX) { if (caller >= 0) close(caller); continue; }
                setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                connections[caller].held = malloc(HELD_MAX);
                connections[caller].size = 0;
                event.events = EPOLLIN;
                event.data.fd = caller;
                epoll_ctl(epoll, EPOLL_CTL_ADD, caller, &event);
                continue;
            }
            struct connection *one = &connections[fd];
            ssize_t n = recv(fd, one->held + one->size, HELD_MAX - one->size, 0);
            if (n < 0 && errno == EAGAIN) continue;
            if (n > 0) one->size += n;
            if (n <= 0 || serve(fd, whole, stream)) { close(fd); free(one->held); }
        }
    }
}
