import { encodeRequest, HttpConnection } from '../load/http-connection.js';
import { PacedLoad } from '../load/paced.js';
import { ParleyApi, postRequest } from '../load/parley-api.js';
import { enrolIn } from '../logs/people.js';
import { atMost, report } from '../measure/report.js';
import { inTurns, medianOf, quantile } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { startParley } from '../servers/parley.js';

/**
 * How long others wait while passwords are being guessed: posts at a steady rate, with and without 50 wrong logins a
 * second beside them. The limits of tries are out of the way, so that every guess gets as far as the hashing.
 */

const bench = 'wrong-logins';
const guessesPerSecond = 50;
const postsPerSecond = 200;
const roundMs = 5_000;
const rounds = 3;
const warmUps = 1;
const samples = 15;
const text = 'Does anybody know how to mount a USB stick without being root?';
const guessAt = (email: string) =>
  encodeRequest({ method: 'POST', path: '/api/v1/auth/login', body: { email, password: 'a wrong guess' } });
const guess = guessAt('nobody@example.org');

/** Whether an account can be found out by how long a wrong login takes: guesses at one, and at none, in turns. */
async function compareAccounts(port: number): Promise<void> {
  const connection = await HttpConnection.open(port);
  const email = 'somebody@example.org';
  const body = { email, name: 'Somebody', password: 'correct horse' };
  await connection.send(encodeRequest({ method: 'POST', path: '/api/v1/auth/register', body }));
  const took = (address: string) => async () => {
    const start = performance.now();
    await connection.send(guessAt(address));
    return performance.now() - start;
  };
  const times = await inTurns(
    { warmUps: 2, rounds: samples },
    { known: took(email), unknown: took('stranger@example.org') },
  );
  connection.close();
  report({ bench, metric: 'median-known', value: medianOf(times, ({ known }) => known), unit: 'ms' });
  report({ bench, metric: 'median-unknown', value: medianOf(times, ({ unknown }) => unknown), unit: 'ms' });
}

await inTemporaryDirectory(async (directory) => {
  const [personId = ''] = await enrolIn(directory, 1);
  const parley = await startParley(directory, {}, { unpinned: true });
  try {
    await compareAccounts(parley.port);
    const api = await ParleyApi.open(parley.port);
    const request = await postRequest(personId, await api.createChannel(personId), text);
    api.close();
    const posts = await PacedLoad.open([parley.port], 16);
    const guesses = await PacedLoad.open([parley.port], 200);
    const statuses = new Map<number, number>();
    const p99 = async () => {
      const times: number[] = [];
      await posts.run(request, postsPerSecond, roundMs, (_, took) => times.push(took));
      return quantile(times, 0.99);
    };
    const results = await inTurns(
      { warmUps, rounds },
      {
        quiet: p99,
        attacked: async () => {
          const attack = guesses.run(guess, guessesPerSecond, roundMs, ({ status }) => {
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          });
          const [attacked] = await Promise.all([p99(), attack]);
          return attacked;
        },
      },
    );
    posts.close();
    guesses.close();
    report({ bench, metric: 'p99-quiet', value: medianOf(results, ({ quiet }) => quiet), unit: 'ms' });
    report({ bench, metric: 'p99-attacked', value: medianOf(results, ({ attacked }) => attacked), unit: 'ms' });
    const ratio = medianOf(results, ({ quiet, attacked }) => attacked / quiet);
    report({ bench, metric: 'attacked-to-quiet', value: ratio, unit: 'ratio', goal: atMost(2) });
    for (const [status, value] of statuses) report({ bench, metric: `answered-${status}`, value, unit: 'logins' });
  } finally {
    await parley.process.stop();
  }
});
