import type { Command } from 'commander';
import { examine } from './examination.js';
import { exitCodes } from './exit-codes.js';
import { printJson, printLines } from './output.js';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check the settings, the data directory, every server that they name, and whether Parley answers')
    .option('--json', 'print the result as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const checks = await examine();
      if (json) printJson({ checks });
      else printLines(checks.map(({ verdict, name, detail }) => `${verdict.padEnd(4)}  ${name}: ${detail}`));
      process.exitCode = checks.some(({ verdict }) => verdict === 'fail') ? exitCodes.found : exitCodes.done;
    });
}
