import type { us_listen_socket } from 'uWebSockets.js';
import { createRequire } from 'node:module';

/** The least that a server does for a fan-out: what comes from a publisher is published to everybody as it is. */

/** As Parley has it; with less, frames are dropped where a subscriber is late. */
const maxBackpressure = 1024 * 1024;

const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof import('uWebSockets.js');
const app = uws
  .App()
  .ws('/subscribe', {
    compression: uws.DISABLED,
    maxBackpressure,
    open: (socket) => void socket.subscribe('feed'),
  })
  .ws('/publish', {
    compression: uws.DISABLED,
    message: (_socket, frame) => void app.publish('feed', frame, false),
  });
app.listen('127.0.0.1', 0, (listening: us_listen_socket | false) => {
  if (!listening) throw new Error("can't listen");
  process.stdout.write(`ready ${uws.us_socket_local_port(listening)}\n`);
});
