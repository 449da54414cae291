import type { Command } from 'commander';
import { projections } from '../../projections/catalogue.js';
import { type Finding, type Verification, verifyHistory } from '../history/verification.js';
import { type Data, withData } from './data.js';
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
      'read the whole log and report what is wrong: positions, revisions, hashes, unreadable events, checkpoints',
    )
    .option('--json', 'print the result as JSON')
    .action(async (options: VerifyOptions) => {
      process.exitCode = await withData((data) => verify(data, options));
    });
}

async function verify(data: Data, { json }: VerifyOptions): Promise<number> {
  const progress = startProgress('Verifying', Number(await data.eventStore.head()), !json);
  const signal = interruption();
  try {
    const verification = await verifyHistory({
      ...data,
      projections,
      signal,
      onProgress: (events, position) => progress.update(Number(position), `${grouped(events)} events`),
    }).finally(() => progress.stop());
    if (json) printJson(verification);
    else printLines(describe(verification));
    return verification.findings.length > 0 ? exitCodes.found : exitCodes.done;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
}

function describe({ events, streams, findings }: Verification): string[] {
  const read = `${grouped(events)} events of ${grouped(streams)} streams were read`;
  if (findings.length === 0) return [`${read}: all is well.`];
  return [`${read}, ${grouped(findings.length)} findings:`, ...findings.map(describeFinding)];
}

function describeFinding(finding: Finding): string {
  const place =
    finding.problem === 'checkpoint-ahead'
      ? `read model ${finding.projection}`
      : `${finding.stream} revision ${finding.revision}, position ${finding.position}`;
  return `  ${finding.problem}: ${place}: ${finding.detail}`;
}
