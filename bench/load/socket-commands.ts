import type { WebSocket } from 'ws';

/**
 * Issues commands over a socket of the edge, a bounded number of them without an answer at any time.
 * @returns once all are accepted
 * @throws {Error} if one is refused, or the socket is closed
 */
export function issueCommands(
  socket: WebSocket,
  type: string,
  input: unknown,
  { count, outstanding }: { readonly count: number; readonly outstanding: number },
): Promise<void> {
  const rest = `,"type":${JSON.stringify(type)},"input":${JSON.stringify(input)}}`;
  let sent = 0;
  let answered = 0;
  const sendNext = () => {
    sent += 1;
    socket.send(`{"op":"command","id":"${sent}"${rest}`);
  };
  return new Promise((resolve, reject) => {
    socket.once('close', (code: number, reason: Buffer) => reject(new Error(`closed by ${code}: ${reason}`)));
    socket.on('message', (data: Buffer) => {
      if (!isReply(data)) return reject(new Error(`the edge answers ${data}`));
      answered += 1;
      if (sent < count) sendNext();
      else if (answered === count) resolve();
    });
    while (sent < Math.min(outstanding, count)) sendNext();
  });
}

const replyBeginning = Buffer.from('{"op":"reply"');

function isReply(data: Buffer): boolean {
  return data.subarray(0, replyBeginning.length).equals(replyBeginning);
}
