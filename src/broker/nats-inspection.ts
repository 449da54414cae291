import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import type { NatsAddress } from './nats-address.js';
import { connectOnce } from './nats-connection.js';

/** What an operator should know of a server of NATS. */
export interface NatsInspection {
  /** `host:port` */
  readonly server: string;
  readonly version: string;
  /** Bytes of the largest message. */
  readonly maxPayload: number;
  readonly encrypted: boolean;
  /** Why a question and its answer do not get through: mostly that the user may not publish or subscribe. */
  readonly fault: string | undefined;
}

const answerWithinMs = 2_000;

/** @throws if no server of the address can be reached */
export async function inspectNats(address: NatsAddress): Promise<NatsInspection> {
  const connection = await connectOnce(address);
  try {
    const { info } = connection;
    if (!info) throw new Error('the connection was closed');
    return {
      server: connection.getServer(),
      version: info.version,
      maxPayload: info.max_payload,
      encrypted: Boolean(info.tls_required || info.tls_available),
      fault: await faultOf(connection, address),
    };
  } finally {
    await connection.close();
  }
}

/** Asks itself, which takes all that the broker needs: subscriptions, messages, answers. */
async function faultOf(connection: NatsConnection, { namespace }: NatsAddress): Promise<string | undefined> {
  const subject = createInbox(`${namespace}.inspection`);
  try {
    connection.subscribe(subject, { callback: (error, message) => void (error || message.respond('here')) });
    await connection.request(subject, 'anybody?', { timeout: answerWithinMs });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
