import { channel, channelCommands, channelEvents } from './conversations/channel.js';
import type { AnyAggregate, AnyCommandDefinition } from './decider.js';
import type { AnyEventDefinition } from './event.js';
import { account, accountEvents } from './identity/account/account.js';
import { accountCommands } from './identity/account/commands.js';
import { platformSecurity, platformSecurityCommands, platformSecurityEvents } from './identity/platform-security.js';
import { profile, profileCommands, profileEvents } from './identity/profile.js';
import { emailReservation, reservationEvents, usernameReservation } from './identity/reservation.js';
import { signIn, signInCommands, signInEvents } from './identity/sign-in.js';
import { meeting, meetingCommands, meetingEvents } from './meetings/meeting.js';
import { reactor, reactorCommands, reactorEvents } from './reactors/reactor.js';
import { room, roomCommands, roomEvents } from './rooms/room.js';

/** Everything that the domain declares, by name. */

const commandList = [
  ...accountCommands,
  ...profileCommands,
  ...signInCommands,
  ...platformSecurityCommands,
  ...meetingCommands,
  ...roomCommands,
  ...channelCommands,
  ...reactorCommands,
] as const;

type DeclaredCommand = (typeof commandList)[number];

/** Each command's definition by its type, for typed callers. */
export type Commands = { [Definition in DeclaredCommand as Definition['type']]: Definition };

export const commands: ReadonlyMap<string, AnyCommandDefinition> = new Map(
  commandList.map((definition) => [definition.type, definition]),
);

export const events: ReadonlyMap<string, AnyEventDefinition> = new Map(
  [
    accountEvents,
    profileEvents,
    reservationEvents,
    signInEvents,
    platformSecurityEvents,
    meetingEvents,
    roomEvents,
    channelEvents,
    reactorEvents,
  ]
    .flatMap((definitions): AnyEventDefinition[] => Object.values(definitions))
    .map((definition) => [definition.type, definition]),
);

export const aggregates: ReadonlyMap<string, AnyAggregate> = new Map(
  [
    account,
    profile,
    emailReservation,
    usernameReservation,
    signIn,
    platformSecurity,
    meeting,
    room,
    channel,
    reactor,
  ].map((aggregate) => [aggregate.category, aggregate]),
);

/** Categories whose streams people may follow live. */
export const feedCategories: ReadonlySet<string> = new Set(['user', 'meeting', 'room', 'channel']);

/** Categories whose streams nobody follows, and every process keeps current: who may come in must be known at once. */
export const watchedCategories: ReadonlySet<string> = new Set(['account', 'platform']);
