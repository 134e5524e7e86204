#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "greeting.h"

static void leave(int signal) { (void)signal; _exit(0); }

int main(void) {
  signal(SIGTERM, leave);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(3001), .sin_addr = {INADDR_ANY}};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) return 1;
  for (;;) {
    char request[1024];
    const char answer[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" GREETING "\n";
    int client = accept(listener, 0, 0);
    if (client < 0) continue;
    if (read(client, request, sizeof request) > 0 && write(client, answer, strlen(answer)) < 0) { /* the client left */ }
    close(client);
  }
}
