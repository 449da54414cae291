import type { Logger } from 'pino';
import type { Broker, Subscription } from '../broker/port.js';
import { newUuid } from './new-id.js';
import type { CommandExecutor, CommandRequest } from './port.js';
import { type CommandAnswer, commandServerTopic, commandService, toRefusal } from './remote-messages.js';
import { signOfLifeMs } from './remote-servers.js';

export interface CommandResponderOptions {
  readonly broker: Broker;
  readonly commands: CommandExecutor;
  readonly logger: Logger;
}

/** Executes the commands that other processes send over the broker, and lets them know that it does. */
export class CommandResponder {
  readonly #id = newUuid();
  readonly #subscriptions: Subscription[];
  readonly #signsOfLife: NodeJS.Timeout;
  readonly #answering = new Set<Promise<CommandAnswer>>();

  constructor(private readonly options: CommandResponderOptions) {
    const { broker } = options;
    const respond = (request: CommandRequest) => this.#respond(request);
    this.#subscriptions = [
      broker.respond(commandService(this.#id), respond),
      broker.respond(commandService(), respond),
      broker.onReconnect(() => this.#tell(true)),
    ];
    this.#tell(true);
    this.#signsOfLife = setInterval(() => this.#tell(true), signOfLifeMs);
  }

  /** Resolves once every command that was taken is answered. */
  async stop(): Promise<void> {
    clearInterval(this.#signsOfLife);
    this.#tell(false);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await Promise.all(this.#answering);
  }

  #tell(serving: boolean): void {
    this.options.broker.publish(commandServerTopic, { id: this.#id, serving });
  }

  #respond(request: CommandRequest): Promise<CommandAnswer> {
    const answering = this.#execute(request);
    this.#answering.add(answering);
    void answering.finally(() => this.#answering.delete(answering));
    return answering;
  }

  async #execute(request: CommandRequest): Promise<CommandAnswer> {
    const { commands, logger } = this.options;
    try {
      return { accepted: await commands.execute(request) };
    } catch (error) {
      const refused = toRefusal(error);
      if (refused.kind === 'failed') logger.error({ err: error }, 'a command could not be executed');
      return { refused };
    }
  }
}
