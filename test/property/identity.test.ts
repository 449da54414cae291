import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commands } from '../../domain/catalogue.js';
import { type Actor, type AnyCommandDefinition, type Decision, systemActor } from '../../domain/decider.js';
import type { AccountState } from '../../domain/identity/account/account.js';
import { refreshGraceMs } from '../../domain/identity/account/session-commands.js';
import type { ReservationState } from '../../domain/identity/reservation.js';
import { Rejection } from '../../domain/rejections.js';
import { Simulation } from './simulation.js';

const start = Date.parse('2030-01-01T00:00:00Z');
const idOf = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const annId = idOf(1);
const ann: Actor = { id: annId };
const admin: Actor = { id: idOf(2), role: 'admin' };
const inAYear = new Date(start + 365 * 86_400_000).toISOString();
const whence = { address: null, userAgent: null };

/** One account, and a clock. */
class Account extends Simulation {
  now = start;

  constructor() {
    super();
    this.command('RegisterAccount', {
      email: { address: 'r0@example.org', reservation: 'r0' },
      name: 'Ann',
      passwordHash: 'hash',
      usernames: [{ username: 'ann', reservation: 'u0' }],
    });
  }

  command(name: string, input: object, actor = systemActor): Decision {
    const definition = commands.get(`identity.${name}`) as AnyCommandDefinition;
    return this.run({ definition, input, actor, now: this.now, newId: annId });
  }

  get account(): AccountState {
    return this.state(`account-${annId}`);
  }

  begin(sessionId: string, over: object = {}): Decision {
    const { passwordRevision } = this.account.credentials;
    const input = { personId: annId, sessionId, passwordRevision, verifiedEmailOnly: false, ...whence, ...over };
    return this.command('BeginSession', { expiresAt: inAYear, ...input }, ann);
  }

  refresh(sessionId: string, generation: number): Decision {
    return this.command('RefreshSession', { personId: annId, sessionId, generation, expiresAt: inAYear, ...whence });
  }
}

const typesOf = (decision: Decision) =>
  decision instanceof Rejection ? [decision.code] : decision.map(({ type }) => type);

it('of the tokens of a session, only one goes on once the grace is over, and none after an older one has come', () => {
  const sessionId = idOf(10);
  const presented = fc.record({
    behind: fc.integer({ min: -1, max: 3 }),
    afterMs: fc.integer({ min: 0, max: 40_000 }),
  });
  fc.assert(
    fc.property(fc.array(presented, { maxLength: 15 }), (steps) => {
      const account = new Account();
      account.begin(sessionId);
      let current = 0;
      let refreshedAt = start;
      let over = false;
      for (const { behind, afterMs } of steps) {
        account.now += afterMs;
        const generation = Math.max(0, current - behind);
        const outcome = typesOf(account.refresh(sessionId, generation));
        if (over || generation > current) expect(outcome).toEqual(['session-ended']);
        else if (generation === current) {
          expect(outcome).toEqual(['identity.SessionRefreshed']);
          current += 1;
          refreshedAt = account.now;
        } else if (generation === current - 1 && account.now - refreshedAt <= refreshGraceMs) {
          expect(outcome).toEqual([]);
        } else {
          expect(outcome).toEqual(['identity.SessionEnded']);
          over = true;
        }
        expect(account.account.sessions.sessions[sessionId]?.generation).toBe(over ? undefined : current);
      }
    }),
  );
});

it('a session that has ended never lives again, whatever happens to the account', () => {
  const sessions = [10, 11, 12].map(idOf);
  const step = fc.record({
    what: fc.constantFrom('begin', 'refresh', 'note', 'end', 'end-all', 'shut', 'open', 'password', 'ticket'),
    session: fc.constantFrom(...sessions),
    generation: fc.integer({ min: 0, max: 3 }),
    afterMs: fc.constantFrom(0, 1_000, 3_600_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const account = new Account();
      const begun = new Set<string>();
      const over = new Set<string>();
      const perform = { ...commandsOn(account), begin: beginOnce };
      for (const [index, { what, session, generation, afterMs }] of steps.entries()) {
        account.now += afterMs;
        const before = Object.keys(account.account.sessions.sessions);
        perform[what]({ session, generation, index });
        const after = new Set(Object.keys(account.account.sessions.sessions));
        for (const id of before) if (!after.has(id)) over.add(id);
        for (const id of after) expect(over.has(id)).toBe(false);
        if (['end-all', 'shut', 'password'].includes(what)) expect(after.size).toBe(0);
      }

      function beginOnce({ session }: { session: string }): void {
        if (!begun.has(session) && !(account.begin(session) instanceof Rejection)) begun.add(session);
      }
    }),
  );
});

interface On {
  readonly session: string;
  readonly generation: number;
  readonly index: number;
}

function commandsOn(account: Account) {
  const personId = annId;
  return {
    refresh: ({ session, generation }: On) => void account.refresh(session, generation),
    note: ({ session }: On) => void account.command('NoteSession', { personId, sessionId: session, ...whence }, ann),
    end: ({ session }: On) => void account.command('EndSession', { personId, sessionId: session }, ann),
    'end-all': () => void account.command('EndSessions', { personId }, ann),
    shut: () => void account.command('DeactivateAccount', { personId }, admin),
    open: () => void account.command('ReactivateAccount', { personId }, admin),
    password: ({ index }: On) =>
      void account.command('ChangePassword', { personId, passwordHash: `hash ${index}` }, admin),
    ticket: ({ session, index }: On) => {
      const ticket = { ticketId: idOf(1_000 + index), expiresAt: new Date(account.now + 30_000).toISOString() };
      account.command('UseSocketTicket', { personId, sessionId: session, ...ticket }, ann);
    },
  };
}

it('of one secret, every code that lets in is of a later step than the one before', () => {
  const stepOf = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
    { weight: 1, arbitrary: fc.constant('another secret' as const) },
  );
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 25 }), (steps) => {
      const account = new Account();
      let last = enrol(account);
      for (const [index, step] of steps.entries()) {
        if (step === 'another secret') {
          account.command('DisableTotp', { personId: annId }, ann);
          last = enrol(account);
          continue;
        }
        const outcome = account.begin(idOf(100 + index), { secondFactor: { totpStep: step } });
        expect(outcome instanceof Rejection).toBe(step <= last);
        last = Math.max(last, step);
      }
    }),
  );
});

/** @returns the step of the code that it was enabled with */
function enrol(account: Account): number {
  account.command('BeginTotpEnrolment', { personId: annId, secret: 'SECRET', passwordRevision: 0 }, ann);
  const { enrolmentRevision } = account.account.secondFactor;
  const step = 3;
  account.command(
    'EnableTotp',
    { personId: annId, enrolmentRevision, step, recoveryCodeHashes: ['a'.repeat(43)] },
    ann,
  );
  return step;
}

it('an account holds the reservation of its address and no other, however outdated what is asked for', () => {
  const reservations = ['r0', 'r1', 'r2'];
  const change = fc.record({
    to: fc.option(fc.constantFrom(...reservations), { nil: null }),
    /** How many changes ago the caller has looked. */
    outdatedBy: fc.integer({ min: 0, max: 3 }),
    forget: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const account = new Account();
      const views: { reservation: string | null; revision: number | undefined }[] = [
        { reservation: 'r0', revision: 0 },
      ];
      const last = changes.length - 1;
      for (const [index, { to, outdatedBy, forget }] of changes.entries()) {
        const seen = views[Math.max(0, views.length - 1 - outdatedBy)] as (typeof views)[0];
        const outcome = forget && index === last ? forgetAs(seen) : changeAs(seen, to);
        if (outcome instanceof Rejection) continue;
        const held = forget && index === last ? null : to;
        views.push({ reservation: held, revision: account.account.credentials.emailRevision });
        for (const reservation of reservations) {
          const { owner = null } = account.state<ReservationState | undefined>(`emailReservation-${reservation}`) ?? {};
          expect({ reservation, owner }).toEqual({ reservation, owner: reservation === held ? annId : null });
        }
      }

      function changeAs({ reservation, revision }: (typeof views)[0], to: string | null): Decision {
        const email = to === null ? null : { address: `${to}@example.org`, reservation: to };
        const former = { formerReservation: reservation, formerRevision: revision };
        return account.command('ChangeEmail', { personId: annId, email, ...former }, admin);
      }

      function forgetAs({ reservation, revision }: (typeof views)[0]): Decision {
        const seen = { emailReservation: reservation, emailRevision: revision };
        return account.command('ForgetPerson', {
          personId: annId,
          ...seen,
          usernameReservation: 'u0',
          usernameRevision: 0,
        });
      }
    }),
  );
});
