import { randomBytes } from 'node:crypto';
import { Passwords, passwordsAtOnce } from '../../src/auth/passwords.js';
import { cpuOf, rateOf } from '../measure/effort.js';
import { ownEffort } from '../measure/own-effort.js';
import { atLeast, report } from '../measure/report.js';
import { inTurns, medianOf } from '../measure/rounds.js';

/** Whether logins that come together use the cores that they may: against as many that come one after the other. */

const logins = 8;
const cost = 12;
const rounds = 5;

const passwords = new Passwords(randomBytes(32), cost);
const hash = await passwords.hash('correct horse');
const logIn = () => passwords.matches('correct horse', hash);

const results = await inTurns(
  { rounds },
  {
    together: () =>
      ownEffort(async () => {
        await Promise.all(Array.from({ length: logins }, logIn));
        return logins;
      }),
    inTurn: () =>
      ownEffort(async () => {
        for (let count = 0; count < logins; count += 1) await logIn();
        return logins;
      }),
  },
);
const bench = 'passwords';
const used = medianOf(results, ({ together, inTurn }) => rateOf(together) / rateOf(inTurn) / passwordsAtOnce);
report({ bench, metric: 'use-of-cores', value: used, unit: 'ratio', goal: atLeast(0.9) });
report({ bench, metric: 'cores', value: passwordsAtOnce, unit: 'cores' });
report({ bench, metric: 'login-cpu', value: medianOf(results, ({ inTurn }) => cpuOf(inTurn)) / 1_000, unit: 'ms' });
