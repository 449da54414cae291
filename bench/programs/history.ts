import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { projections } from '../../projections/catalogue.js';
import { rebuildProjections } from '../../src/projector/rebuild.js';
import { type Stores, withStores } from '../logs/stores.js';
import { findTranscripts } from '../logs/transcripts.js';
import { atLeast, report } from '../measure/report.js';
import { inTurns, medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { runParley } from '../servers/parley-command.js';

/** Importing transcripts into the log, and rebuilding all read models from it against only reading and parsing it. */

const rounds = 3;
const pageSize = 2_500;

/** @returns the data directory of the last import */
async function importTranscripts(directory: string): Promise<string> {
  const { files, real } = await findTranscripts(directory);
  if (!real) process.stderr.write('import: no real transcripts here, so made ones\n');
  let dataDirectory = '';
  const imports: { messagesPerSecond: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    dataDirectory = join(directory, `data-${round}`);
    await mkdir(dataDirectory);
    const command = ['import', 'irc', ...files, '--channel', 'bench'];
    imports.push((await runParley(dataDirectory, ...command)) as (typeof imports)[0]);
  }
  const value = medianOf(imports, ({ messagesPerSecond }) => messagesPerSecond);
  report({ bench: 'import', metric: 'message-rate', value, unit: '1/s', goal: atLeast(15_000) });
  return dataDirectory;
}

/** @returns events a second */
async function timed(body: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const events = await body();
  return (events / (performance.now() - start)) * 1_000;
}

async function readAndParse({ eventStore }: Stores): Promise<number> {
  let events = 0;
  for (let position = 0n; ; ) {
    const page = await eventStore.readAll(position, pageSize);
    for (const { data, metadata } of page) {
      JSON.parse(data);
      JSON.parse(metadata);
    }
    const last = page.at(-1);
    if (!last) return events;
    events += page.length;
    position = last.position;
  }
}

async function rebuild(stores: Stores): Promise<number> {
  let events = 0;
  await rebuildProjections(stores, projections, {
    onProgress(folded) {
      events = folded;
    },
  });
  return events;
}

async function measureRebuild(stores: Stores): Promise<void> {
  const rates = await inTurns(
    { rounds },
    {
      read: () => timed(() => readAndParse(stores)),
      rebuild: () => timed(() => rebuild(stores)),
    },
  );
  const bench = 'rebuild';
  report({ bench, metric: 'read-rate', value: medianOf(rates, ({ read }) => read), unit: '1/s' });
  const rate = medianOf(rates, (round) => round.rebuild);
  report({ bench, metric: 'event-rate', value: rate, unit: '1/s', goal: atLeast(50_000) });
  const ratio = medianOf(rates, (round) => round.rebuild / round.read);
  report({ bench, metric: 'rebuild-to-read', value: ratio, unit: 'ratio', goal: atLeast(0.25) });
}

await inTemporaryDirectory(async (directory) => {
  const dataDirectory = await importTranscripts(directory);
  await withStores(dataDirectory, measureRebuild);
});
