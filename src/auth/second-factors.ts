import type { Actor } from '../../domain/decider.js';
import type { AccountState } from '../../domain/identity/account/account.js';
import { type CommandPipeline, CommandRejected } from '../commands/port.js';
import type { AccountReader } from './account-reader.js';
import { matchedRecoveryCode, newRecoveryCodes } from './recovery-codes.js';
import type { SecondFactorProof } from './sessions.js';
import { enrolmentUri, matchedStep, newTotpSecret } from './totp.js';

export interface SecondFactorsOptions {
  readonly pipeline: Pick<CommandPipeline, 'execute'>;
  readonly reader: AccountReader;
  /** As authenticator apps show who asks for the codes. */
  readonly issuer: string;
}

/** What an authenticator app needs. */
export interface Enrolment {
  /** Base32. */
  readonly secret: string;
  /** `otpauth:`, to be shown as a QR code. */
  readonly uri: string;
}

/** Sets up second factors, and compares what is given as one. */
export class SecondFactors {
  constructor(private readonly options: SecondFactorsOptions) {}

  async status(personId: string): Promise<{ totp: boolean; recoveryCodesLeft: number }> {
    const { secondFactor } = await this.options.reader.account(personId);
    const totp = secondFactor.totpRevision !== undefined;
    return { totp, recoveryCodesLeft: secondFactor.recoveryCodeHashes.length };
  }

  /**
   * Makes a secret for the person's app, which counts once a code of it was shown.
   * @param passwordRevision - the event that holds the hash of the password that was shown
   */
  async begin(actor: Actor, passwordRevision: number): Promise<Enrolment> {
    const secret = newTotpSecret();
    const input = { personId: actor.id, secret, passwordRevision };
    await this.options.pipeline.execute({ type: 'identity.BeginTotpEnrolment', actor, input });
    const { email, username } = await this.options.reader.user(actor.id);
    const { issuer } = this.options;
    return { secret, uri: enrolmentUri(secret, { issuer, account: email ?? username ?? actor.id }) };
  }

  /** @returns recovery codes, told this once. @throws {CommandRejected} `wrong-code`; `not-found` if nothing was begun */
  async confirm(actor: Actor, code: string): Promise<readonly string[]> {
    const { reader, pipeline } = this.options;
    const personId = actor.id;
    const { enrolmentRevision } = (await reader.account(personId)).secondFactor;
    const secret = await reader.totpSecret(personId, enrolmentRevision);
    if (enrolmentRevision === undefined || secret === undefined) throw new CommandRejected('not-found');
    const step = matchedStep(secret, code, Date.now());
    if (step === undefined) throw new CommandRejected('wrong-code', undefined, 'code');
    const { codes, hashes } = newRecoveryCodes();
    const input = { personId, enrolmentRevision, step, recoveryCodeHashes: [...hashes] };
    await pipeline.execute({ type: 'identity.EnableTotp', actor, input });
    return codes;
  }

  async disable(actor: Actor, personId: string): Promise<void> {
    await this.options.pipeline.execute({ type: 'identity.DisableTotp', actor, input: { personId } });
  }

  /** @returns new recovery codes, told this once; the old ones are no longer good */
  async renewRecoveryCodes(actor: Actor): Promise<readonly string[]> {
    const { codes, hashes } = newRecoveryCodes();
    const input = { personId: actor.id, recoveryCodeHashes: [...hashes] };
    await this.options.pipeline.execute({ type: 'identity.RenewRecoveryCodes', actor, input });
    return codes;
  }

  /** What the code proves; undefined if it is wrong. Whether it was used before is decided by the domain. */
  async match(personId: string, { secondFactor }: AccountState, code: string): Promise<SecondFactorProof | undefined> {
    const secret = await this.options.reader.totpSecret(personId, secondFactor.totpRevision);
    const totpStep = secret === undefined ? undefined : matchedStep(secret, code, Date.now());
    if (totpStep !== undefined) return { totpStep };
    const codeHash = matchedRecoveryCode(code, secondFactor.recoveryCodeHashes);
    return codeHash === undefined ? undefined : { codeHash };
  }
}
