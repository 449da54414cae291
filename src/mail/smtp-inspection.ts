import type { NodemailerError } from 'nodemailer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { connectionOptions, reasonOf, type SmtpOptions } from './smtp.js';

/** What an operator should know of an SMTP server. */
export interface SmtpInspection {
  /** How it calls itself; it tells no version. */
  readonly name: string;
  readonly encrypted: boolean;
  /** `missing` where there is something to log in with, but the server takes no logins. */
  readonly login: 'accepted' | 'missing' | 'none';
}

/**
 * Connects, has the connection encrypted and logs in as for a mail, and sends none.
 * @throws {Error} at the first step that fails; its message is a code, such as `AUTH PLAIN 535 5.7.8`
 */
export async function inspectSmtp(options: SmtpOptions): Promise<SmtpInspection> {
  const connection = new SMTPConnection(connectionOptions(options));
  try {
    await told(connection, (done) => connection.connect(done));
    const { secure: encrypted, allowsAuth } = connection;
    const name = nameIn(connection.lastServerResponse || '');
    if (options.login === undefined) return { name, encrypted, login: 'none' };
    if (!allowsAuth) return { name, encrypted, login: 'missing' };
    const { username: user, password: pass } = options.login;
    await told(connection, (done) => connection.login({ user, pass }, done));
    connection.quit();
    return { name, encrypted, login: 'accepted' };
  } finally {
    connection.close();
  }
}

type Done = (error?: NodemailerError | null) => void;

/** Errors come to whoever has called, or else as an event; never to both. */
function told(connection: SMTPConnection, step: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodemailerError) => reject(new Error(reasonOf(error), { cause: error }));
    connection.once('error', fail);
    step((error) => {
      connection.off('error', fail);
      if (error) fail(error);
      else resolve();
    });
  });
}

/** RFC 5321, 4.1.1.1: a server's answer to EHLO begins with its domain. */
function nameIn(greeting: string): string {
  return /^\d{3}[ -](?<domain>[\w.:[\]-]+)/.exec(greeting)?.groups?.domain ?? 'of no name';
}
