import { describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { CommandLine } from '../cli/parley.js';
import { call } from '../fixtures/api-client.js';
import { endedWithTest, ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkIds } from './checkers.js';
import { Load } from './load.js';
import { checkAfterwards, logIn, readLog, register, verify } from './scenario.js';
import { seededRuns } from './seeded-runs.js';
import { findFakeTime, WrongClock } from './wrong-clock.js';

const library = findFakeTime('a clock that jumps');
const runs = seededRuns('PARLEY_CLOCK', 1);
const hour = 3_600_000;
const patience = { timeout: 60_000, interval: 20 };

describe.runIf(library)('a clock that jumps under load', { timeout: 280_000 }, () => {
  it.each(runs)('changes no order, fires timers once, ends no session before its time (%s)', async (_name, random) => {
    const clock = await WrongClock.right(library as string);
    const data = await temporaryDirectory();
    const server = endedWithTest(await ServerProcess.of(data, clock.settings));
    await server.start();
    const load = await Load.begin(server.url, random);
    const eve = await register(server.url, 'eve');
    const meeting = await call(server.url, 'POST', 'meetings', {
      token: eve.token,
      body: {
        title: 'Planning',
        startTime: new Date(Date.now() + 2 * hour).toISOString(),
        endTime: new Date(Date.now() + 3 * hour).toISOString(),
      },
    });
    const isDue = async (token: string) =>
      (await call(server.url, 'GET', `meetings/${meeting.body.id}`, { token })).body.due;
    /** Sets the clock, and waits until the server has seen it, and everything has gone on for a while. */
    const jump = async (offset: string, ms: number) => {
      await clock.set(offset);
      const hasJumped = async () => {
        const answered = (await fetch(`${server.url}/health/live`)).headers.get('date') as string;
        return Math.abs(Date.parse(answered) - Date.now() - ms) < hour / 2;
      };
      await vi.waitUntil(hasJumped, patience);
    };
    const goOn = async () => {
      const before = load.count('ok');
      await vi.waitUntil(() => load.count('ok') > before + 50, patience);
    };

    await load.during(async () => {
      await goOn();
      await jump('-1h', -hour);
      await goOn();
      expect(await isDue(eve.token)).toBe(false);
      await jump('+0s', 0);
      await goOn();
    });
    await jump('+1d', 24 * hour);
    await load.refresh();
    await load.during(async () => {
      await goOn();
      const { token } = await logIn(server.url, 'eve');
      await vi.waitUntil(() => isDue(token), patience);
      await jump('-1h', -hour);
      await goOn();
    });
    const operator = await CommandLine.open({ PARLEY_DATA_DIR: data });
    expect((await operator.run('sessions', 'revoke', '--all')).exitCode).toBe(exitCodes.done);
    const refused = async () => (await call(server.url, 'GET', 'auth/me', { token: eve.token })).status === 401;
    await vi.waitUntil(refused, patience);
    const { token } = await logIn(server.url, 'eve');
    expect((await call(server.url, 'GET', 'auth/me', { token })).status).toBe(200);

    load.stop();
    expect(await server.end('SIGTERM'), server.output).toBe(exitCodes.done);
    expect(await verify(data)).toMatchObject({ exitCode: exitCodes.done, stderr: '' });
    await checkAfterwards(data, { attempts: load.attempts, subscriptions: [] });
    const log = await readLog(data);
    expect(checkIds(log)).toEqual([]);
    expect(log.filter(({ type }) => type === 'meetings.MeetingBecameDue')).toHaveLength(1);
  });
});
