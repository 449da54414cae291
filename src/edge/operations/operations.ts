import { Refused } from '../../problems.js';
import type { ClientMessage, ClientOp } from '../protocol.js';
import type { Session } from '../session.js';
import { command } from './command.js';
import { subscribe } from './subscribe.js';

/** What the edge does on a client's message. What it throws is told to the client as the problem that it means. */
export type Operation<Op extends ClientOp> = (session: Session, message: ClientMessage<Op>) => void | Promise<void>;

export const operations: { readonly [Op in ClientOp]: Operation<Op> } = {
  authenticate(session, { token, ticket }) {
    if (session.actor) throw new Refused('bad-request', { detail: 'The connection is authenticated already.' });
    return session.authenticate(ticket === undefined ? { token: token as string } : { ticket });
  },
  subscribe,
  unsubscribe(session, { feed }) {
    session.leave(feed);
    session.send({ op: 'unsubscribed', feed });
  },
  command,
  ping: (session) => session.send({ op: 'pong' }),
};
