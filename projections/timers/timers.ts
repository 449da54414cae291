import { meetingDue } from '../meetings/timers.js';
import type { Collection, Fold, Projection } from '../projection.js';
import type { Timer, TimerRule } from './timer.js';

/** Every kind of timer that a context declares. */
const rules: readonly TimerRule[] = [...meetingDue];

/** Several kinds of timers may start or end with one event type. */
function foldOf(rulesOfType: readonly TimerRule[]): Fold<Timer> {
  return {
    ids: (event) => rulesOfType.map((rule) => rule.id(event)),
    fold: (_timer, event, id) => rulesOfType.find((rule) => rule.id(event) === id)?.timer(event),
    fresh: true,
  };
}

/** By `<kind>/<subject>`: what is still to be done. */
const timers: Collection<Timer> = {
  name: 'timers',
  indexes: [['dueAt']],
  folds: new Map(rules.map(({ event: { type } }) => [type, foldOf(rules.filter(({ event }) => event.type === type))])),
};

export const timersProjection: Projection = { name: 'timers', version: 1, collections: [timers] };
