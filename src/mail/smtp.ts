import nodemailer, { type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { Mailbox } from './address.js';
import { messageOf } from './message.js';
import type { Delivery, Mail, MailTransport } from './port.js';

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  /**
   * `starttls` refuses a server that does not offer it (RFC 3207), `tls` speaks TLS from the first byte (RFC 8314),
   * `none` is for a relay on this machine or in its network.
   */
  readonly security: 'starttls' | 'tls' | 'none';
  readonly login: { readonly username: string; readonly password: string } | undefined;
  readonly from: Mailbox;
  /** PEM; certificates that are trusted instead of those that Node trusts. */
  readonly trustedCertificates?: string;
  /** How long a connection may take, and then a server may be silent, in ms; 10,000 and 30,000 unless told. */
  readonly connectMs?: number;
  readonly silenceMs?: number;
}

const connections = 4;
const mailsPerConnection = 100;

/** Hands mails to an SMTP server (RFC 5321) over a few connections that stay open for a while. */
export function openSmtp(options: SmtpOptions): MailTransport {
  const transporter = nodemailer.createTransport(poolOptions(options));
  return {
    async send(mail: Mail): Promise<Delivery> {
      const message = messageOf(mail, options.from);
      if (!message) return { outcome: 'refused', reason: 'not an address' };
      try {
        await transporter.sendMail(message);
        return { outcome: 'taken' };
      } catch (error) {
        return whyNot(error as NodemailerError);
      }
    },
    async close() {
      transporter.close({ force: true });
    },
  };
}

function poolOptions(options: SmtpOptions): SMTPPoolOptions & { pool: true } {
  const { login } = options;
  return {
    pool: true,
    maxConnections: connections,
    maxMessages: mailsPerConnection,
    ...connectionOptions(options),
    ...(login && { auth: { user: login.username, pass: login.password } }),
  };
}

/** How any connection to the server is made, as nodemailer takes it. */
export function connectionOptions(options: SmtpOptions) {
  const { host, port, security, trustedCertificates, connectMs = 10_000, silenceMs = 30_000 } = options;
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: {
      minVersion: 'TLSv1.2',
      // Said although it is the default, which NODE_TLS_REJECT_UNAUTHORIZED could change.
      rejectUnauthorized: true,
      ...(trustedCertificates !== undefined && { ca: trustedCertificates }),
    },
    dnsTimeout: connectMs,
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: silenceMs,
    logger: false,
  } as const;
}

/** What the server answers when it is the session that is at fault, at whichever step it says so (RFC 5321, RFC 4954). */
const sessionFaults = new Set([421, 503, 530]);

/**
 * What fails before the recipient is named (connecting, TLS, logging in, the sender) would fail for every mail; what
 * fails from there on is about this one.
 */
function whyNot(error: NodemailerError): Delivery {
  const { code = '', command = '', responseCode } = error;
  const reason = reasonOf(error);
  const isOfMail = (code === 'EENVELOPE' || code === 'EMESSAGE') && command !== 'MAIL FROM';
  if (!isOfMail || sessionFaults.has(responseCode ?? 0)) return { outcome: 'unavailable', reason };
  return { outcome: isPermanent(responseCode) ? 'refused' : 'deferred', reason };
}

/** Without an answer of the server, it was nodemailer that found the mail wrong. */
function isPermanent(responseCode: number | undefined): boolean {
  return responseCode === undefined || responseCode >= 500;
}

type SmtpError = NodemailerError & { originalCode?: unknown };

/** The step and the status codes: the rest of an error is the server's words. */
export function reasonOf({ code, command, response, originalCode }: SmtpError): string {
  const status = /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?(?=\s|$)/.exec(response ?? '')?.[0].replace('-', ' ');
  return [command, status ?? originalCode ?? code].filter((part) => part !== undefined).join(' ');
}
