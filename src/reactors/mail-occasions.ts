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
import { ProfileChanged, profile } from '../../domain/identity/profile.js';
import { streamName } from '../../domain/ids.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';
import type { Letter, NoticeName, Reader, RequestName } from '../mail/letters/letters.js';
import { openEvent } from './open-event.js';

/** A letter, whose account it is about, the address that it goes to, and how it is to be written. */
export interface Addressed {
  readonly person: string;
  readonly to: string;
  readonly letter: Letter;
  readonly reader: Reader;
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
type AddressedLetter = Pick<Addressed, 'to' | 'letter'>;
type ProfileEvent = RecordedOf<{ ProfileChanged: typeof ProfileChanged }>;
const addressTypes: ReadonlySet<string> = new Set(Object.values(addressEvents).map(({ type }) => type));
const profileTypes: ReadonlySet<string> = new Set([ProfileChanged.type]);
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
    const addressed = await this.#letterOn(event);
    if (!addressed) return undefined;
    const { personId: person } = event.data;
    return { ...addressed, person, reader: await this.#readerAt(event) };
  }

  async #letterOn(event: Occasion): Promise<AddressedLetter | undefined> {
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
  ): Promise<AddressedLetter | undefined> {
    if (to === null) return undefined;
    const { tokens, linkBase } = this.options;
    const expiresAt = Date.parse(expiry);
    const token = await tokens.issue(kind, { personId, jti: requestId, expiresAt });
    return { to, letter: { name, link: { url: `${linkBase}/${pages[kind]}?token=${token}`, expiresAt } } };
  }

  async #tell(name: NoticeName, event: RecordedEvent): Promise<AddressedLetter | undefined> {
    const to = await this.#addressAt(event);
    return to === null ? undefined : { to, letter: { name } };
  }

  /** The address of the account just before one of its events: a new one may be that of a thief. */
  async #addressAt({ stream, revision }: RecordedEvent): Promise<string | null> {
    const holder = await this.#lastOf(addressTypes, stream, revision - 1);
    return holder ? ((await openEvent(this.options.codec, holder)) as AddressEvent).data.email : null;
  }

  /** What the person had told of themselves by then: the same event makes the same mail, whenever it is written. */
  async #readerAt({ data: { personId }, position }: Occasion): Promise<Reader> {
    const stream = streamName(profile.category, personId);
    const holder = await this.#lastOf(profileTypes, stream, undefined, position);
    if (!holder) return {};
    const { locale, timeZone } = ((await openEvent(this.options.codec, holder)) as ProfileEvent).data;
    return { locale, timeZone };
  }

  /** The last event of these types in a stream, up to a revision and before a position. */
  async #lastOf(
    types: ReadonlySet<string>,
    stream: string,
    through: number | undefined,
    before?: bigint,
  ): Promise<StoredEvent | undefined> {
    for (let from = through; from === undefined || from >= 0; ) {
      const page = await this.options.eventStore.readStream(stream, {
        direction: 'backwards',
        ...(from !== undefined && { from }),
        limit: pageSize,
      });
      const holder = page.find(({ type, position }) => types.has(type) && (before === undefined || position < before));
      if (holder || page.length < pageSize) return holder;
      from = (page.at(-1) as StoredEvent).revision - 1;
    }
    return undefined;
  }
}
