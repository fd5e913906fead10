// The echo server of Node's `net` documentation, in JavaScript on StarlingMonkey: a language whose
// components cannot import async functions. It waits by `plugnet:net/blocking`.
//
//   npm ci
//   mkdir -p wit/deps && plugnet wit > wit/deps/plugnet.wit
//   npx componentize-js echo.js --wit wit --world-name echo -d http -d fetch-event -o echo.wasm
//   plugnet run --allow-net echo.wasm 127.0.0.1:8124
//   nc 127.0.0.1 8124
//
// Arguments: [--once] [[HOST:]PORT]. With --once it stops after its first client.

import { getArguments } from "wasi:cli/environment@0.2.0";
import { wait } from "plugnet:net/blocking@0.1.0";
import { next, Server } from "plugnet:net/net@0.1.0";

// As much as one `read` takes. 64 bits are a BigInt.
const CHUNK = 65536n;

function serve(once, host, port) {
  const server = new Server();
  const options = { port, host, exclusive: false, ipv6Only: false, reusePort: false };
  server.listen(options, undefined);

  // The clients by the number that names them in events.
  const clients = new Map();

  // False: nothing is left that could happen.
  while (wait()) {
    for (let event = next(); event; event = next()) {
      const client = clients.get(event.source);
      switch (event.kind.tag) {
        case "listening": {
          const { address, family, port } = server.address();
          console.log(`server bound ${family === "ipv6" ? `[${address}]` : address}:${port}`);
          break;
        }
        case "connection": {
          const client = server.accept();
          if (client) clients.set(client.id(), client);
          // No more clients; the one that is there stays.
          if (once) server.close();
          break;
        }
        case "readable":
          // False: the client reads more slowly than it writes. Take nothing more from it until
          // `drain`, so that its data does not pile up here.
          if (client && !client.write(client.read(CHUNK))) client.pause();
          break;
        case "drain":
          client?.resume();
          break;
        case "error":
          // A server that cannot listen has nothing to do; a client that is lost is no reason to
          // leave the others.
          if (!client) throw new Error(event.kind.val.message);
          console.error(`client lost: ${event.kind.val.message}`);
          break;
        case "close":
          clients.delete(event.source);
          // The collector of garbage does not drop handles.
          client?.[Symbol.dispose]();
          break;
      }
    }
  }
}

export const run = {
  // What `main` is elsewhere. Throwing ends the program with exit code 1.
  run() {
    const options = getArguments().slice(1);
    const once = options[0] === "--once";
    const place = options[once ? 1 : 0] ?? "8124";
    const colon = place.lastIndexOf(":");
    const host = colon < 0 ? undefined : place.slice(0, colon).replace(/^\[|\]$/g, "");
    try {
      serve(once, host, Number(place.slice(colon + 1)));
    } catch (error) {
      // What a function of the contract returns as an error is the payload of an exception.
      console.error(`error: ${error.payload?.message ?? error.message}`);
      throw undefined;
    }
  },
};
