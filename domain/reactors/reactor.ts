import { z } from 'zod';
import { defineAggregate, defineCommand } from '../decider.js';
import { defineEvent, type RecordedOf } from '../event.js';
import { position, revision } from '../ids.js';
import { reject } from '../rejections.js';

/**
 * How far a reactor has come: a stream for each reactor, not for each process that runs it. Everything up to a position
 * is done, apart from what was deferred and is not settled yet.
 */

/** A reactor's name, such as `mail`. */
export const reactorName = z.string().regex(/^[a-z]+(-[a-z]+)*$/, 'must be lower-case words joined by -');

/** Where an event is that a reactor reacts to. */
const place = z.strictObject({ position, stream: z.string(), revision });
export type Place = z.infer<typeof place>;

/** A code, a status: never words of others, which may name people. */
const reason = z.string().regex(/^[\w .-]{1,100}$/, 'must be a code, not a text');

/** What a reason leaves when it is cut down to a code. */
export function reasonCode(text: string): string {
  return (
    text
      .replaceAll(/[^\w .-]+/g, ' ')
      .trim()
      .slice(0, 100) || 'unknown'
  );
}

const givenUp = z.strictObject({ ...place.shape, reason });
export type GivenUp = z.infer<typeof givenUp>;

// Events

/** What came before is none of its business. */
export const ReactorStarted = defineEvent({
  type: 'reactors.ReactorStarted',
  data: z.strictObject({ reactor: reactorName, through: position }),
  audience: 'nobody',
});

/** Read through a position; of what was read, this was put off, and this, put off before, is done. */
export const ProgressMade = defineEvent({
  type: 'reactors.ProgressMade',
  data: z.strictObject({ through: position, deferred: z.array(place), settled: z.array(position) }),
  audience: 'nobody',
});

/** The reactor will not react to this event any more: it can't be done, or it is too late for it. */
export const ReactionGivenUp = defineEvent({
  type: 'reactors.ReactionGivenUp',
  data: givenUp,
  audience: 'nobody',
});

export const reactorEvents = { ReactorStarted, ProgressMade, ReactionGivenUp };
export type ReactorEvent = RecordedOf<typeof reactorEvents>;

// State

export interface ReactorState {
  /** Position through which it has read; none before it was started. */
  through?: bigint;
  /** What it has read and not done, by position. */
  readonly deferred: Map<string, Place>;
  changedAt: number;
}

interface ReactorSnapshot {
  readonly through: string | null;
  readonly deferred: readonly Place[];
  readonly changedAt: number;
}

export const reactor = defineAggregate<ReactorState, ReactorSnapshot>({
  category: 'reactor',
  version: 1,
  initialState: () => ({ deferred: new Map(), changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: ReactorState, event: ReactorEvent): ReactorState {
    state.changedAt = event.revision;
    switch (event.type) {
      case 'reactors.ReactorStarted':
        state.through = BigInt(event.data.through);
        break;
      case 'reactors.ProgressMade':
        state.through = BigInt(event.data.through);
        for (const place of event.data.deferred) state.deferred.set(place.position, place);
        for (const position of event.data.settled) state.deferred.delete(position);
        break;
      case 'reactors.ReactionGivenUp':
        state.deferred.delete(event.data.position);
        break;
    }
    return state;
  },
  toSnapshot: ({ through, deferred, changedAt }) => ({
    through: through === undefined ? null : String(through),
    deferred: [...deferred.values()],
    changedAt,
  }),
  fromSnapshot: ({ through, deferred, changedAt }) => ({
    ...(through !== null && { through: BigInt(through) }),
    deferred: new Map(deferred.map((place) => [place.position, place])),
    changedAt,
  }),
});

/** Whether nothing is left to be done about an event, whoever has done it. */
export function isSettled({ through, deferred }: ReactorState, position: string): boolean {
  return through !== undefined && BigInt(position) <= through && !deferred.has(position);
}

// Commands

/** Starts a reactor behind a position; one that has started before goes on where it was. */
export const StartReactor = defineCommand({
  type: 'reactors.StartReactor',
  issuer: 'system',
  aggregate: reactor,
  input: z.strictObject({ reactor: reactorName, after: position }),
  streamId: (input) => input.reactor,
  decide: (state, { input }) =>
    state.through === undefined ? [ReactorStarted({ reactor: input.reactor, through: input.after })] : [],
  reply: (_events, input) => ({ id: input.reactor }),
});

/**
 * What one of the processes that run a reactor has done. Others may have come further, or have done the same: what the
 * stream tells already is not told again, so that its progress stays exact.
 */
export const RecordProgress = defineCommand({
  type: 'reactors.RecordProgress',
  issuer: 'system',
  aggregate: reactor,
  input: z.strictObject({
    reactor: reactorName,
    through: position,
    /** What it has read up to there and not done. */
    deferred: z.array(place),
    /** What it has done of what was put off before. */
    settled: z.array(position),
    givenUp: z.array(givenUp),
  }),
  streamId: (input) => input.reactor,
  decide(state, { input }) {
    const known = state.through;
    if (known === undefined) return reject('not-found');
    const isNew = ({ position }: Place) => BigInt(position) > known;
    const deferred = input.deferred.filter(isNew);
    const settled = input.settled.filter((position) => state.deferred.has(position));
    const givenUp = input.givenUp.filter((place) => isNew(place) || state.deferred.has(place.position));
    const through = BigInt(input.through) > known ? input.through : String(known);
    const progress = through !== String(known) || settled.length > 0;
    return [...givenUp.map(ReactionGivenUp), ...(progress ? [ProgressMade({ through, deferred, settled })] : [])];
  },
  reply: (_events, input) => ({ id: input.reactor }),
});

export const reactorCommands = [StartReactor, RecordProgress] as const;
