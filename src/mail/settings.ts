import type { Mailbox } from './address.js';
import type { SmtpOptions } from './smtp.js';

/** The part of the settings that mail is about. */
export interface MailSettings {
  readonly NODE_ENV: 'development' | 'test' | 'production';
  readonly FRONTEND_URL: readonly string[];
  readonly PARLEY_EMAIL_VERIFICATION: 'required' | 'optional';
  readonly PARLEY_LINK_BASE?: string | undefined;
  readonly MAIL_SERVER?: string | undefined;
  readonly MAIL_PORT: number;
  readonly MAIL_USE_TLS: boolean;
  readonly MAIL_USERNAME?: string | undefined;
  readonly MAIL_PASSWORD?: string | undefined;
  readonly MAIL_FROM?: Mailbox | undefined;
}

/** What becomes of mails. */
export type MailConfig =
  | { readonly kind: 'smtp'; readonly smtp: SmtpOptions }
  /** They are written into the data directory, where they stay: for development alone. */
  | { readonly kind: 'folder'; readonly from: Mailbox }
  /** They are not written at all. */
  | { readonly kind: 'none' };

/** The port of SMTP with TLS from the first byte (RFC 8314). */
const submissionsPort = 465;
const developmentSender: Mailbox = { name: 'Parley', address: 'parley@localhost' };

export function mailConfigOf(settings: MailSettings): MailConfig {
  const { NODE_ENV, MAIL_SERVER: host, MAIL_FROM: from } = settings;
  if (host !== undefined && from !== undefined) return { kind: 'smtp', smtp: smtpOptions(settings, host, from) };
  return NODE_ENV === 'development' ? { kind: 'folder', from: from ?? developmentSender } : { kind: 'none' };
}

function smtpOptions(settings: MailSettings, host: string, from: Mailbox): SmtpOptions {
  const { MAIL_PORT: port, MAIL_USE_TLS, MAIL_USERNAME: username, MAIL_PASSWORD: password } = settings;
  const withTls = port === submissionsPort ? 'tls' : 'starttls';
  return {
    host,
    port,
    security: MAIL_USE_TLS ? withTls : 'none',
    login: username !== undefined && password !== undefined ? { username, password } : undefined,
    from,
  };
}

/** What in the settings would keep mails from being sent, or their links from being followed. */
export function mailFaults(settings: MailSettings): string[] {
  if (settings.MAIL_SERVER !== undefined) return serverFaults(settings);
  const isNeeded = settings.NODE_ENV === 'production' && settings.PARLEY_EMAIL_VERIFICATION === 'required';
  return isNeeded ? ['MAIL_SERVER: must be set where PARLEY_EMAIL_VERIFICATION is required'] : [];
}

function serverFaults(settings: MailSettings): string[] {
  const { NODE_ENV, MAIL_FROM, MAIL_USE_TLS, MAIL_USERNAME, MAIL_PASSWORD, PARLEY_LINK_BASE, FRONTEND_URL } = settings;
  const faults: string[] = [];
  if (!MAIL_FROM) faults.push('MAIL_FROM: must be set where MAIL_SERVER is');
  if ((MAIL_USERNAME === undefined) !== (MAIL_PASSWORD === undefined)) {
    faults.push(`${MAIL_PASSWORD === undefined ? 'MAIL_PASSWORD' : 'MAIL_USERNAME'}: must be set where the other is`);
  }
  if (!MAIL_USE_TLS && MAIL_PASSWORD !== undefined) {
    faults.push('MAIL_USE_TLS: must be true where MAIL_PASSWORD is set, which would travel in clear');
  }
  if (NODE_ENV === 'production' && PARLEY_LINK_BASE === undefined && FRONTEND_URL.length === 0) {
    faults.push('PARLEY_LINK_BASE: must be set, or FRONTEND_URL, since mails hold links');
  }
  return faults;
}
