import { Inject } from '@nestjs/common';
import { CommandBus, type IQuery, QueryBus } from '@nestjs/cqrs';
import type { CommandReply, CommandType } from '../commands/port.js';
import { Boundary } from './boundary.js';
import { type Call, commandRequest } from './call.js';
import { ExecuteCommand } from './execute-command.js';

/** What every controller needs: the boundary, and the buses that dispatch to what does the work. */
export abstract class ApiController {
  constructor(
    @Inject(Boundary) readonly boundary: Boundary,
    @Inject(CommandBus) private readonly commandBus: CommandBus,
    @Inject(QueryBus) private readonly queryBus: QueryBus,
  ) {}

  protected async execute(type: CommandType, call: Call): Promise<CommandReply> {
    return this.commandBus.execute(new ExecuteCommand(commandRequest(type, call)));
  }

  protected async query<Answer extends object>(query: IQuery): Promise<Answer> {
    return this.queryBus.execute<IQuery, Answer>(query);
  }
}
