import { performance } from 'node:perf_hooks';
import { commands } from '../../../domain/catalogue.js';
import type { Actor } from '../../../domain/decider.js';
import type { CommandRequest, CommandType } from '../../commands/port.js';
import { Refused } from '../../problems.js';
import type { ClientMessage } from '../protocol.js';
import type { Session } from '../session.js';

/** Executes a command and answers with its reply, under the id of the message. */
export async function command(session: Session, message: ClientMessage<'command'>): Promise<void> {
  const { context } = session;
  const request = requestOf(session.actor as Actor, message);
  if (session.commandsInFlight >= context.limits.commandsInFlight || !session.commands.take(performance.now())) {
    throw new Refused('rate-limited');
  }
  if (context.draining) throw new Refused('shutting-down');
  session.commandsInFlight += 1;
  context.commandsInFlight += 1;
  try {
    const reply = await context.commands.execute(request);
    session.send({ op: 'reply', id: message.id, reply });
    context.attendance.executed(session, request);
  } finally {
    session.commandsInFlight -= 1;
    context.commandsInFlight -= 1;
  }
}

function requestOf(actor: Actor, { type, input, idempotencyKey, ifMatch }: ClientMessage<'command'>): CommandRequest {
  if (commands.get(type)?.issuer !== 'person') throw new Refused('unknown-command');
  return {
    type: type as CommandType,
    input,
    actor,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(ifMatch !== undefined && { ifMatch }),
  };
}
