import type { Command } from 'commander';
import { systemActor } from '../../domain/decider.js';
import { type AdminOutcome, ensureAdmin } from '../auth/first-admin.js';
import { type Data, withNewData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { printJson, printLines } from './output.js';
import { withIdentity, withPipeline } from './pipeline.js';

interface AdminOptions {
  readonly name?: string;
  readonly json?: boolean;
}

interface RevokeOptions {
  readonly json?: boolean;
}

/** Makes the first admin: others are appointed by admins. */
export function addAdmin(program: Command): void {
  program
    .command('admin <email>')
    .description('make someone an admin; with PARLEY_ADMIN_PASSWORD, the account is made where there is none')
    .option('--name <name>', 'name of a new account')
    .option('--json', 'print the result as JSON')
    .action((email: string, options: AdminOptions) =>
      withNewData(async (data) => {
        process.exitCode = await makeAdmin(data, email, options);
      }),
    );
}

export function addSessions(program: Command): void {
  program
    .command('sessions')
    .description('the sessions of people who are logged in')
    .command('revoke')
    .description('end the sessions of everybody; sockets are closed within two seconds')
    .requiredOption('--all', 'of everybody')
    .option('--json', 'print the result as JSON')
    .action((options: RevokeOptions) => withNewData((data) => revokeAll(data, options)));
}

const outcomes: Readonly<Record<AdminOutcome, (email: string) => string>> = {
  made: (email) => `Made an account for ${email}, which is an admin.`,
  promoted: (email) => `${email} is an admin now.`,
  'already-admin': (email) => `${email} is an admin already.`,
  'not-verified': (email) => `The account of ${email} has not verified the address.`,
  'no-such-account': (email) => `There is no account for ${email}: set PARLEY_ADMIN_PASSWORD to have one made.`,
};

async function makeAdmin(data: Data, email: string, { name, json }: AdminOptions): Promise<number> {
  const { adminPassword: password } = data.config;
  const outcome = await withIdentity(data, (identity, pipeline) =>
    ensureAdmin(identity, pipeline, { email, name, password }),
  );
  if (json) printJson({ email, outcome });
  else printLines([outcomes[outcome](email)]);
  return outcome === 'no-such-account' ? exitCodes.usage : exitCodes.done;
}

async function revokeAll(data: Data, { json }: RevokeOptions): Promise<void> {
  const revocation = { type: 'identity.RevokeAllSessions', actor: systemActor, input: {} } as const;
  const { position } = await withPipeline(data, (pipeline) => pipeline.execute(revocation));
  if (json) printJson({ revoked: 'all', position });
  else printLines(['The sessions of everybody have ended.']);
}
