import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { onTestFinished } from 'vitest';
import type { SmtpOptions } from '../../src/mail/smtp.js';
import { certificateFor } from '../fixtures/certificate.js';
import { headerOf } from './mime.js';

/** A mail as the server got it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whether it came over TLS. */
  readonly secure: boolean;
  readonly username: string | undefined;
  /** As it came, header and body. */
  readonly message: string;
  header(name: string): string | undefined;
}

/** What the server answers to a step: an error with its reply code refuses it. */
type Answer = () => Error | undefined;

export interface MailServerOptions extends SMTPServerOptions {
  readonly port?: number;
  /** Asked for each recipient. */
  readonly onRecipient?: (address: string) => Error | undefined;
  readonly onMessage?: Answer;
  readonly onSender?: Answer;
  /** Username and password that it asks for. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** A reply that refuses, such as `550 5.1.1 Nobody here`. */
export function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

export const trusted = certificateFor('127.0.0.1');

/** An SMTP server of this machine that keeps what it gets, with STARTTLS unless told otherwise. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** Commands that came with a password in them, over TLS or not. */
  readonly logins: { readonly secure: boolean; readonly password: string | null | undefined }[] = [];
  sessions = 0;

  private constructor(
    private readonly smtp: SMTPServer,
    readonly port: number,
  ) {}

  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const { port = 0, onRecipient, onMessage, onSender, login, ...others } = options;
    const smtp: SMTPServer = new SMTPServer({
      logger: false,
      ...trusted,
      authOptional: login === undefined,
      disableReverseLookup: true,
      closeTimeout: 50,
      onConnect(_session, callback) {
        server.sessions += 1;
        callback();
      },
      onAuth(auth, session, callback) {
        server.logins.push({ secure: session.secure, password: auth.password });
        const isRight = auth.username === login?.username && auth.password === login?.password;
        if (isRight) callback(null, { user: auth.username });
        else callback(reply(535, `5.7.8 ${auth.username} may not`));
      },
      onMailFrom: (_address, _session, callback) => callback(onSender?.()),
      onRcptTo: ({ address }, _session, callback) => callback(onRecipient?.(address)),
      async onData(stream, session, callback) {
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        const refusal = onMessage?.();
        if (refusal) return callback(refusal);
        server.mails.push(received(Buffer.concat(chunks).toString(), session));
        callback();
      },
      ...others,
    });
    // Clients that break off are part of what is tried.
    smtp.on('error', () => undefined);
    const listening: Server = smtp.listen(port, '127.0.0.1');
    await once(listening, 'listening');
    const server = new MailServer(smtp, (listening.address() as AddressInfo).port);
    onTestFinished(() => server.stop());
    return server;
  }

  /** How to reach it. */
  get settings(): SmtpOptions {
    return {
      host: '127.0.0.1',
      port: this.port,
      security: 'starttls',
      login: undefined,
      from: { name: 'Parley', address: 'parley@talk.example' },
      trustedCertificates: trusted.cert,
    };
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.smtp.close(resolve));
  }
}

type Session = Parameters<NonNullable<SMTPServerOptions['onData']>>[1];

function received(message: string, { envelope, secure, user }: Session): ReceivedMail {
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
    secure,
    username: user,
    message,
    header: (name) => headerOf(message, name),
  };
}
