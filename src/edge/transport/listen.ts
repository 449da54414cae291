import type { EdgeTransport, TransportOptions } from './port.js';
import { listenWs } from './ws.js';

/** `auto`: uWebSockets.js where its binary loads, else `ws`, which a line in the log tells. */
export type TransportChoice = 'uws' | 'ws' | 'auto';

/** @throws if the port can't be listened on, or the transport asked for does not load */
export async function listen(choice: TransportChoice, options: TransportOptions): Promise<EdgeTransport> {
  if (choice === 'ws' || (choice === 'auto' && !(await uwsLoads(options)))) return listenWs(options);
  const { listenUws } = await import('./uws.js');
  return listenUws(options);
}

async function uwsLoads({ logger }: TransportOptions): Promise<boolean> {
  try {
    await import('uWebSockets.js');
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    logger.warn(`uWebSockets.js does not load here (${why}): the edge runs on ws, which carries less`);
    return false;
  }
}
