import { commands } from '../../../domain/catalogue.js';
import type { Actor } from '../../../domain/decider.js';
import type { CommandRequest, CommandType } from '../../commands/port.js';
import { Refused } from '../../problems.js';
import type { ClientMessage } from '../protocol.js';
import type { Session } from '../session.js';

/** Executes a command and answers with its reply, under the id of the message. */
export async function command(session: Session, message: ClientMessage<'command'>): Promise<void> {
  const { context } = session;
  const actor = session.actor as Actor;
  const definition = commands.get(message.type);
  if (definition?.issuer !== 'person') throw new Refused('unknown-command');
  if (session.commandsInFlight >= context.limits.commandsInFlight) throw new Refused('rate-limited');
  context.commandLimits.take(actor.id, definition.class);
  const request = requestOf(actor, message);
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
  return { type: type as CommandType, input, actor, idempotencyKey, ifMatch };
}
