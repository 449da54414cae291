export type { BareFrame, Frame } from '../domain/frame.js';
export type { CommandInput, CommandType } from '../src/commands/port.js';
export type { Problem } from '../src/problems.js';
export { CommandTimeout, ConnectionEnded, ProblemError } from './errors.js';
export type { FeedSubscription, SubscribeOptions } from './feed-subscription.js';
export { type CommandAnswer, type CommandOptions, ParleyClient, type ParleyClientOptions } from './parley-client.js';
export type { Answer, List, Session, User } from './routes.js';
export type { WebSocketConstructor, WebSocketLike } from './web-socket.js';
