import { describe, expect, it } from 'vitest';
import { systemActor } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import {
  isSettled,
  type Place,
  ProgressMade,
  ReactionGivenUp,
  ReactorStarted,
  reactor,
} from '../../domain/reactors/reactor.js';
import { given, past } from './specification.js';

const when = { actor: systemActor };
const started = ReactorStarted({ reactor: 'mail', through: '10' });

function placeAt(position: string): Place {
  return { position, stream: 'account-1', revision: Number(position) };
}

function givenUpAt(position: string) {
  return { ...placeAt(position), reason: 'RCPT TO 550 5.1.1' };
}

function progress(through: string, more: { deferred?: Place[]; settled?: string[] } = {}) {
  return ProgressMade({ through, deferred: [], settled: [], ...more });
}

function recording(through: string, more: object = {}) {
  return { reactor: 'mail', through, deferred: [], settled: [], givenUp: [], ...more };
}

describe('StartReactor', () => {
  it('begins behind the position that it is told', () => {
    given().when('reactors.StartReactor', { reactor: 'mail', after: '10' }, when).then(started);
  });

  it('goes on where it was when it has started before', () => {
    given(past('reactor-mail', started)).when('reactors.StartReactor', { reactor: 'mail', after: '99' }, when).then();
  });
});

describe('RecordProgress', () => {
  it('tells how far was read, and what of that was put off', () => {
    given(past('reactor-mail', started))
      .when('reactors.RecordProgress', recording('20', { deferred: [placeAt('15')] }), when)
      .then(progress('20', { deferred: [placeAt('15')] }));
  });

  it('tells what was put off and is done', () => {
    given(past('reactor-mail', started, progress('20', { deferred: [placeAt('15'), placeAt('16')] })))
      .when('reactors.RecordProgress', recording('20', { deferred: [placeAt('15')], settled: ['16'] }), when)
      .then(progress('20', { settled: ['16'] }));
  });

  it('tells what is given up, whether it was put off before or not', () => {
    given(past('reactor-mail', started, progress('20', { deferred: [placeAt('15')] })))
      .when('reactors.RecordProgress', recording('30', { givenUp: [givenUpAt('15'), givenUpAt('25')] }), when)
      .then(ReactionGivenUp(givenUpAt('15')), ReactionGivenUp(givenUpAt('25')), progress('30'));
  });

  it('tells nothing twice', () => {
    given(
      past(
        'reactor-mail',
        started,
        progress('20', { deferred: [placeAt('15')] }),
        progress('20', { settled: ['15'] }),
        ReactionGivenUp(givenUpAt('25')),
        progress('30'),
      ),
    )
      .when('reactors.RecordProgress', recording('30', { settled: ['15'], givenUp: [givenUpAt('25')] }), when)
      .then();
  });

  it('of a process that is behind takes what it has done, not how far it is', () => {
    given(past('reactor-mail', started, progress('30', { deferred: [placeAt('12'), placeAt('25')] })))
      .when('reactors.RecordProgress', recording('20', { deferred: [placeAt('15')], settled: ['12'] }), when)
      .then(progress('30', { settled: ['12'] }));
  });

  it('of a process that has come further does not put off again what another has done', () => {
    given(past('reactor-mail', started, progress('20')))
      .when('reactors.RecordProgress', recording('30', { deferred: [placeAt('15'), placeAt('25')] }), when)
      .then(progress('30', { deferred: [placeAt('25')] }));
  });

  it('refuses a reactor that was never started', () => {
    given().when('reactors.RecordProgress', recording('1'), when).thenRefused('not-found');
  });

  it.each(['550 <ann@example.org> is unknown', 'käse', ''])('takes no text of others for a reason: %s', (reason) => {
    const input = recording('20', { givenUp: [{ ...givenUpAt('15'), reason }] });
    expect(() => given(past('reactor-mail', started)).when('reactors.RecordProgress', input, when)).toThrow();
  });
});

describe('what is settled', () => {
  const state = () =>
    [started, progress('20', { deferred: [placeAt('15')] })].reduce(
      (folded, event, revision) => reactor.evolve(folded, { ...event, revision } as RecordedEvent),
      reactor.initialState(),
    );

  it('is what was read and not put off', () => {
    expect(['5', '14', '15', '20', '21'].filter((position) => isSettled(state(), position))).toEqual(['5', '14', '20']);
    expect(isSettled(reactor.initialState(), '1')).toBe(false);
  });

  it('is the same after a snapshot', () => {
    const snapshot = JSON.parse(JSON.stringify(reactor.toSnapshot(state())));
    expect(reactor.fromSnapshot(snapshot as never)).toEqual(state());
  });
});
