import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.js';

const [first, second] = [1, 2].map(() => randomBytes(32).toString('base64')) as [string, string];

/** A data directory with a channel of two people, and what `.env` says of its master keys. */
async function withChannel(settings: string): Promise<CommandLine> {
  const parley = await CommandLine.open();
  await parley.write('.env', settings);
  const file = await parley.write('2004-11-15.txt', '[09:14] <ann> hello\n[09:16] <bob> hi\n');
  expect((await parley.run('import', 'irc', file, '--channel', 'test')).exitCode).toBe(0);
  return parley;
}

interface Status {
  readonly masterKeys: readonly { readonly version: number; readonly isNewest: boolean; readonly keys: number }[];
  readonly signingKeys: readonly {
    readonly kid: string;
    readonly signsFrom: string;
    readonly goodUntil: string | null;
  }[];
}

const keysBy = ({ masterKeys }: Pick<Status, 'masterKeys'>) => masterKeys.map(({ version, keys }) => [version, keys]);

describe('keys', () => {
  it('shows how a master key takes the place of another, which can then be left out', async () => {
    const parley = await withChannel(`PARLEY_MASTER_KEY=${first}\n`);
    const before = await parley.json<Status>('keys', 'status');
    const count = before.result.masterKeys[0]?.keys as number;
    expect(before.result.masterKeys).toEqual([{ version: 1, isNewest: true, keys: count }]);
    expect(count).toBeGreaterThan(2);

    await parley.write('.env', `PARLEY_MASTER_KEY=2:${second}\n`);
    const tooSoon = await parley.run('keys', 'status');
    expect({ ...tooSoon, stderr: '' }).toEqual({ exitCode: 4, stdout: '', stderr: '' });
    expect(tooSoon.stderr).toMatch(/^parley: The key store .* holds keys under master key 1: give that one, too\.\n$/);

    await parley.write('.env', `PARLEY_MASTER_KEY=2:${second}\nPARLEY_PREVIOUS_MASTER_KEYS=${first}\n`);
    expect(keysBy((await parley.json<Status>('keys', 'status')).result)).toEqual([
      [2, 0],
      [1, count],
    ]);
    const { stdout } = await parley.run('keys', 'status');
    expect(stdout).toContain(
      `Master key 1: ${count} keys are under it: \`parley keys rewrap\` before it is left out\n`,
    );

    const rewrap = await parley.json<Status & { rewrapped: number; interrupted: boolean }>('keys', 'rewrap');
    expect(rewrap).toMatchObject({ exitCode: 0, result: { rewrapped: count, interrupted: false } });
    expect(keysBy(rewrap.result)).toEqual([
      [2, count],
      [1, 0],
    ]);
    const again = await parley.run('keys', 'rewrap');
    expect(again.stdout).toBe(
      `0 keys were wrapped anew.\nMaster key 2: ${count} keys are under it, and new ones\n` +
        'Master key 1: 0 keys are under it: it can be left out\n',
    );

    await parley.write('.env', `PARLEY_MASTER_KEY=2:${second}\n`);
    expect(keysBy((await parley.json<Status>('keys', 'status')).result)).toEqual([[2, count]]);
    expect((await parley.run('verify')).exitCode).toBe(0);
  });

  it('refuses a master key that comes back without the one after it', async () => {
    const parley = await withChannel(`PARLEY_MASTER_KEY=2:${second}\n`);
    await parley.write('.env', `PARLEY_MASTER_KEY=${first}\n`);
    const { exitCode, stderr } = await parley.run('keys', 'status');
    expect(exitCode).toBe(4);
    expect(stderr).toContain('holds keys under master key 2: give that one, too');
  });

  it('introduces keys that sign access tokens, one after the other', async () => {
    const parley = await withChannel(`PARLEY_MASTER_KEY=${first}\n`);
    expect((await parley.json<Status>('keys', 'status')).result.signingKeys).toEqual([]);
    const rotated = await parley.json<{ kid: string; signsFrom: string }>('keys', 'rotate-signing');
    expect(rotated.exitCode).toBe(0);
    const next = await parley.json<{ kid: string; signsFrom: string }>('keys', 'rotate-signing');
    const [one, other] = (await parley.json<Status>('keys', 'status')).result.signingKeys;
    expect(one).toMatchObject({ kid: rotated.result.kid, signsFrom: rotated.result.signsFrom });
    expect(Date.parse(one?.goodUntil as string)).toBeGreaterThan(Date.parse(next.result.signsFrom));
    expect(other).toEqual({ kid: next.result.kid, signsFrom: next.result.signsFrom, goodUntil: null });
    expect(Date.parse(rotated.result.signsFrom)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(next.result.signsFrom)).toBeGreaterThan(Date.now());
  });
});
