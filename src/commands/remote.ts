import { type Broker, NoAnswer, NotDelivered } from '../broker/port.js';
import { OutcomeUnknown } from '../event-store/port.js';
import { ServerUnavailable } from '../server-unavailable.js';
import { primaryStreamOf } from './pending-command.js';
import type { CommandExecutor, CommandReply, CommandRequest } from './port.js';
import { commandService, fromRefusal } from './remote-messages.js';
import { CommandServers } from './remote-servers.js';

export interface RemoteCommandsOptions {
  readonly broker: Broker;
  /** How long an answer is waited for, in ms; 5,000 unless told. */
  readonly timeoutMs?: number;
}

/**
 * Has commands executed by other processes, over the broker. Who surely did not get a command, or takes none any more,
 * is passed over for the next. An answer that does not come leaves the outcome unknown.
 */
export class RemoteCommands implements CommandExecutor {
  readonly #broker: Broker;
  readonly #timeoutMs: number;
  readonly #servers: CommandServers;

  constructor({ broker, timeoutMs = 5_000 }: RemoteCommandsOptions) {
    this.#broker = broker;
    this.#timeoutMs = timeoutMs;
    this.#servers = new CommandServers(broker);
  }

  /**
   * @throws as `CommandExecutor.execute`
   * @throws {ServerUnavailable} if nobody executes commands, or the broker is out of reach: nothing was done
   */
  async execute(request: CommandRequest): Promise<CommandReply> {
    // Last of all whoever it may be: a server that was not heard yet, or is taken for gone.
    const asked = [...this.#servers.for(primaryStreamOf(request)), undefined];
    for (const server of asked) {
      const reply = await this.#ask(server, request);
      if (reply) return reply;
      if (this.#broker.fault !== undefined) break;
      if (server !== undefined) this.#servers.forget(server);
    }
    throw new ServerUnavailable(this.#broker.fault ?? 'no process executes commands');
  }

  stop(): void {
    this.#servers.stop();
  }

  /** @returns undefined if the server has surely done nothing */
  async #ask(server: string | undefined, request: CommandRequest): Promise<CommandReply | undefined> {
    try {
      const answer = await this.#broker.request(commandService(server), request, { timeoutMs: this.#timeoutMs });
      if (answer.accepted) return answer.accepted;
      if (answer.refused.kind === 'shutting-down') return undefined;
      throw fromRefusal(answer.refused);
    } catch (error) {
      if (error instanceof NotDelivered) return undefined;
      if (!(error instanceof NoAnswer)) throw error;
      if (server !== undefined) this.#servers.forget(server);
      throw new OutcomeUnknown(error.message);
    }
  }
}
