import type { RecordedEvent, RecordedOf } from '../../domain/event.js';
import {
  AccountRegistered,
  EmailChanged,
  EmailVerificationRequested,
  PasswordChanged,
  PasswordResetRequested,
  RegistrationAttempted,
} from '../../domain/identity/account/credentials.js';
import { TotpDisabled, TotpEnabled } from '../../domain/identity/account/second-factor.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import type { Letter, NoticeName, RequestName } from '../mail/letters/letters.js';
import { openEvent } from './open-event.js';

/** A letter and the address that it goes to. */
export interface Addressed {
  readonly to: string;
  readonly letter: Letter;
}

/** The page of a front end that each kind of token is for, named as the route that takes it. */
const pages = {
  'verify-email': 'verify-email',
  'change-email': 'verify-email',
  'reset-password': 'reset-password',
} as const;
type MailedTokenKind = keyof typeof pages;

/** Makes tokens for links; the same facts make the same token. */
export interface MailedTokens {
  issue(
    kind: MailedTokenKind,
    facts: { readonly personId: string; readonly jti: string; readonly expiresAt: number },
  ): Promise<string>;
}

interface OccasionOptions {
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly tokens: MailedTokens;
  readonly linkBase: string;
}

/** What asks for a mail that somebody has to follow a link of. */
interface AsksByMail {
  readonly personId: string;
  readonly requestId: string;
  readonly expiresAt: string;
}

const occasions = {
  RegistrationAttempted,
  EmailVerificationRequested,
  EmailChanged,
  PasswordResetRequested,
  PasswordChanged,
  TotpEnabled,
  TotpDisabled,
};
type Occasion = RecordedOf<typeof occasions>;

/** Types of the events that may ask for a letter. */
export const occasionTypes: ReadonlySet<string> = new Set(Object.values(occasions).map(({ type }) => type));

/** The events that hold an account's address from then on. */
const addressEvents = { AccountRegistered, EmailChanged };
type AddressEvent = RecordedOf<typeof addressEvents>;
const addressTypes: ReadonlySet<string> = new Set(Object.values(addressEvents).map(({ type }) => type));
const pageSize = 200;

/** On which events people are written to, and what. */
export class MailOccasions {
  constructor(private readonly options: OccasionOptions) {}

  /**
   * @param recorded - an event of one of `occasionTypes`
   * @returns undefined where nobody is to be written to: what is imported is over, and who was forgotten has no address
   */
  async letterOn(recorded: RecordedEvent): Promise<Addressed | undefined> {
    if (recorded.metadata.origin === 'import') return undefined;
    const event = recorded as Occasion;
    switch (event.type) {
      case 'identity.RegistrationAttempted':
        return this.#tell('registration-attempted', event);
      case 'identity.EmailVerificationRequested': {
        const kind = event.data.purpose === 'verify' ? 'verify-email' : 'change-email';
        return this.#ask(kind, kind, event.data, event.data.email);
      }
      case 'identity.EmailChanged':
        return this.#tell('email-changed', event);
      case 'identity.PasswordResetRequested': {
        const name = event.data.reason === 'invitation' ? 'account-made' : 'reset-password';
        return this.#ask(name, 'reset-password', event.data, await this.#addressAt(event));
      }
      case 'identity.PasswordChanged':
        return event.data.how === 'renewed' ? undefined : this.#tell('password-changed', event);
      case 'identity.TotpEnabled':
        return this.#tell('second-factor-enabled', event);
      case 'identity.TotpDisabled':
        return this.#tell('second-factor-disabled', event);
    }
  }

  async #ask(
    name: RequestName,
    kind: MailedTokenKind,
    { personId, requestId, expiresAt: expiry }: AsksByMail,
    to: string | null,
  ): Promise<Addressed | undefined> {
    if (to === null) return undefined;
    const { tokens, linkBase } = this.options;
    const expiresAt = Date.parse(expiry);
    const token = await tokens.issue(kind, { personId, jti: requestId, expiresAt });
    return { to, letter: { name, link: { url: `${linkBase}/${pages[kind]}?token=${token}`, expiresAt } } };
  }

  async #tell(name: NoticeName, event: RecordedEvent): Promise<Addressed | undefined> {
    const to = await this.#addressAt(event);
    return to === null ? undefined : { to, letter: { name } };
  }

  /** The address of the account just before one of its events: a new one may be that of a thief. */
  async #addressAt({ stream, revision }: RecordedEvent): Promise<string | null> {
    const { eventStore, codec } = this.options;
    for (let from = revision - 1; from >= 0; from -= pageSize) {
      const page = await eventStore.readStream(stream, { direction: 'backwards', from, limit: pageSize });
      const holder = page.find(({ type }) => addressTypes.has(type));
      if (holder) return ((await openEvent(codec, holder)) as AddressEvent).data.email;
    }
    return null;
  }
}
