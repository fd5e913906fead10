// The echo server of Node's `net` documentation, in C: a language without async. It waits by
// `plugnet:net/blocking`.
//
//   plugnet wit > plugnet.wit
//   wit-bindgen c plugnet.wit --world plugnet:net/blocking-imports --rename-world net
//   wasm32-wasip2-clang -O2 echo.c net.c net_component_type.o -o echo.wasm    # of wasi-sdk
//   plugnet run --allow-net echo.wasm 127.0.0.1:8124
//   nc 127.0.0.1 8124
//
// `.ci/c` builds it without wasi-sdk, by Debian's clang and the C library that comes with Rust.
//
// Arguments: [--once] [[HOST:]PORT]. With --once it stops after its first client.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

// The names of the bindings have the package, the interface and the resource in them.
typedef plugnet_net_net_own_server_t server_t;
typedef plugnet_net_net_own_socket_t socket_t;

// As much as one `read` takes.
#define CHUNK (64 * 1024)

// The clients by the number that names them in events. With many of them, use a hash table.
struct client {
  plugnet_net_net_id_t id;
  socket_t socket;
  struct client *next;
};

static struct client *clients;

static struct client **find(plugnet_net_net_id_t id) {
  struct client **place = &clients;
  while (*place && (*place)->id != id) place = &(*place)->next;
  return place;
}

static void accept_client(server_t server) {
  socket_t socket;
  if (!plugnet_net_net_method_server_accept(plugnet_net_net_borrow_server(server), &socket)) return;
  struct client *client = malloc(sizeof *client);
  if (!client) abort();
  client->id = plugnet_net_net_method_socket_id(plugnet_net_net_borrow_socket(socket));
  client->socket = socket;
  client->next = clients;
  clients = client;
}

static void echo(plugnet_net_net_borrow_socket_t socket) {
  net_list_u8_t data;
  plugnet_net_net_method_socket_read(socket, CHUNK, &data);
  // False: the client reads more slowly than it writes. Take nothing more from it until `drain`,
  // so that its data does not pile up here.
  if (!plugnet_net_net_method_socket_write(socket, &data, NULL))
    plugnet_net_net_method_socket_pause(socket);
  net_list_u8_free(&data);
}

static void forget(plugnet_net_net_id_t id) {
  struct client **place = find(id), *client = *place;
  if (!client) return;
  *place = client->next;
  plugnet_net_net_socket_drop_own(client->socket);
  free(client);
}

static void tell_address(server_t server) {
  plugnet_net_net_address_info_t info;
  if (!plugnet_net_net_method_server_address(plugnet_net_net_borrow_server(server), &info)) return;
  bool v6 = info.family == PLUGNET_NET_TYPES_IP_FAMILY_IPV6;
  printf(v6 ? "server bound [%.*s]:%u\n" : "server bound %.*s:%u\n", (int)info.address.len,
         (const char *)info.address.ptr, (unsigned)info.port);
  fflush(stdout);
  plugnet_net_net_address_info_free(&info);
}

static void tell_error(const char *what, const plugnet_net_net_error_t *error) {
  fprintf(stderr, "%s: %.*s\n", what, (int)error->message.len, (const char *)error->message.ptr);
}

// Acts on an event. False if the server cannot go on.
static bool act(server_t server, const plugnet_net_net_event_t *event, bool once) {
  struct client *client = *find(event->source);
  switch (event->kind.tag) {
    case PLUGNET_NET_NET_EVENT_KIND_LISTENING:
      tell_address(server);
      break;
    case PLUGNET_NET_NET_EVENT_KIND_CONNECTION:
      accept_client(server);
      // No more clients; the one that is there stays.
      if (once) plugnet_net_net_method_server_close(plugnet_net_net_borrow_server(server), NULL);
      break;
    case PLUGNET_NET_NET_EVENT_KIND_READABLE:
      if (client) echo(plugnet_net_net_borrow_socket(client->socket));
      break;
    case PLUGNET_NET_NET_EVENT_KIND_DRAIN:
      if (client) plugnet_net_net_method_socket_resume(plugnet_net_net_borrow_socket(client->socket));
      break;
    case PLUGNET_NET_NET_EVENT_KIND_ERROR:
      // A server that cannot listen has nothing to do; a client that is lost is no reason to leave
      // the others.
      tell_error(client ? "client lost" : "error", &event->kind.val.error);
      return client != NULL;
    case PLUGNET_NET_NET_EVENT_KIND_CLOSE:
      forget(event->source);
      break;
  }
  return true;
}

static bool serve(server_t server, const char *host, uint16_t port, bool once) {
  // What is not named is absent, or false.
  plugnet_net_net_listen_options_t options = {.port = port, .host.is_some = host != NULL};
  if (host) net_string_set(&options.host.val, host);
  plugnet_net_net_error_t error;
  if (!plugnet_net_net_method_server_listen(plugnet_net_net_borrow_server(server), &options, NULL,
                                            &error)) {
    tell_error("error", &error);
    plugnet_net_net_error_free(&error);
    return false;
  }
  bool more;
  while (plugnet_net_blocking_wait(NULL, &more, &error)) {
    // Nothing is left that could happen.
    if (!more) return true;
    plugnet_net_net_event_t event;
    while (plugnet_net_net_next(&event)) {
      bool goes_on = act(server, &event, once);
      plugnet_net_net_event_free(&event);
      if (!goes_on) return false;
    }
  }
  tell_error("error", &error);
  plugnet_net_net_error_free(&error);
  return false;
}

// The C library exports it as `wasi:cli/run@0.2`.
int main(int argc, char **argv) {
  int first = 1;
  bool once = argc > first && strcmp(argv[first], "--once") == 0;
  if (once) first++;
  char *port = argc > first ? argv[first] : (char[]){"8124"};
  char *host = NULL;
  char *colon = strrchr(port, ':');
  if (colon) {
    *colon = '\0';
    host = port;
    port = colon + 1;
    // [::1]
    size_t length = strlen(host);
    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
      host[length - 1] = '\0';
      host++;
    }
  }
  server_t server = plugnet_net_net_constructor_server(NULL);
  bool well = serve(server, host, (uint16_t)strtoul(port, NULL, 10), once);
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
