// npm run chaos -- --minutes N --seed S: breaks processes and servers under load for so long, then checks what all know.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run chaos -- [--minutes N] [--seed S]');
  process.exit(2);
}
const { status } = spawnSync('npx', ['vitest', 'run', 'test/fault/cluster.test.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PARLEY_CHAOS_MINUTES: String(minutes),
    PARLEY_CHAOS_SEED: String(seed),
    PARLEY_TEST_REQUIRE: 'nats',
  },
});
process.exit(status ?? 1);
