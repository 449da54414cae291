import { z } from 'zod';
import { givenPassword, leastPasswordLength, newPassword } from '../../auth/password-rules.js';

/** What people send and get when they register and log in. */

const maxEmailLength = 254;

const username = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(80, 'must be at most 80 characters')
  .regex(/^[^@\s\p{C}]+$/u, 'must not hold spaces, control characters or @');

const email = z
  .string()
  .trim()
  .max(maxEmailLength, `must be at most ${maxEmailLength} characters`)
  .pipe(z.email('must be an e-mail address'));

export const registration = z.strictObject({
  email,
  name: z.string().trim().min(2, 'must be at least 2 characters').max(50, 'must be at most 50 characters'),
  // The setting asks for more.
  password: newPassword(leastPasswordLength),
  username: username.optional(),
});
export type Registration = z.infer<typeof registration>;

export const credentials = z
  .strictObject({
    email: z.string().trim().max(maxEmailLength).optional(),
    username: z.string().trim().max(maxEmailLength).optional(),
    password: givenPassword,
  })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    path: ['email'],
    message: 'or username is required, and only one of them',
  });
export type Credentials = z.infer<typeof credentials>;

export const user = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  username: z.string().nullable(),
});

export const session = z.object({
  user,
  accessToken: z.string().meta({ description: 'To be sent as `Authorization: Bearer …`.' }),
  expiresIn: z.number().int().meta({ description: 'Seconds for which the access token is good.' }),
  expiresAt: z.iso.datetime(),
});
