import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandPipeline, CommandReply, CommandRequest } from '../commands/port.js';
import { COMMAND_PIPELINE } from './tokens.js';

/** A command of any context on Nest's bus: all go the same way. */
export class ExecuteCommand extends Command<CommandReply> {
  constructor(readonly request: CommandRequest) {
    super();
  }
}

@CommandHandler(ExecuteCommand)
export class ExecuteCommandHandler implements ICommandHandler<ExecuteCommand> {
  constructor(@Inject(COMMAND_PIPELINE) private readonly pipeline: CommandPipeline) {}

  execute({ request }: ExecuteCommand): Promise<CommandReply> {
    return this.pipeline.execute(request);
  }
}
