import parseAddresses from 'nodemailer/lib/addressparser';
import { z } from 'zod';

/** Mail addresses as they may be in a header or an envelope: nothing in them can begin another header or name a second one. */

const atom = String.raw`[^\s\p{C}()<>[\]:;@\\,"]+`;

/** `local@domain` without quotes, comments, spaces or control characters. */
export const mailAddress = z
  .string()
  .max(254)
  .regex(new RegExp(`^${atom}@${atom}$`, 'u'), 'must be one e-mail address');

/** An address with the name of who it belongs to, which may be empty. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** `talk@example.org` or `Our talks <talk@example.org>`. */
export const mailbox = z.string().transform((text, context): Mailbox => {
  const [parsed, ...others] = parseAddresses(text);
  const address = mailAddress.safeParse(parsed?.address);
  if (/\p{C}/u.test(text) || others.length > 0 || !address.success) {
    context.issues.push({
      code: 'custom',
      input: text,
      message: 'must be an address such as Talks <talk@example.org>',
    });
    return z.NEVER;
  }
  return { name: parsed?.name ?? '', address: address.data };
});
