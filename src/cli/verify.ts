import type { Command } from 'commander';
import { projections } from '../../projections/catalogue.js';
import { filesOf } from '../adapters.js';
import type { Config } from '../config.js';
import { logTexts } from '../event-store/sqlite-log.js';
import { type DamageFinding, type Finding, type Verification, verifyHistory } from '../history/verification.js';
import { findDamage, type Texts } from '../sqlite/inspection.js';
import { type Data, findData, withData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { interruption } from './interruption.js';
import { grouped, printJson, printLines } from './output.js';
import { startProgress } from './progress.js';

interface VerifyOptions {
  readonly json?: boolean;
}

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description(
      'read the whole log and report what is wrong: damaged files, positions, revisions, hashes, unreadable events, checkpoints',
    )
    .option('--json', 'print the result as JSON')
    .action(async (options: VerifyOptions) => {
      process.exitCode = await verify(options);
    });
}

async function verify(options: VerifyOptions): Promise<number> {
  const damaged = damagedFiles(await findData());
  // What a damaged file tells is not worth looking at.
  if (damaged.length > 0) return report(nothingRead(damaged), options);
  return withData((data) => verifyLog(data, options));
}

function damagedFiles(config: Config): DamageFinding[] {
  const { log, keys } = filesOf(config);
  return [
    ...(config.eventStore === 'sqlite' ? damageIn(log, logTexts) : []),
    ...(config.keys === 'sqlite' ? damageIn(keys) : []),
  ];
}

function damageIn(file: string, texts?: Texts): DamageFinding[] {
  const damage = findDamage(file, texts);
  return damage === undefined ? [] : [{ problem: 'damaged-file', file, detail: `${damage}: restore it from a backup` }];
}

function nothingRead(findings: readonly Finding[]): Verification {
  return { events: 0, streams: 0, head: 0n, findings };
}

async function verifyLog(data: Data, options: VerifyOptions): Promise<number> {
  const progress = startProgress('Verifying', Number(await data.eventStore.head()), !options.json);
  const signal = interruption();
  try {
    const verification = await verifyHistory({
      ...data,
      projections,
      signal,
      onProgress: (events, position) => progress.update(Number(position), `${grouped(events)} events`),
    }).finally(() => progress.stop());
    return report(verification, options);
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
}

function report(verification: Verification, { json }: VerifyOptions): number {
  if (json) printJson(verification);
  else printLines(describe(verification));
  return verification.findings.length > 0 ? exitCodes.found : exitCodes.done;
}

function describe({ events, streams, findings }: Verification): string[] {
  const read = `${grouped(events)} events of ${grouped(streams)} streams were read`;
  if (findings.length === 0) return [`${read}: all is well.`];
  return [`${read}, ${grouped(findings.length)} findings:`, ...findings.map(describeFinding)];
}

function describeFinding(finding: Finding): string {
  return `  ${finding.problem}: ${placeOf(finding)}: ${finding.detail}`;
}

function placeOf(finding: Finding): string {
  switch (finding.problem) {
    case 'checkpoint-ahead':
      return `read model ${finding.projection}`;
    case 'damaged-file':
      return finding.file;
    default:
      return `${finding.stream} revision ${finding.revision}, position ${finding.position}`;
  }
}
