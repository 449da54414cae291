// npm run chaos -- --minutes N --seed S --read-store sqlite|mongodb: breaks processes, servers and the network between
// them under load for so long, then checks what all know. The seed chooses what is not told.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' }, 'read-store': { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const readStore = values['read-store'];
const isKnown = readStore === undefined || readStore === 'sqlite' || readStore === 'mongodb';
if (!(minutes > 0) || !Number.isSafeInteger(seed) || !isKnown) {
  console.error('usage: npm run chaos -- [--minutes N] [--seed S] [--read-store sqlite|mongodb]');
  process.exit(2);
}
const { status } = spawnSync('npx', ['vitest', 'run', 'test/fault/cluster.test.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PARLEY_CHAOS_MINUTES: String(minutes),
    PARLEY_CHAOS_SEED: String(seed),
    ...(readStore !== undefined && { PARLEY_CHAOS_READ_STORE: readStore }),
    PARLEY_TEST_REQUIRE: readStore === 'sqlite' ? 'nats' : 'nats,mongodb',
  },
});
process.exit(status ?? 1);
