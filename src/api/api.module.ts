import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { Logger } from 'pino';
import { AccessTokens } from '../auth/access-tokens.js';
import { LiveAddressRules } from '../auth/address-rules.js';
import { AttemptLimits } from '../auth/attempt-limits.js';
import type { Identity } from '../auth/identity.js';
import type { Authenticator } from '../auth/session.js';
import type { CommandLimits } from '../commands/command-limits.js';
import type { CommandPipeline } from '../commands/port.js';
import type { Config } from '../config.js';
import { Health } from '../health.js';
import { Metrics } from '../metrics.js';
import { mayCall } from '../origins.js';
import type { Proxies } from '../proxies.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import { Boundary } from './boundary.js';
import { ChannelsController } from './conversations/channels.controller.js';
import { GetChannelHandler } from './conversations/get-channel.js';
import { ListChannelsHandler } from './conversations/list-channels.js';
import { ListMembersHandler } from './conversations/list-members.js';
import { ListMessagesHandler } from './conversations/list-messages.js';
import { MessagesController } from './conversations/messages.controller.js';
import { ExecuteCommandHandler } from './execute-command.js';
import { AddressRulesController } from './identity/address-rules.controller.js';
import { AuditController } from './identity/audit.controller.js';
import { AuthController } from './identity/auth.controller.js';
import { GetUserHandler } from './identity/get-user.js';
import { JwksController } from './identity/jwks.controller.js';
import { ListAddressRulesHandler } from './identity/list-address-rules.js';
import { ListAuditHandler } from './identity/list-audit.js';
import { ListSessionsHandler } from './identity/list-sessions.js';
import { ListUsersHandler } from './identity/list-users.js';
import { MfaController } from './identity/mfa.controller.js';
import { UsersController } from './identity/users.controller.js';
import { GetMeetingHandler } from './meetings/get-meeting.js';
import { ListMeetingsHandler } from './meetings/list-meetings.js';
import { MeetingsController } from './meetings/meetings.controller.js';
import { HealthController } from './operations/health.controller.js';
import { MetricsController } from './operations/metrics.controller.js';
import { ProblemFilter } from './problem-filter.js';
import { ReadYourWrites } from './read-your-writes.js';
import { ReferenceController } from './reference/reference.controller.js';
import { GetRoomHandler } from './rooms/get-room.js';
import { RoomsController } from './rooms/rooms.controller.js';
import { SessionCookie } from './session-cookie.js';
import { COMMAND_PIPELINE, IDENTITY, LOGGER, READ_STORE } from './tokens.js';

/** The parts of the process that the API works with. */
export interface ApiParts {
  readonly config: Config;
  readonly pipeline: CommandPipeline;
  readonly readStore: ReadStore;
  readonly positions: Positions;
  readonly identity: Identity;
  readonly accessTokens: AccessTokens;
  readonly authenticator: Authenticator;
  readonly proxies: Proxies;
  readonly addressRules: LiveAddressRules;
  readonly commandLimits: CommandLimits;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** All that answers over HTTP. */
export const controllers = [
  HealthController,
  MetricsController,
  ReferenceController,
  AuthController,
  MfaController,
  UsersController,
  JwksController,
  AddressRulesController,
  AuditController,
  MeetingsController,
  RoomsController,
  ChannelsController,
  MessagesController,
] as const;

@Module({})
class ApiModule {}

export function apiModule(parts: ApiParts): DynamicModule {
  const { config, proxies } = parts;
  const boundary = new Boundary({
    authenticator: parts.authenticator,
    settings: config,
    readYourWrites: new ReadYourWrites(parts.positions),
    sessionCookie: new SessionCookie(config.cookie),
    attemptLimits: new AttemptLimits(config.attempts),
    commandLimits: parts.commandLimits,
    origins: {
      own: ({ headers }) => proxies.ownOrigin(headers),
      mayCall: (origin) => mayCall(config, origin),
    },
  });
  return {
    module: ApiModule,
    imports: [CqrsModule],
    controllers: [...controllers],
    providers: [
      { provide: APP_FILTER, useClass: ProblemFilter },
      { provide: Boundary, useValue: boundary },
      { provide: COMMAND_PIPELINE, useValue: parts.pipeline },
      { provide: READ_STORE, useValue: parts.readStore },
      { provide: LOGGER, useValue: parts.logger },
      { provide: IDENTITY, useValue: parts.identity },
      { provide: AccessTokens, useValue: parts.accessTokens },
      { provide: Health, useValue: parts.health },
      { provide: Metrics, useValue: parts.metrics },
      { provide: LiveAddressRules, useValue: parts.addressRules },
      ExecuteCommandHandler,
      GetUserHandler,
      ListUsersHandler,
      ListAuditHandler,
      ListSessionsHandler,
      ListAddressRulesHandler,
      GetMeetingHandler,
      ListMeetingsHandler,
      GetRoomHandler,
      GetChannelHandler,
      ListChannelsHandler,
      ListMembersHandler,
      ListMessagesHandler,
    ],
  };
}
